"""Starts every kernel with the same environment, whichever program starts it."""
