"""Files that changed, and stores that were restored: what plan, status, sync, verify and kernels make of them.

With the comparison of size, time and inode taken out of `store.record.Record.describes`, a changed file is taken for a
verified one: 18 of these tests fail. Without that of the time in `kernel.changed.fault_of`, code reads a changed byte.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.core.plan import Access
from nbrucio.core.report import SyncReport
from nbrucio.errors import Interrupted, NoSpace, OverBudget
from nbrucio.jupyter.sync_job import SyncRequest
from nbrucio.jupyter.sync_jobs import SyncJobs
from nbrucio.kernel.errors import DataNotHere
from nbrucio.kernel.lookup import Data
from nbrucio.operations.grants import LIFETIME, Grant, Grants
from nbrucio.operations.verify import verify
from nbrucio.pipeline.cached_status import cached_status
from nbrucio.pipeline.estimate import estimate
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from nbrucio.sandbox import Sandbox
from nbrucio.store import Store
from tests.support.access_log import new_requests
from tests.support.damage import BYTES, THINGS, Damage, flip, flip_silently, restore, truncate

pytestmark = pytest.mark.trust("X")

OFFLINE = Options(offline=True)


class Desk:
    """A notebook whose data is here: `sandbox:growing`, two files."""

    def __init__(self, sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = sandbox
        self.folder = folder
        for variable, name in (("NBRUCIO_RUNTIME_DIR", "run"), ("XDG_STATE_HOME", "state")):
            (folder / name).mkdir(mode=0o700)
            monkeypatch.setenv(variable, str(folder / name))
        self.config = self.config_for(folder / "store")
        self.notebook = folder / "nb.ipynb"
        declared = {"requirements": [{"did": "sandbox:growing", "handle": "h"}]}
        self.notebook.write_text(
            json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5})
        )
        assert self.sync().exit_code == 0

    def config_for(self, store: Path) -> Config:
        return load({**self.sandbox.env(), "HOME": str(self.folder), "NBRUCIO_STORE": str(store)})

    def sync(self, options: Options | None = None) -> SyncReport:
        return sync([self.notebook], self.config, options=options)

    @property
    def paths(self) -> list[Path]:
        return [path for path in sorted(self.config.store_path.glob("objects/??/*/*")) if os.path.lexists(path)]

    def code(self) -> list[bytes]:
        """What code in the notebook reads."""
        return [Path(path).read_bytes() for path in Data(self.notebook)["h"]]

    def restore(self) -> None:
        """Work with a copy of the store as tar makes it."""
        copy = restore(self.config.store_path, self.folder / "copy")
        shutil.rmtree(self.config.store_path)
        self.config = self.config_for(copy)

    def state(self) -> str:
        return status([self.notebook], self.config).notebooks[0].requirements[0].state


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(sandbox, tmp_path, monkeypatch)


@pytest.mark.parametrize("damage", [*BYTES, *THINGS])
def test_a_changed_file_is_wrong_to_verify_refused_by_kernels_and_healed_by_sync(desk: Desk, damage: Damage) -> None:
    right = desk.code()
    damage(desk.paths[0])
    with pytest.raises(DataNotHere, match="nbrucio sync"):
        desk.code()
    assert desk.state() == "partial"
    found = verify([desk.notebook], desk.config)
    assert ([error.exit_code for error in found.wrong], found.files) == ([9], 2)
    with pytest.raises(DataNotHere, match="nbrucio sync"):
        desk.code()
    healed = desk.sync()
    assert (healed.exit_code, healed.downloaded_files) == (0, 1)
    assert desk.code() == right
    assert verify([desk.notebook], desk.config).wrong == ()


@pytest.mark.parametrize("damage", [*BYTES, *THINGS])
def test_a_sync_heals_a_changed_file_by_itself(desk: Desk, damage: Damage) -> None:
    right = desk.code()
    damage(desk.paths[0])
    healed = desk.sync()
    assert (healed.exit_code, healed.downloaded_files) == (0, 1)
    assert desk.code() == right


def test_a_sync_that_may_not_download_hands_no_wrong_file_out(desk: Desk) -> None:
    flip(desk.paths[0])
    assert desk.sync(OFFLINE).exit_code == 8
    with pytest.raises(DataNotHere):
        desk.code()


def test_what_was_only_touched_is_mended_by_verify_and_costs_no_download(desk: Desk) -> None:
    os.utime(desk.paths[0], (1, 1))
    assert desk.state() == "partial"
    assert verify([desk.notebook], desk.config).wrong == ()
    assert desk.state() == "ready"
    with new_requests(desk.sandbox.storage_log) as requests:
        assert desk.sync().exit_code == 0
    assert requests == []
    assert len(desk.code()) == 2


def test_only_verify_finds_what_changed_under_the_same_stat(desk: Desk) -> None:
    flip_silently(desk.paths[0])
    assert desk.state() == "ready"
    assert len(verify([desk.notebook], desk.config).wrong) == 1
    assert desk.sync().downloaded_files == 1


def test_verify_tells_what_it_cannot_know(desk: Desk) -> None:
    shutil.rmtree(desk.config.store_path)
    found = verify([desk.notebook], desk.config)
    assert (found.files, [error.exit_code for error in found.unresolved]) == (0, [4])


def test_a_restored_store_is_planned_read_once_and_used_without_a_network(desk: Desk) -> None:
    right = desk.code()
    desk.restore()
    plan = estimate([desk.notebook], desk.config, options=OFFLINE)
    assert [file.access for file in plan.plan.requirements[0].files] == [Access.REREAD] * 2
    assert (plan.exit_code, plan.downloads.files) == (0, 0)
    assert desk.state() == "partial"
    assert cached_status([desk.notebook], desk.config) is None
    report = desk.sync(OFFLINE)
    assert (report.exit_code, report.downloaded_files) == (0, 0)
    assert desk.code() == right
    assert desk.state() == "ready"


def test_a_restored_store_is_read_no_second_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.restore()
    assert desk.sync(OFFLINE).exit_code == 0
    monkeypatch.setattr(Store, "examine", lambda *_, **__: pytest.fail("read again"))
    assert desk.sync(OFFLINE).exit_code == 0
    assert cached_status([desk.notebook], desk.config, synced=True) is not None


def test_a_restored_store_costs_no_budget_and_no_space(desk: Desk) -> None:
    desk.restore()
    policy = desk.config.policy._replace(max_download_bytes=0, keep_free_bytes=1 << 60)
    desk.config = desk.config._replace(policy=policy)
    assert estimate([desk.notebook], desk.config).exit_code == 0
    assert desk.sync().exit_code == 0
    assert len(desk.code()) == 2


def test_verify_makes_a_restored_store_usable(desk: Desk) -> None:
    desk.restore()
    found = verify([desk.notebook], desk.config)
    assert (found.files, found.wrong) == (2, ())
    assert desk.state() == "ready"


@pytest.mark.parametrize("damage", [flip, truncate])
def test_of_a_restored_store_only_what_is_damaged_is_downloaded(desk: Desk, damage: Damage) -> None:
    right = desk.code()
    desk.restore()
    damage(desk.paths[0])
    report = desk.sync()
    assert (report.exit_code, report.downloaded_files) == (0, 1)
    assert desk.code() == right


def test_a_damaged_file_of_a_restored_store_is_within_the_budget_or_refused(desk: Desk) -> None:
    desk.restore()
    flip(desk.paths[0])
    desk.config = desk.config._replace(policy=desk.config.policy._replace(max_download_bytes=0))
    report = desk.sync()
    assert any(isinstance(error, OverBudget) for error in report.errors())
    assert len(report.notebooks[0].requirements[0].here) == 1


def test_a_store_that_was_restored_in_part_lacks_the_rest(desk: Desk) -> None:
    desk.restore()
    shutil.rmtree(desk.paths[0].parent)
    assert desk.state() == "partial"
    assert desk.sync().downloaded_files == 1


def test_objects_that_were_restored_without_the_rest_are_used(desk: Desk) -> None:
    desk.restore()
    for path in desk.config.store_path.iterdir():
        if path.name != "objects":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for record in desk.config.store_path.glob("objects/*/*.json"):
        record.unlink()
    with new_requests(desk.sandbox.storage_log) as requests:
        assert desk.sync().exit_code == 0
    assert requests == []
    assert len(desk.code()) == 2


def test_kernels_are_told_of_what_is_verified_while_the_rest_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(desk.paths[0], (1, 1))
    states = []

    def reading(store: Store, *_: object, **__: object) -> object:
        states.append(Data(desk.notebook).manifest().state)
        return examine(store, *_, **__)

    examine = Store.examine
    monkeypatch.setattr(Store, "examine", reading)
    assert desk.sync().exit_code == 0
    assert states == ["syncing"]
    assert Data(desk.notebook).manifest().state == "ready"


def test_a_sync_that_is_stopped_while_it_reads_goes_on_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.restore()
    cancel = threading.Event()

    def reading(store: Store, *args: Any, **more: Any) -> object:
        cancel.set()
        return examine(store, *args, **more)

    examine = Store.examine
    with monkeypatch.context() as patched:
        patched.setattr(Store, "examine", reading)
        with pytest.raises(Interrupted):
            sync([desk.notebook], desk.config, cancel=cancel)
    assert desk.sync(OFFLINE).exit_code == 0


def test_a_folder_of_links_that_cannot_be_made_keeps_no_data_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise NoSpace("The store has no room.")

    monkeypatch.setattr(Store, "view", full)
    desk.restore()
    report = desk.sync(OFFLINE)
    assert (report.exit_code, report.notebooks[0].requirements[0].folder) == (0, None)
    assert len(desk.code()) == 2


def test_opening_a_notebook_reads_a_restored_store_without_consent(desk: Desk) -> None:
    desk.restore()
    syncs = SyncJobs(lambda _run: None, logging.getLogger(), Grants(desk.folder / "grants.json"), lambda: desk.config)
    try:
        ended = syncs.start(desk.notebook, SyncRequest(budget_bytes=0)).future.result(30)
    finally:
        syncs.close()
    assert dict(ended.states) == {"h": "ready"}
    assert len(desk.code()) == 2


def test_opening_a_notebook_needs_consent_for_what_a_restored_store_lacks_and_no_more(desk: Desk) -> None:
    size_bytes = desk.paths[0].stat().st_size
    desk.restore()
    truncate(desk.paths[0])
    grants = Grants(desk.folder / "grants.json")
    expires = datetime.now(timezone.utc) + LIFETIME
    grants.add([Grant(desk.config.instances[0].identity, Did.parse("sandbox:growing"), size_bytes, expires)])
    syncs = SyncJobs(lambda _run: None, logging.getLogger(), grants, lambda: desk.config)
    try:
        ended = syncs.start(desk.notebook, SyncRequest(budget_bytes=size_bytes)).future.result(30)
    finally:
        syncs.close()
    assert dict(ended.states) == {"h": "ready"}


def test_what_is_to_be_read_again_is_looked_for_at_every_status(desk: Desk) -> None:
    os.utime(desk.paths[0], (1, 1))
    assert desk.state() == "partial"
    assert cached_status([desk.notebook], desk.config) is None
    desk.paths[0].unlink()
    found = status([desk.notebook], desk.config).notebooks[0].requirements[0]
    assert (found.state, found.reread.files) == ("partial", 0)


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Be a user who may not write where nobody may: root may everywhere."""
    if os.getuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def readonly(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose store was restored and cannot be written."""
    folder = Path(mkdtemp(prefix="nbrucio-test-"))  # pytest's own folders keep other users out
    desk = Desk(sandbox, folder, monkeypatch)
    desk.restore()
    folders = [path for path in (desk.config.store_path, *desk.config.store_path.rglob("*")) if path.is_dir()]
    for path in folders:
        if not path.is_symlink():
            path.chmod(0o555)
    try:
        with nobody(folder):
            yield desk
    finally:
        for path in folders:
            path.chmod(0o700)
        shutil.rmtree(folder)


def test_a_store_that_cannot_be_written_is_read_once_and_used(readonly: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(readonly.config.store_path.rglob("*"))
    assert readonly.sync(OFFLINE).exit_code == 0
    assert len(readonly.code()) == 2
    assert readonly.state() == "ready"
    monkeypatch.setattr(Store, "examine", lambda *_, **__: pytest.fail("read again"))
    assert readonly.sync(OFFLINE).exit_code == 0
    assert sorted(readonly.config.store_path.rglob("*")) == before


def test_verify_reads_a_store_that_cannot_be_written_and_the_next_sync_remembers(readonly: Desk) -> None:
    flip_silently(readonly.paths[0])
    found = verify([readonly.notebook], readonly.config)
    assert ([error.exit_code for error in found.wrong], found.files) == ([9], 2)
    report = readonly.sync(OFFLINE)
    assert (report.exit_code, len(report.notebooks[0].requirements[0].here)) == (8, 1)
    with pytest.raises(DataNotHere):
        readonly.code()
