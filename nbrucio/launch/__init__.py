"""What every kernel is started with, whoever starts it."""
