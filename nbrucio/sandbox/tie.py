"""Tie the life of a process to that of the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

#: Linux could send a signal instead (PR_SET_PDEATHSIG), but when the starting *thread* ends, and nowhere else.
_POLL_S = 0.5


def end_with(parent: int) -> None:
    """Have this process get SIGTERM as soon as its parent is no longer the process ``parent``.

    Args:
        parent: the process number of the one that started this one, taken there: it may be gone by now.
    """
    threading.Thread(target=_watch, args=(parent,), name="end-with-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)


def tied(command: Sequence[str]) -> list[str]:
    """``command``, which is no Python program, as one that ends with this process, however that ends.

    A small process waits for it between the two; SIGTERM to that ends both.
    """
    return [sys.executable, "-c", f"from {__name__} import main; main()", str(os.getpid()), *command]


def main() -> None:
    """Run the command in the arguments, after the number of the process that it ends with; end as it does."""
    parent, *command = sys.argv[1:]
    process = subprocess.Popen(command)  # noqa: S603 our caller's own command line
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    end_with(int(parent))
    sys.exit(process.wait())
