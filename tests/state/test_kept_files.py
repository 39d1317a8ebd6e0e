"""What nbrucio keeps and writes again: absent is empty, unreadable is an error, and nothing is written over it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import Config, Instance
from nbrucio.core.declaration import Declaration
from nbrucio.core.did import Did, DidType
from nbrucio.core.filelist import list_lines
from nbrucio.core.files import DidFacts, FileEntry
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, lock_entry
from nbrucio.core.requirement import Requirement
from nbrucio.errors import BadNotebook, UnreadableFile
from nbrucio.notebook import lock_file
from nbrucio.notebook.lock_file import LockFile
from nbrucio.operations import adding, edit
from nbrucio.operations.adding import Wish
from nbrucio.state.resolutions import Resolutions, SavedLock
from tests.support.damage import pipe

FILES = tuple(FileEntry(Did("s", f"{n:03}"), 1, "0a0b0c0d") for n in range(INLINE_LIST_MAX_FILES + 1))
LONG = lock_entry(DidFacts(Did("s", "long"), DidType.DATASET, True), None, FILES, "2026-11-23T10:00:00Z")
CONFLICT = b'{\n<<<<<<< ours\n"version": 1\n=======\n"version": 1\n>>>>>>> theirs\n}\n'


def config(tmp_path: Path) -> Config:
    instance = Instance("x", "x.example", "https://x.example", "https://x.example", "userpass")
    return Config((instance,), instance, tmp_path / "store")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook whose lock has its list in the lock file."""
    path = tmp_path / "nb.ipynb"
    declaration = Declaration((Requirement(LONG.did, "long"),), {"long": LONG}).as_json()
    content: dict[str, Any] = {"cells": [], "metadata": {"nbrucio": declaration}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))
    lock_file.add(path, LockFile().with_list(LONG.digest, FILES, {}))
    return path


def conflict(path: Path) -> None:
    path.write_bytes(CONFLICT)


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def deep(path: Path) -> None:
    path.write_text('{"version": 1, "lists": ' + "[" * 100_000)


def cut(path: Path) -> None:
    os.truncate(path, 100)


@pytest.mark.parametrize("damage", [conflict, pipe, device, folder, deep, cut])
def test_no_edit_writes_over_an_unreadable_sidecar(
    tmp_path: Path, notebook: Path, damage: Callable[[Path], None]
) -> None:
    beside, before = lock_file.path_for(notebook), notebook.read_bytes()
    damage(beside)
    found = beside.lstat()
    for act in (
        lambda: adding.add(notebook, [Did("s", "other")], config(tmp_path), wish=Wish(offline=True)),
        lambda: edit.remove(notebook, ["long"]),
        lambda: edit.lock(notebook, config(tmp_path)),
        lambda: edit.lock_elsewhere(notebook, config(tmp_path), upgrade=["long"]),
    ):
        with pytest.raises(UnreadableFile, match=r"nb.ipynb.nbrucio-lock.json cannot be read") as refused:
            act()
        assert refused.value.hint
    assert notebook.read_bytes() == before
    assert (beside.lstat().st_ino, beside.lstat().st_mtime_ns) == (found.st_ino, found.st_mtime_ns)


def test_a_notebook_that_cannot_be_written_keeps_the_lists_that_its_lock_names(notebook: Path) -> None:
    notebook.chmod(0o444)
    with pytest.raises(BadNotebook, match="read-only"):
        edit.remove(notebook, ["long"])
    assert lock_file.read(notebook).files(LONG.digest) == FILES


def test_a_list_that_only_an_unknown_lock_names_is_kept(tmp_path: Path, notebook: Path) -> None:
    text = notebook.read_text().replace('"type": "DATASET"', '"type": "LATER"')
    notebook.write_text(text)
    adding.add(notebook, [Did("s", "other")], config(tmp_path), wish=Wish(offline=True))
    assert lock_file.read(notebook).files(LONG.digest) == FILES
    edit.remove(notebook, ["long"])
    assert not lock_file.path_for(notebook).exists()


def resolved(tmp_path: Path) -> tuple[Resolutions, Path, dict[str, SavedLock]]:
    kept, path = Resolutions(tmp_path), tmp_path / "nb.ipynb"
    kept.save_lock(path, {"long": SavedLock(LONG, "x.example")})
    return kept, path, {"long": SavedLock(LONG, "x.example")}


@pytest.mark.parametrize("damage", [conflict, pipe, device, folder, deep, cut])
def test_an_unreadable_memory_of_what_was_resolved_is_not_written_over(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    kept, path, lock = resolved(tmp_path)
    assert kept.lock(path) == lock
    file = kept.notebook_path(path)
    damage(file)
    found = file.lstat()
    for act in (lambda: kept.lock(path), lambda: kept.save_lock(path, {})):
        with pytest.raises(UnreadableFile, match=file.name):
            act()
    assert (file.lstat().st_ino, file.lstat().st_mtime_ns) == (found.st_ino, found.st_mtime_ns)


@pytest.mark.parametrize("damage", [pipe, device, cut])
def test_a_damaged_list_is_made_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    kept = Resolutions(tmp_path)
    digest = kept.save_files(FILES)
    damage(kept.list_path(digest))
    assert kept.files(digest) is None
    kept.save_files(FILES)
    assert kept.files(digest) == FILES
    assert kept.list_path(digest).read_text().splitlines() == list_lines(FILES)
