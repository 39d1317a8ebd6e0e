"""Editing a notebook never changes who may read or write it, and a crash in that never loses it."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry
from nbrucio.disk.atomic import copy_of, replace_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.errors import BadNotebook
from nbrucio.kernel.where import make_private
from nbrucio.notebook import lock_file
from nbrucio.notebook.ipynb import load, save
from nbrucio.notebook.lock_file import LockFile
from tests.support.notebook_texts import MINIMAL, VALUE

ALICE, BOB, TEAM, OTHERS = 41_001, 41_002, 42_001, 42_002
DIGEST = "sha256:" + "0" * 64
LISTS = LockFile().with_list(DIGEST, [FileEntry(Did("s", "n"), 1, "0a0b0c0d")], {})


def access(path: Path) -> tuple[object, ...]:
    """All that decides who may read and write ``path``."""
    found = path.stat()
    acl = subprocess.run(["getfacl", "-cpn", path], capture_output=True, text=True, check=True).stdout
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return found.st_uid, found.st_gid, oct(found.st_mode), acl, attributes, found.st_nlink


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may write to. Not below pytest's own, which only its user may enter."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as several users")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def notebook(folder: Path, *, uid: int = ALICE, gid: int = TEAM, mode: int = 0o660) -> Path:
    path = folder / "nb.ipynb"
    path.write_text(MINIMAL)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def run_as(uid: int, groups: list[int], act: Callable[[], object]) -> str:
    """What came of ``act`` in a process of this user: its exception's words, or nothing."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        words = ""
        try:
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            act()
        except BaseException as error:  # noqa: BLE001 (it ends here)
            words = f"{type(error).__name__}: {error}"
        os.write(writable, words.encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as answer:
        words = answer.read().decode()
    os.waitpid(child, 0)
    return words


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def setfacl(*arguments: str | Path) -> None:
    subprocess.run(["setfacl", *arguments], check=True)


def plain(_path: Path) -> None:
    """As it is made."""


def with_acl(path: Path) -> None:
    setfacl("-m", f"u:{BOB}:rw,g:{OTHERS}:r", path)


def with_attribute(path: Path) -> None:
    os.setxattr(path, "user.origin", b"a thesis")


def with_hard_link(path: Path) -> None:
    os.link(path, path.with_name("other-name"))


def in_a_setgid_folder(path: Path) -> None:
    os.chown(path.parent, -1, OTHERS)
    path.parent.chmod(0o2777)


def in_a_folder_with_default_acl(path: Path) -> None:
    setfacl("-d", "-m", f"u:{BOB}:rwx,g:{OTHERS}:rwx", path.parent)


def in_a_sticky_folder(path: Path) -> None:
    path.parent.chmod(0o1777)


KINDS = [plain, with_acl, with_attribute, with_hard_link, in_a_setgid_folder, in_a_folder_with_default_acl]
KINDS += [in_a_sticky_folder]


@pytest.mark.parametrize("who", [(0, [0]), (ALICE, [TEAM]), (ALICE, [OTHERS]), (BOB, [TEAM])], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_leaves_access_as_it_was(
    shared: Path, kind: Callable[[Path], None], who: tuple[int, list[int]]
) -> None:
    path = notebook(shared)
    kind(path)
    before = access(path)
    assert run_as(*who, lambda: save(load(path), VALUE)) == ""
    assert load(path).value() == VALUE
    assert access(path) == before
    assert names(shared) - {"other-name"} == {"nb.ipynb"}


def test_a_hard_link_shows_the_edit(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_text(MINIMAL)
    os.link(path, tmp_path / "same.ipynb")
    save(load(path), VALUE)
    assert load(tmp_path / "same.ipynb").value() == VALUE


def test_an_edit_through_a_link_leaves_access_as_it_was(shared: Path) -> None:
    path = notebook(shared)
    with_acl(path)
    link = shared / "links" / "link.ipynb"
    link.parent.mkdir()
    link.symlink_to(path)
    before = access(path)
    assert run_as(BOB, [], lambda: save(load(link), VALUE)) == ""
    assert access(path) == before
    assert load(path).value() == VALUE


@pytest.mark.parametrize(
    ("mode", "folder_mode", "why"),
    [(0o640, 0o777, "permission denied"), (0o660, 0o755, "permission denied"), (0o444, 0o777, "read-only")],
)
def test_an_edit_that_is_not_allowed_changes_nothing(shared: Path, mode: int, folder_mode: int, why: str) -> None:
    path = notebook(shared, mode=mode)
    shared.chmod(folder_mode)
    before = access(path), path.read_bytes()
    assert why in run_as(BOB, [TEAM], lambda: save(load(path), VALUE))
    assert (access(path), path.read_bytes()) == before
    assert names(shared) == {"nb.ipynb"}


@pytest.mark.parametrize("kind", [plain, in_a_setgid_folder, in_a_folder_with_default_acl, with_acl])
@pytest.mark.parametrize("who", [(0, [0]), (ALICE, [TEAM]), (ALICE, [OTHERS]), (BOB, [TEAM])], ids=str)
def test_a_new_sidecar_is_for_those_who_may_read_the_notebook(
    shared: Path, kind: Callable[[Path], None], who: tuple[int, list[int]]
) -> None:
    path = notebook(shared)
    kind(path)
    assert run_as(*who, lambda: lock_file.add(path, LISTS)) == ""
    beside = lock_file.path_for(path)
    for reader in ((ALICE, []), (ALICE, [TEAM]), (BOB, [TEAM]), (BOB, []), (BOB + 1, [OTHERS]), (BOB + 2, [])):
        allowed = [run_as(*reader, file.read_bytes) == "" for file in (path, beside)]
        if who == (ALICE, [OTHERS]) and reader == (BOB, [TEAM]) and kind is not with_acl:
            assert allowed == [True, False]  # whoever made it may not give it to that group
        elif reader == who and who[0] == BOB:
            assert allowed == [True, True]
        elif who[0] == BOB and reader[0] == BOB:
            assert allowed[1]  # it is that user's file
        else:
            assert allowed[0] == allowed[1], reader


def test_an_edit_leaves_access_to_the_sidecar_as_it_was(shared: Path) -> None:
    path = notebook(shared)
    assert run_as(ALICE, [TEAM], lambda: lock_file.add(path, LISTS)) == ""
    beside = lock_file.path_for(path)
    with_acl(beside)
    before = access(beside)
    more = LISTS.with_list("sha256:" + "1" * 64, [], {})
    assert run_as(BOB, [TEAM], lambda: lock_file.add(path, more)) == ""
    assert lock_file.read(path).lists == more.lists
    assert access(beside) == before


def test_a_sidecar_that_the_owner_could_not_read_is_not_made(shared: Path) -> None:
    path = notebook(shared, mode=0o600)
    setfacl("-m", f"u:{BOB}:rw", path)
    setfacl("-m", "m::w", path)
    words = run_as(BOB, [], lambda: lock_file.add(path, LISTS))
    assert words.startswith("BadNotebook: ") or "cannot be" in words
    assert names(shared) == {"nb.ipynb"}


def test_a_sidecar_that_only_a_colleague_may_read_is_left_alone(shared: Path) -> None:
    path = notebook(shared)
    assert run_as(BOB, [TEAM], lambda: lock_file.add(path, LISTS)) == ""
    beside = lock_file.path_for(path)
    beside.chmod(0o600)
    setfacl("-b", beside)
    before = access(beside), beside.read_bytes(), beside.stat().st_ino
    for act in (
        lambda: lock_file.add(path, LISTS.with_list("sha256:" + "1" * 64, [], {})),
        lambda: lock_file.prune(path, frozenset()),
    ):
        words = run_as(ALICE, [TEAM], act)
        assert words == f"UnreadableFile: {beside} cannot be read: permission denied."
    assert (access(beside), beside.read_bytes(), beside.stat().st_ino) == before


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A notebook that has to be written itself."""
    path = tmp_path / "nb.ipynb"
    path.write_text(MINIMAL)
    os.link(path, tmp_path / "same.ipynb")
    return path


@pytest.mark.parametrize("step", ["fsync", "pwrite", "ftruncate", "posix_fallocate", "fchmod"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_write_that_fails_at_any_step_leaves_the_old_content(
    linked: Path, monkeypatch: pytest.MonkeyPatch, step: str, nth: int
) -> None:
    real, calls = getattr(os, step), []

    def fail(*arguments: object) -> object:
        calls.append(step)
        if len(calls) == nth:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*arguments)

    opened = load(linked)
    monkeypatch.setattr(os, step, fail)
    told = ""
    try:
        save(opened, VALUE)
    except BadNotebook as error:
        told = error.message
    monkeypatch.undo()
    assert bool(told) == (load(linked).value() is None)
    assert "input/output error" in told or len(calls) < nth or step in {"fsync", "posix_fallocate"}, "one of a folder"
    assert linked.read_text() == MINIMAL or not told
    assert names(linked.parent) == {"nb.ipynb", "same.ipynb"}


def test_a_write_that_cannot_be_undone_names_the_copy(linked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = load(linked)

    def fail(*_: object) -> object:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, "ftruncate", fail)
        with pytest.raises(BadNotebook, match="its previous content is in"):
            save(opened, VALUE)
    assert copy_of(linked).read_text() == MINIMAL


_KILLED = """
import os, signal, sys
from pathlib import Path
from nbrucio.disk import atomic
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
os.{step} = die
atomic.replace_file(Path(sys.argv[1]), b"x" * 10_000, lambda: None)
"""


def killed_at(step: str, path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED.format(step=step), path], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_kill_in_mid_write_loses_no_notebook(linked: Path) -> None:
    killed_at("ftruncate", linked)
    with pytest.raises(BadNotebook) as damaged:
        load(linked)
    assert str(copy_of(linked)) in str(damaged.value.hint)
    subprocess.run(damaged.value.next_command or "", shell=True, check=True)
    assert linked.read_text() == MINIMAL
    assert load(linked).value() is None


def test_an_edit_after_a_kill_waits_for_a_person(linked: Path) -> None:
    killed_at("ftruncate", linked)
    copy = copy_of(linked)
    linked.write_text(json.dumps({**json.loads(MINIMAL), "more": 1}))
    with pytest.raises(BadNotebook, match="seems to be writing it"):
        save(load(linked), VALUE)
    os.utime(copy, (0, 0))
    with pytest.raises(BadNotebook, match=r"an earlier write was interrupted; .* previous content in"):
        save(load(linked), VALUE)
    assert copy.read_text() == MINIMAL
    linked.write_text(MINIMAL)
    save(load(linked), VALUE)
    assert load(linked).value() == VALUE
    assert not copy.exists()


def test_the_next_edit_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_text(MINIMAL)
    killed_at("fsync", path)
    assert path.read_text() == MINIMAL
    assert len(names(tmp_path)) == 2
    old = tmp_path / ".nbrucio-abc12345.tmp"
    old.write_text("")
    os.utime(old, (0, 0))
    living = tmp_path / f".nbrucio-{'0' * 16}.1.1.1.tmp"  # of another machine
    living.write_text("")
    replace_file(path, b"new", lambda: None)
    assert names(tmp_path) == {living.name, "nb.ipynb"}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_a_folder_of_ours_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        make_private_folder(tmp_path / "a" / "b")
        make_private(tmp_path / "c" / "d")
        folders = [tmp_path / name for name in ("a", "a/b", "c", "c/d")]
        assert {oct(stat.S_IMODE(folder.stat().st_mode)) for folder in folders} == {"0o700"}
    finally:
        os.umask(before)


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    make_private_folder(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "file")


def test_threads_that_create_the_same_folders_at_once_all_succeed(tmp_path: Path) -> None:
    """One of them finds no parent, and a moment later another one has made it."""
    count = 8
    with ThreadPoolExecutor(count) as pool:
        for number in range(100):
            start, folder = threading.Barrier(count), tmp_path / str(number) / "a" / "b"

            def create(_thread: int, start: threading.Barrier = start, folder: Path = folder) -> None:
                start.wait()
                make_private_folder(folder)

            assert list(pool.map(create, range(count))) == [None] * count
