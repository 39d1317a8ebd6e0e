"""Commands as users of this session can run them, for the command line."""

from nbrucio.kernel.command import words_for

__all__ = ["words_for"]
