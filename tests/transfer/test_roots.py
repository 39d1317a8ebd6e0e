"""Below which folders file:// replicas are read."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from nbrucio.config import Mount, load
from nbrucio.core.events import SilentReporter
from nbrucio.core.files import Replica
from nbrucio.errors import TransferFailed
from nbrucio.pipeline.storage_access import storage_access
from nbrucio.sandbox import Sandbox
from nbrucio.store import Store
from nbrucio.transfer.errors import OutsideRoots, PermanentError
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.roots import Roots
from nbrucio.transfer.types import Outcome, StorageAccess, Task
from tests.support.faulty_disk import INSTANCE, entry, objects
from tests.support.hostile_storage import GOOD


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """``rse`` may be read, ``secret`` and ``rse-other`` may not."""
    for folder in ("rse", "rse/sub", "secret", "rse-other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f").write_bytes(GOOD)
    (tmp_path / "rse" / "inside").symlink_to("sub/f")
    (tmp_path / "rse" / "out").symlink_to("../secret/f")
    (tmp_path / "rse" / "outer").symlink_to("../secret")
    (tmp_path / "rse" / "chain").symlink_to("outer/f")
    (tmp_path / "door").symlink_to("rse")
    return tmp_path


def _read(store: Store, path: str, *roots: Path) -> Outcome:
    task = Task(INSTANCE, entry("x", GOOD), (Replica("DISK", f"file://localhost{path}"),))
    return fetch([task], store, {INSTANCE: StorageAccess(file_roots=roots)}, SilentReporter())[0]


@pytest.mark.parametrize(
    "path", ["rse/f", "rse/inside", "rse/sub/../f", "rse/./sub/f", "door/f", "rse//f", "secret/../rse/f"]
)
@pytest.mark.parametrize("root", ["rse", "rse/", "door", "rse/sub/.."])
def test_a_file_below_a_root_is_read_however_its_path_is_spelled(
    store: Store, tree: Path, path: str, root: str
) -> None:
    outcome = _read(store, f"{tree}/{path}", Path(f"{tree}/{root}"))
    assert outcome.stored is not None, outcome.error


@pytest.mark.parametrize(
    "path",
    ["secret/f", "rse/out", "rse/outer/f", "rse/chain", "rse/../secret/f", "rse/outer/../rse-other/f", "rse-other/f"],
)
def test_a_file_outside_is_refused_with_the_setting_that_would_allow_it(store: Store, tree: Path, path: str) -> None:
    error = _read(store, f"{tree}/{path}", tree / "rse").error
    assert isinstance(error, TransferFailed)
    assert "is not below a folder of file_roots" in error.message
    assert str(tree / ("secret" if "other" not in path else "rse-other") / "f") in error.message, "links are resolved"
    assert error.hint is not None
    assert "file_roots" in error.hint
    assert objects(store.root) == []


def test_without_roots_no_file_of_this_machine_is_read(store: Store, tree: Path) -> None:
    assert "file_roots" in str(_read(store, f"{tree}/rse/f").error)


def test_a_mount_is_a_root_and_another_instance_has_its_own(sandbox: Sandbox, tmp_path: Path) -> None:
    config = load({**sandbox.env(), "HOME": str(tmp_path)})
    instance = config.instance()
    assert instance.file_roots == (sandbox.root / "storage" / "rses",)
    other = instance._replace(name="o", identity="other", aliases=(), file_roots=(), mounts=(Mount("R", tmp_path, 0),))
    config = config._replace(instances=(instance, other))
    assert storage_access(config, "other", {}).file_roots == (tmp_path,)
    assert set(storage_access(config, instance.identity, {}).file_roots) > set(instance.file_roots)


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "link to a device", "socket"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        import socket

        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    where = "/dev/zero" if kind == "device" else str(path)
    with pytest.raises(PermanentError, match="not a regular file"):
        Roots([Path("/")]).open(where)


def test_a_link_that_changes_meanwhile_never_leads_out(tree: Path) -> None:
    """The name is swapped as fast as can be; what was opened is what is judged."""
    (tree / "secret" / "f").write_bytes(b"secret")
    link, spare, stop = tree / "rse" / "swap", tree / "rse" / "spare", threading.Event()
    link.symlink_to("f")

    def swap() -> None:
        while not stop.is_set():
            for target in ("../secret/f", "f"):
                spare.symlink_to(target)
                spare.replace(link)

    thread = threading.Thread(target=swap)
    thread.start()
    refused = 0
    try:
        for _ in range(3_000):
            try:
                fd = Roots([tree / "rse"]).open(str(link))
            except OutsideRoots:
                refused += 1
                continue
            assert os.read(fd, 6) == GOOD[:6]
            os.close(fd)
    finally:
        stop.set()
        thread.join()
    assert 0 < refused < 3_000
