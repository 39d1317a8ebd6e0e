"""Keep a notebook's files under a folder that the user names: as links, or as copies where links cannot be made.

Each handle has a folder of its own. It is built beside its place and then renamed, so it has all files of one sync or
of another, never some of both. A folder that nbrucio did not make is left alone.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.core.text import plural
from nbrucio.disk.read import reason
from nbrucio.disk.system_errors import FULL
from nbrucio.errors import NbrucioError, NoSpace, UsageError
from nbrucio.store.names import link_names

#: In each folder that nbrucio made: the digest of its content.
MARKER = ".nbrucio-links"
_SCRATCH = ".nbrucio-new-"
#: How file systems say that they have no links: FAT, some network file systems, some containers.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class Linked(NamedTuple):
    """Result for the folder of one handle.

    Attributes:
        handle: the handle.
        folder: its folder.
        files: number of files in it.
        act: ``linked``, ``copied``, ``unchanged``, or ``left`` when the data is not complete.
        error: why the folder could not be made.
    """

    handle: str
    folder: Path
    files: int
    act: str
    error: NbrucioError | None = None

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        error = self.error.as_json() if self.error else None
        return {**self._asdict(), "folder": str(self.folder), "error": error}

    def words(self) -> str:
        """Return this as a line for people."""
        if self.act == "left":
            return f"{self.folder} not changed: the data of '{self.handle}' is not complete."
        return f"{self.folder} {self.act}: {plural(self.files, 'file')}"


def link_files(report: NotebookReport, folder: Path) -> list[Linked]:
    """Make or update ``folder``/HANDLE for each handle whose files are all on this machine.

    An error of one handle is in its result, and the others are made.
    """
    return [_link(requirement, folder.absolute()) for requirement in report.requirements]


def _link(requirement: RequirementReport, above: Path) -> Linked:
    handle = requirement.resolved.requirement.handle
    target = above / handle
    paths = [file.where for file in requirement.files if file.where is not None]
    if requirement.state != "ready" or len(paths) != len(requirement.files):
        return Linked(handle, target, 0, "left")
    files = list(zip(link_names([file.entry.did for file in requirement.files]), paths, strict=True))
    try:
        above.mkdir(parents=True, exist_ok=True)
        return Linked(handle, target, len(files), _update(target, files))
    except OSError as error:
        full = error.errno in FULL
        words = f"{target} was not made: {reason(error)}."
        fault: NbrucioError = NoSpace(words, subject=str(target)) if full else UsageError(words, subject=str(target))
        return Linked(handle, target, len(files), "failed", fault)
    except UsageError as error:
        return Linked(handle, target, len(files), "failed", error)


def _update(target: Path, files: Sequence[tuple[str, str]]) -> str:
    digest = sha256(repr(files).encode("utf-8", "surrogatepass")).hexdigest()
    if os.path.lexists(target):
        if _marker_of(target) is None:
            raise UsageError(
                f"{target} exists, and nbrucio did not make it.",
                subject=str(target),
                hint="Move it away, or name another folder.",
            )
        if _marker_of(target) == digest and _names_in(target) == {MARKER, *(name for name, _ in files)}:
            return "unchanged"
    _remove_leftovers(target)
    scratch = target.with_name(f"{_SCRATCH}{target.name}-{secrets.token_hex(4)}")
    old = scratch.with_name(scratch.name + "-old")
    scratch.mkdir()
    try:
        act = _fill(scratch, files)
        (scratch / MARKER).write_text(digest)
        if os.path.lexists(target):
            target.rename(old)
        scratch.rename(target)
    except BaseException:
        if old.exists() and not os.path.lexists(target):
            old.rename(target)
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return act


def _fill(folder: Path, files: Sequence[tuple[str, str]]) -> str:
    """Fill ``folder``; return ``linked`` or ``copied``."""
    for name, path in files:
        try:
            (folder / name).symlink_to(path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            break
    else:
        return "linked"
    for name, path in files:
        (folder / name).unlink(missing_ok=True)
        shutil.copyfile(path, folder / name)
    return "copied"


def _names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _marker_of(folder: Path) -> str | None:
    """Return the digest in a folder that nbrucio made; None for anything else."""
    marker = folder / MARKER
    if folder.is_symlink() or not folder.is_dir() or marker.is_symlink() or not marker.is_file():
        return None
    with suppress(OSError, UnicodeDecodeError):
        return marker.read_text()[:100]
    return None


def _remove_leftovers(target: Path) -> None:
    """Remove what an interrupted run left beside ``target``."""
    for left in target.parent.glob(f"{_SCRATCH}{target.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
