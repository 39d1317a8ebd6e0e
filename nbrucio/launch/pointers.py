"""The pointers of kernels: a path that a kernel keeps for its whole life, and that leads to its notebook's manifest.

The environment of a process cannot be changed from outside, and a notebook gets its name after its kernel was started
and another one whenever it is renamed. So ``NBRUCIO_MANIFEST`` names a file of the kernel's own. It is a manifest
without data until the kernel has a notebook, and then a link to the manifest of that one; the ``.tsv`` beside it
likewise. Whoever writes the manifest of a notebook need not know its kernels.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.kernel import where
from nbrucio.pipeline.manifest import expect, nothing_yet, path_for, plain_path

FOLDER = "kernels"
#: A server that was killed leaves its pointers. One that was not set for so long is nobody's.
_LEFT_S = 30 * 86_400.0


def pointer_for(kernel: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The pointer of the kernel that is called ``kernel``, a file name without its ending."""
    return where.runtime_folder(environ).absolute() / FOLDER / f"{kernel}.json"


def begin(pointer: Path) -> None:
    """Make the pointer of a kernel that has no notebook yet.

    Raises:
        OSError: it cannot be written, or the runtime folder is another user's.
    """
    where.make_private(pointer.parent.parent)
    where.make_private(pointer.parent)
    write_file(plain_path(pointer), b"")
    write_file(pointer, nothing_yet(""))


def lead(pointer: Path, notebook: Path) -> None:
    """Have the pointer lead to the manifest of ``notebook``, which need not exist.

    Raises:
        OSError: it cannot be written.
    """
    target = path_for(notebook, {where.RUNTIME_VARIABLE: str(pointer.parent.parent)})
    expect(target, notebook)
    for link, leads_to in ((plain_path(pointer), plain_path(target)), (pointer, target)):
        scratch = link.with_name(f".{link.name}.{os.getpid()}.tmp")
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(Path("..", leads_to.name))
        scratch.replace(link)


def end(pointer: Path) -> None:
    """Remove the pointer of a kernel that is over, if there is one.

    Raises:
        OSError: it cannot be removed.
    """
    for file in (pointer, plain_path(pointer)):
        file.unlink(missing_ok=True)


def sweep(environ: Mapping[str, str] = os.environ) -> None:
    """Remove pointers that servers left long ago.

    Raises:
        OSError: the folder cannot be read, or one of them not be removed.
    """
    folder = pointer_for("", environ).parent
    oldest = time.time() - _LEFT_S
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.lstat().st_mtime < oldest:
            file.unlink(missing_ok=True)
