"""A small disk that can become read-only: a real file system where this user may mount one."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Disk:
    """A tmpfs at ``path``; where none can be mounted, a folder.

    Args:
        size_bytes: how much fits.
        files: how many files, folders and links fit; None for any number.
    """

    def __init__(self, path: Path, size_bytes: int, files: int | None = None) -> None:
        path.mkdir()
        self.path = path
        limits = f"size={size_bytes}" + (f",nr_inodes={files}" if files is not None else "")
        self._mounted = _run("mount", "-t", "tmpfs", "-o", limits, "tmpfs", str(path))

    def full(self) -> dict[str, str]:
        """What makes the disk a full one for nbrucio also where it is none."""
        return {"NBRUCIO_KEEP_FREE": "0" if self._mounted else "1000000 TB"}

    def resize(self, size_bytes: int, files: int) -> None:
        """Let other amounts fit, more or less than is there."""
        if self._mounted:
            assert _run("mount", "-o", f"remount,size={size_bytes},nr_inodes={files}", str(self.path))

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
