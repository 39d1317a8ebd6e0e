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

    # Modules and their classes stay, and a dataset of 100,000 files is a million values without cycles: looking through
    # them for garbage took a quarter of a command with nothing to do, and 4 of 9 s of a large one. Modules and 1,000
    # files are 100,000 values; a look through these takes 0.05 s, so the first comes later.
    gc.set_threshold(400_000, 50, 50)
    from nbrucio_cli.app import root

    try:
        root.main(prog_name="nbrucio")
    finally:
        # At its end the interpreter would look three times through all of it, which took 0.15 s of a sync of 1.2 s.
        gc.freeze()
