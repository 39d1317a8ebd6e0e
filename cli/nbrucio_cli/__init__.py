"""The command line. `main` is the console script; one module a verb.

``nbrucio --help`` prints ``help.txt``, which ``make help-text`` writes and a test compares with the verbs: scripts call
it to find out whether nbrucio is installed, and importing click would double its time.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nbrucio_cli.streams import discard_stdout, prepare


def main() -> None:
    """Run the command line and exit with its exit code."""
    prepare()
    try:
        _run()
    except Exception as error:
        from nbrucio.errors import NbrucioError
        from nbrucio_cli.error_text import error_text

        if not isinstance(error, NbrucioError):  # of stdout: the verbs handle all others
            raise
        discard_stdout()
        sys.stderr.write(error_text(error) + "\n")
        sys.exit(error.exit_code)


def _run() -> None:
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        sys.stdout.write(Path(__file__).with_name("help.txt").read_text("utf-8"))
        sys.stdout.flush()
        return
    import gc

    # Garbage collection took a quarter of a command with nothing to do, and 4 of 9 s with 100,000 files, whose million
    # values have no cycles. Modules and 1,000 files are 100,000 values, and one collection of these takes 0.05 s.
    gc.set_threshold(400_000, 50, 50)
    from nbrucio.errors import find_programs_by

    find_programs_by(_words_for)
    try:
        from nbrucio_cli.app import root
    except ModuleNotFoundError as error:
        sys.exit(_missing(error))
    try:
        root.main(prog_name="nbrucio")
    finally:
        # The interpreter's three collections at exit took 0.15 s of a sync of 1.2 s.
        gc.freeze()


def _words_for(program: str) -> str | None:
    from nbrucio.operations.runnable import words_for  # most commands print none

    return words_for(program)


def _missing(error: ModuleNotFoundError) -> int:
    from nbrucio.disk.libraries import unexpected
    from nbrucio_cli.error_text import error_json, error_text, wants_json

    found = unexpected(error)
    if wants_json(sys.argv[1:]):
        import json

        sys.stdout.write(json.dumps(error_json(found), indent=2) + "\n")
        sys.stdout.flush()
    sys.stderr.write(error_text(found) + "\n")
    return found.exit_code
