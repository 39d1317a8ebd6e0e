"""Pointers: each kernel has a path of its own that leads to its notebook's manifest.

The environment of a kernel cannot be changed after its start, but its notebook's name can. So ``NBRUCIO_MANIFEST``
names a file that belongs to the kernel: a manifest without data until the kernel has a notebook, then a link to the
notebook's manifest. So is the ``.tsv`` beside it. Only the link depends on the kernel.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.kernel import where
from nbrucio.pipeline.manifest import empty_manifest
from nbrucio.pipeline.manifest_files import expect, path_for, plain_path

FOLDER = "kernels"
#: Age at which a pointer is removed that a killed server left behind.
_LEFT_S = 30 * 86_400.0


def pointer_for(kernel: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the pointer of the kernel with this id."""
    return where.runtime_folder(environ).absolute() / FOLDER / f"{kernel}.json"


def begin(pointer: Path) -> None:
    """Create the pointer of a kernel without a notebook.

    Raises:
        OSError: it cannot be written, or the runtime folder belongs to another user.
    """
    where.make_private(pointer.parent.parent)
    where.make_private(pointer.parent)
    write_file(plain_path(pointer), b"")
    write_file(pointer, empty_manifest(""))


def lead(pointer: Path, notebook: Path) -> None:
    """Link the pointer to the manifest of ``notebook``, which need not exist.

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
    """Remove the pointer of an ended kernel, if it exists.

    Raises:
        OSError: it cannot be removed.
    """
    for file in (pointer, plain_path(pointer)):
        file.unlink(missing_ok=True)


def sweep(environ: Mapping[str, str] = os.environ) -> None:
    """Remove old pointers of servers that ended without removing them.

    Raises:
        OSError: the folder cannot be read, or a pointer cannot be removed.
    """
    folder = pointer_for("", environ).parent
    oldest = time.time() - _LEFT_S
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.lstat().st_mtime < oldest:
            file.unlink(missing_ok=True)
