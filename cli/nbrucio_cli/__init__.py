"""The command line. `main` is the console script; one module a verb.

``nbrucio --help`` is what a newcomer types first and what scripts call to see whether nbrucio is there. It prints a
text made beforehand (``make help-text``; a test holds it against the verbs), since importing click alone would double
its time.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        sys.stdout.write(Path(__file__).with_name("help.txt").read_text("utf-8"))
        return
    import gc

    # Modules and their classes stay, so looking through them for garbage while they load only costs time: a quarter of
    # a command that has nothing to do.
    gc.set_threshold(100_000, 50, 50)
    import gc

    from nbrucio_cli.app import root

    # A dataset of 100,000 files is a million values without cycles; looking through them again and again took 4 of 9 s.
    gc.set_threshold(100_000)

    root.main(prog_name="nbrucio")
