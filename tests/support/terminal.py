"""Runs a program at a terminal, as a person has it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Sequence

_LONGEST_S = 100


def at_a_terminal(command: Sequence[object], environ: dict[str, str], prompt: str, keys: str) -> tuple[int, str]:
    """Run ``command`` and press ``keys`` once it shows ``prompt``; its exit code and all that the screen shows."""
    ours, theirs = pty.openpty()
    words = list(map(str, command))
    with subprocess.Popen(
        words, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown, pressed, end = b"", False, time.monotonic() + _LONGEST_S
        while time.monotonic() < end:
            if not select.select([ours], [], [], 0.2)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                shown += os.read(ours, 4096)
            except OSError:  # EIO: the program has ended
                break
            if not pressed and prompt.encode() in shown:
                os.write(ours, keys.encode())
                pressed = True
        code = process.wait(30)
    os.close(ours)
    return code, shown.decode()
