"""``python -m nbrucio_cli``, for where the console script is not on the path."""

from nbrucio_cli import main

main()
