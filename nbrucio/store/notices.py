"""Conveniences that the file system of the store refuses. Each is reported once, and stops nothing."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable

#: How file systems such as FUSE and CIFS say that they do not have a call. No sign of a damaged or full disk.
REFUSALS = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})


class Notices:
    """Passes each message to ``notify`` once. Thread-safe."""

    def __init__(self, notify: Callable[[str], object] | None = None) -> None:
        self._notify = notify
        self._guard = threading.Lock()
        self._sent: set[str] = set()

    def send(self, message: str) -> None:
        """Send ``message`` unless it was sent before."""
        with self._guard:
            is_new = message not in self._sent
            self._sent.add(message)
        if is_new and self._notify is not None:
            self._notify(message)
