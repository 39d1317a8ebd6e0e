"""``python -m nbrucio``: the command line, for where the console script is not on the path."""

from __future__ import annotations

import runpy

if __name__ == "__main__":
    runpy.run_module("nbrucio_cli", run_name="__main__")
