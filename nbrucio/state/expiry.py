"""Prune the memory of notebooks that no longer exist.

`nbrucio.state.status_cache` and `nbrucio.state.staged_rules` store one file per notebook, and nothing notifies them
when a notebook is deleted or moved. A sync therefore checks once a day which notebooks still exist.

A notebook on an unmounted file system looks deleted. Its status cache is dropped, since rebuilding that costs one
status; its staged rules are dropped only when they can no longer be renewed (`StagedRules.expired`). Its resolutions
(`nbrucio.state.resolutions`) always stay, because without them the next sync may download other data.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path

from nbrucio.disk.threads import DaemonThread
from nbrucio.state.notebook_key import key_of_real_path
from nbrucio.state.staged_rules import StagedRules
from nbrucio.state.status_cache import StatusCache

PERIOD_S = 24 * 3600
#: Seconds to wait for the check. A notebook may be on a network file system that hangs; the check then continues in its
#: daemon thread.
_TIMEOUT_S = 1.0


def prune(root: Path) -> None:
    """Drop the memory of deleted notebooks from the store at ``root``, at most once a day. Never raises."""
    mark = root / "swept"
    try:
        if not root.is_dir() or time.time() - _changed(mark) < PERIOD_S:
            return
        mark.touch()
    except OSError:
        return  # a store that cannot be written does not grow either
    thread = DaemonThread(_prune, "nbrucio-prune", (root,))
    with suppress(RuntimeError):  # no more threads: another sync does it
        thread.start()
        thread.join(_TIMEOUT_S)


def _prune(root: Path) -> None:
    now = datetime.now(timezone.utc)
    for file, notebook in chain(StatusCache(root).entries(), StagedRules(root).expired(now)):
        # nbrucio wrote the file only if its name is the key of the notebook that it names.
        if file.stem == key_of_real_path(notebook) and _is_gone(notebook):
            with suppress(OSError):
                file.unlink()


def _is_gone(path: str) -> bool:
    """Whether certainly nothing exists at ``path``; False when the file system does not answer or denies access."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
