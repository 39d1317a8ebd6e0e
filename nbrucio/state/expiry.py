"""Drop what the store remembers of notebooks that are no more.

`nbrucio.state.status_cache` and `nbrucio.state.staged_rules` keep one file a notebook, and nobody tells them when one
is deleted or moved. So a sync looks once a day which of the notebooks are still there. One on a file system that is not
mounted now
looks as if it were gone: what was seen of it costs a look, and of its rules only what can be of no use any more is
dropped (`StagedRules.ended`). What was resolved for it (`nbrucio.state.resolutions`) stays, since without that the next
sync may bring other data.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from contextlib import suppress
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path

from nbrucio.state.staged_rules import StagedRules
from nbrucio.state.status_cache import StatusCache

PERIOD_S = 24 * 3600
#: A notebook may lie on a network file system that hangs. The look then goes on by itself, and ends with the process.
_PATIENCE_S = 1.0


def prune(root: Path) -> None:
    """Drop what is remembered of notebooks that are gone, below one store's root, unless that was done today."""
    mark = root / "swept"
    try:
        if not root.is_dir() or time.time() - _changed(mark) < PERIOD_S:
            return
        mark.touch()
    except OSError:
        return  # a store that cannot be written grows no more either
    thread = threading.Thread(target=_sweep, args=(root,), name="nbrucio-sweep", daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)


def _sweep(root: Path) -> None:
    now = datetime.now(timezone.utc)
    for file, notebook in chain(StatusCache(root).kept(), StagedRules(root).ended(now)):
        # By its name the file is of this path; what says otherwise is nothing of ours.
        if file.stem == hashlib.sha256(os.fsencode(notebook)).hexdigest() and _is_gone(notebook):
            with suppress(OSError):
                file.unlink()


def _is_gone(path: str) -> bool:
    """Whether nothing is at ``path``, for certain: a file system that does not answer or lets us in says nothing."""
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
