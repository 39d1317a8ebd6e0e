"""What is remembered between runs. Whatever is lost costs time only."""
