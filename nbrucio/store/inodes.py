"""Whether inode numbers are stable enough to identify a verified file."""

from __future__ import annotations

import os

#: File systems that assign inode numbers on demand, and again after each mount or when their cache is full.
_UNSTABLE = ("fuse", "9p", "cifs", "smb3", "vboxsf", "prl_fs")


def stable_inode(folder: str) -> int | None:
    """Return the inode number of ``folder``; None when it is unknown or may change while the folder stays."""
    try:
        found = os.stat(folder)
        kind = _file_system(found.st_dev)
    except OSError:
        return None
    return None if kind.startswith(_UNSTABLE) else found.st_ino


def _file_system(device: int) -> str:
    """Return the type of the file system with this device number; empty when the system does not report it."""
    wanted = f"{os.major(device)}:{os.minor(device)}".encode()
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return ""  # macOS
    # See proc(5): number, parent, device, root, mount point, options, optional fields, a hyphen, type, source.
    found = (line.partition(b" - ")[2].split()[0] for line in lines if line.split()[2:3] == [wanted])
    return next(found, b"").decode("ascii", "replace")
