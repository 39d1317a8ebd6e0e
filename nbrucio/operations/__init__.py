"""Every verb besides sync and status."""
