"""A small disk that can become read-only: a real file system where this user may mount one."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Disk:
    """A tmpfs at ``path``; where none can be mounted, a folder.

    Args:
        size_bytes: how much fits.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        path.mkdir()
        self.path = path
        self._mounted = _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(path))

    def full(self) -> dict[str, str]:
        """What makes the disk a full one for nbrucio also where it is none."""
        return {"NBRUCIO_KEEP_FREE": "0" if self._mounted else "1000000 TB"}

    def make_read_only(self) -> None:
        """Refuse every write from now on."""
        if self._mounted:
            assert _run("mount", "-o", "remount,ro", str(self.path))
            return
        for folder in (self.path, *self.path.rglob("*")):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o500)

    def close(self) -> None:
        """Unmount it."""
        if self._mounted:
            assert _run("umount", "--lazy", str(self.path))


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
