"""Folders of links that the user names: all files of one sync, or what was there before."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nbrucio.core.declaration import Requirement
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry
from nbrucio.core.plan import Access, ResolvedRequirement
from nbrucio.core.report import FileReport, NotebookReport, RequirementReport
from nbrucio.operations.links import MARKER, link_files


def report(tmp_path: Path, *names: str, missing: bool = False) -> NotebookReport:
    """A notebook whose handle ``muons`` has these files."""
    files = []
    for name in names:
        path = tmp_path / "store" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        where = None if missing else str(path)
        files.append(FileReport(FileEntry(Did("s", name), 1), Access.STORE if where else Access.MISSING, where))
    resolved = ResolvedRequirement(Requirement(Did("s", "set"), "muons"), "x", tuple(f.entry for f in files))
    return NotebookReport(tmp_path / "nb.ipynb", (RequirementReport(resolved, tuple(files)),))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != MARKER}


def test_a_folder_has_the_files_and_follows_the_next_sync(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (made,) = link_files(report(tmp_path, "a", "b"), folder)
    assert (made.act, content(folder / "muons")) == ("linked", {"a": "a", "b": "b"})
    assert [one.act for one in link_files(report(tmp_path, "a", "b"), folder)] == ["unchanged"]
    (changed,) = link_files(report(tmp_path, "b", "c"), folder)
    assert (changed.act, content(folder / "muons")) == ("linked", {"b": "b", "c": "c"})
    (folder / "muons" / "b").unlink()
    assert [one.act for one in link_files(report(tmp_path, "b", "c"), folder)] == ["linked"]
    assert names(folder) == ["muons"]


def test_incomplete_data_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    link_files(report(tmp_path, "a"), folder)
    (left,) = link_files(report(tmp_path, "a", "b", missing=True), folder)
    assert (left.act, content(folder / "muons")) == ("left", {"a": "a"})


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_nbrucio_did_not_make_is_left_alone(kind: str, tmp_path: Path) -> None:
    mine = tmp_path / "data" / "muons"
    mine.parent.mkdir()
    if kind == "folder":
        mine.mkdir()
        (mine / "thesis.txt").write_text("years of work")
    elif kind == "file":
        mine.write_text("years of work")
    else:
        mine.symlink_to(tmp_path)
    before = os.lstat(mine)
    (refused,) = link_files(report(tmp_path, "a"), mine.parent)
    assert refused.error is not None
    assert refused.error.message == f"{mine} exists, and nbrucio did not make it."
    assert os.lstat(mine).st_ino == before.st_ino
    assert names(mine.parent) == ["muons"]


def test_without_links_the_folder_has_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = Path.symlink_to

    def symlink(self: Path, target: str) -> None:  # a file system that refuses the second link
        if made:
            raise OSError(errno.EOPNOTSUPP, "no links")
        made.append(target)
        make(self, target)

    monkeypatch.setattr(Path, "symlink_to", symlink)
    (copied,) = link_files(report(tmp_path, "a", "b"), tmp_path / "data")
    assert (copied.act, content(tmp_path / "data" / "muons")) == ("copied", {"a": "a", "b": "b"})
    assert not any(path.is_symlink() for path in (tmp_path / "data" / "muons").iterdir())


def test_a_failure_in_the_middle_keeps_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    link_files(report(tmp_path, "a"), folder)

    def full(_: Path, __: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "symlink_to", full)
    (failed,) = link_files(report(tmp_path, "b"), folder)
    assert failed.error is not None
    assert (failed.error.exit_code, content(folder / "muons")) == (6, {"a": "a"})
    assert names(folder) == ["muons"]
