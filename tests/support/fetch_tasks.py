"""The program that the crash tests kill: bring files, and say what happens on stdout.

usage: python -m tests.support.fetch_tasks STORE TASKS.json [KILL_AT]

``"locks"`` in TASKS.json is ``real``, ``absent`` (the file system has none) or ``lying`` (everybody gets each lock).
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.core.events import Event, FileStarted
from nbrucio.core.files import FileEntry, Replica
from nbrucio.errors import Interrupted
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import StorageAccess, Task, TransferLimits
from tests.support.faulty_disk import CountedDisk, failing


class _Printer:
    def report(self, event: Event) -> None:
        if isinstance(event, FileStarted):
            _say(f"started {event.did.name} {event.resumed_bytes}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    root, description, *kill_at = sys.argv[1:]
    given = json.loads(Path(description).read_text())
    tasks = [
        Task("rucio.example", FileEntry(Did("test", name), size, adler32), (Replica("R", pfn),))
        for name, size, adler32, pfn in given["files"]
    ]
    disk = CountedDisk(int(kill_at[0]) if kill_at else None, _die)
    if given.get("locks") == "absent":
        disk.try_lock = failing(errno.ENOLCK)  # type: ignore[method-assign,assignment]
    elif given.get("locks") == "lying":
        disk.try_lock = lambda _fd: True  # type: ignore[method-assign]
    access = {"rucio.example": StorageAccess(ca=Path(given["ca"]) if given["ca"] else None, file_roots=(Path("/"),))}
    limits = TransferLimits(per_host=given["per_host"], part_bytes=given.get("part_bytes", 4 << 20))
    try:
        outcomes = fetch(tasks, Store(Path(root), fs=disk), access, _Printer(), limits=limits)
    except Interrupted as error:
        sys.exit(error.exit_code)
    _say(f"calls {len(disk.calls)}")
    sys.exit(0 if all(outcome.stored for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
