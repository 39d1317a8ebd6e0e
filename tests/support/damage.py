"""What happens to files in a store: by accident, by other programs, by copies of the whole."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], object]


def flip(path: Path) -> None:
    """Write another byte into the file."""
    path.chmod(0o600)
    with path.open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    path.chmod(0o444)


def flip_silently(path: Path) -> None:
    """Flip a byte as a failing disk does: neither size nor time tell."""
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def truncate(path: Path) -> None:
    path.chmod(0o600)
    os.truncate(path, path.stat().st_size // 2)


def extend(path: Path) -> None:
    path.chmod(0o600)
    with path.open("ab") as file:
        file.write(b"more")


def swap(path: Path) -> None:
    """Put another file of the same size and time in its place."""
    other = path.with_name("other")
    shutil.copy2(path, other)
    flip_silently(other)
    other.replace(path)


def link(path: Path) -> None:
    """A link to the right bytes elsewhere."""
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "note").write_text("mine")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def listen(path: Path) -> None:
    path.unlink()
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


#: Damage to the bytes, of which a stat tells.
BYTES: tuple[Damage, ...] = (flip, truncate, extend, swap)
#: Things that are no files.
THINGS: tuple[Damage, ...] = (link, folder, pipe, listen)


def restore(store: Path, copy: Path) -> Path:
    """A copy of a store as tar makes it: other inodes, and times in whole seconds."""
    shutil.copytree(store, copy, symlinks=True)
    for path in copy.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (int(path.stat().st_mtime),) * 2)
    return copy
