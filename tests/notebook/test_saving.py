"""Saving a notebook, making a new one, and every way in which the disk can refuse."""

from __future__ import annotations

import copy
import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from nbrucio.errors import BadNotebook, NbrucioError, NoSpace
from nbrucio.notebook import ipynb as module
from nbrucio.notebook.base import Notebook
from nbrucio.notebook.ipynb import create_empty, load, save, with_value
from tests.support.notebook_texts import MINIMAL, VALUE, as_jupyter_writes, read_json
from tests.support.strategies import Document


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    path = tmp_path / "analysis.ipynb"
    path.write_bytes(as_jupyter_writes(json.loads(MINIMAL)))
    return load(path)


def only_file(notebook: Notebook) -> bytes:
    assert [path.name for path in notebook.path.parent.iterdir()] == [notebook.path.name]  # and no temporary one
    return notebook.path.read_bytes()


def test_save_writes_and_returns_what_is_on_disk_then(notebook: Notebook) -> None:
    saved = save(notebook, VALUE)
    assert saved.value() == VALUE
    assert only_file(notebook) == saved.raw == with_value(notebook, VALUE)
    assert load(notebook.path) == saved
    assert only_file(save(saved, None)) == notebook.raw


def test_save_without_a_change_does_not_write(notebook: Notebook) -> None:
    saved = save(notebook, VALUE)
    before = notebook.path.stat()
    assert save(saved, copy.deepcopy(VALUE)) is saved
    after = notebook.path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_save_keeps_the_mode(notebook: Notebook, mode: int) -> None:
    notebook.path.chmod(mode)
    save(notebook, VALUE)
    assert stat.S_IMODE(notebook.path.stat().st_mode) == mode


def test_save_through_a_symlink_changes_its_target(notebook: Notebook, tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    link = folder / "link.ipynb"
    link.symlink_to(Path("..") / notebook.path.name)
    save(load(link), VALUE)
    assert link.is_symlink()
    assert [path.name for path in folder.iterdir()] == ["link.ipynb"]
    assert load(notebook.path).value() == VALUE


@pytest.mark.parametrize("value", [VALUE, None])
def test_save_refuses_a_file_that_changed_meanwhile(notebook: Notebook, value: Document | None) -> None:
    notebook.path.write_text(MINIMAL)
    with pytest.raises(BadNotebook) as caught:
        save(notebook, value)
    assert caught.value.message == f"'{notebook.path}' was not written: another program changed it meanwhile."
    assert only_file(notebook) == MINIMAL.encode()


def test_save_sees_a_change_that_comes_while_it_writes(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def another_writer(descriptor: int) -> None:
        notebook.path.write_text(MINIMAL)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", another_writer)
    with pytest.raises(BadNotebook, match="meanwhile"):
        save(notebook, VALUE)
    assert only_file(notebook) == MINIMAL.encode()


def test_save_refuses_a_read_only_file_even_to_root(notebook: Notebook) -> None:
    notebook.path.chmod(0o444)
    with pytest.raises(BadNotebook) as caught:
        save(notebook, VALUE)
    assert caught.value.message == f"'{notebook.path}' cannot be written: it is read-only."
    folder = notebook.path.parent
    assert caught.value.hint == f"Check that you may write the file and its folder '{folder}'."
    assert only_file(notebook) == notebook.raw


@pytest.mark.parametrize("name", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (errno.EACCES, BadNotebook, "permission denied"),
        (errno.EROFS, BadNotebook, "read-only file system"),
        (errno.EIO, BadNotebook, "input/output error"),
        (errno.ENOSPC, NoSpace, "no space left on device"),
        (errno.EDQUOT, NoSpace, "disk quota exceeded"),
    ],
)
def test_a_save_that_fails_at_any_step_leaves_the_old_file_alone(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, name: str, number: int, kind: type[NbrucioError], reason: str
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(name, fail)
    with pytest.raises(NbrucioError) as caught:
        save(notebook, VALUE)
    assert type(caught.value) is kind
    assert caught.value.message == f"'{notebook.path}' cannot be written: {reason}."
    assert only_file(notebook) == notebook.raw


def test_where_permissions_cannot_be_copied_the_file_is_written_in_place(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchmod", refuse)
    inode = notebook.path.stat().st_ino
    save(notebook, VALUE)
    assert notebook.path.stat().st_ino == inode
    assert load(notebook.path).value() == VALUE


def test_an_interrupted_save_leaves_no_temporary_file(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(notebook, VALUE)
    assert only_file(notebook) == notebook.raw


def test_a_folder_that_cannot_be_synced_is_no_failure(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not here")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    assert load(save(notebook, VALUE).path).value() == VALUE


def test_what_could_not_be_read_again_is_never_written(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "with_value", lambda *_: b"{")
    with pytest.raises(BadNotebook, match="not valid JSON"):
        save(notebook, VALUE)
    assert only_file(notebook) == notebook.raw


# --- a new notebook ---------------------------------------------------------------------------------------------------


def test_an_empty_notebook_is_as_jupyter_writes_it(tmp_path: Path) -> None:
    notebook = create_empty(tmp_path / "new.ipynb")
    document = read_json(only_file(notebook))
    nbformat.validate(document)
    assert notebook.raw == as_jupyter_writes(document)
    assert (notebook.language(), notebook.code_cells(), notebook.value()) == ("python", (), None)
    assert load(notebook.path) == notebook


def make_file(path: Path) -> None:
    path.write_text("mine")


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [make_file, Path.mkdir, make_dangling_link])
def test_an_empty_notebook_takes_no_ones_place(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "new.ipynb"
    make(path)
    with pytest.raises(BadNotebook) as caught:
        create_empty(path)
    assert (caught.value.message, caught.value.hint) == (f"'{path}' already exists.", "Choose another name.")
    assert not (tmp_path / "nowhere").exists()


def test_an_empty_notebook_needs_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "no folder" / "new.ipynb"
    with pytest.raises(BadNotebook) as caught:
        create_empty(path)
    assert caught.value.message == f"'{path}' cannot be written: no such file or directory."


def test_an_empty_notebook_on_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpace) as caught:
        create_empty(tmp_path / "new.ipynb")
    assert caught.value.hint == "Free some space there, then try again."
    assert list(tmp_path.iterdir()) == []
