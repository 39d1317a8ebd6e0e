"""Slow and wide tests, left out unless they are asked for: `make world`."""
