"""Locks in use, on a real server: what enters them, what they hold fast, and what they refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.filelist import digest_of_lines
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES
from nbrucio.core.report import RequirementReport
from nbrucio.errors import DidNotFound
from nbrucio.notebook import lock_file
from nbrucio.operations.adding import Wish, add
from nbrucio.operations.edit import lock, lock_elsewhere, remove
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_file, add_files, attach


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n")
    return path


def value(notebook: Path) -> Any:
    return json.loads(notebook.read_text())["metadata"]["nbrucio"]


def one(notebook: Path, config: Config, **options: Any) -> RequirementReport:
    """The report of the notebook's only requirement after a sync."""
    return sync([notebook], config, options=Options(**options)).notebooks[0].requirements[0]


def dataset(sandbox: Sandbox, name: str, count: int, *, closed: bool = False) -> Did:
    data = [NewFile(Did("sandbox", f"{name}/{number:03}.dat"), f"{name} {number}".encode()) for number in range(count)]
    with sandbox.admin() as client:
        add_files(client, data, ["SANDBOX_POSIX"])
        return add_dataset(client, "sandbox", name, [file.did for file in data], closed=closed)


def grow(sandbox: Sandbox, did: Did, name: str) -> None:
    with sandbox.admin() as client:
        attach(client, did.scope, did.name, [add_file(client, "sandbox", name, b"more", ["SANDBOX_POSIX"])])


def test_an_open_dataset_that_grew_is_drift_and_its_lock_gives_the_old_set(
    sandbox: Sandbox, notebook: Path, config: Config
) -> None:
    did = dataset(sandbox, "grows", 2)
    add(notebook, [did], config, wish=Wish(handle="data"))
    grow(sandbox, did, "grows/later.dat")
    requirement = status([notebook], config).notebooks[0].requirements[0]
    assert requirement.resolved.drift is None  # nobody was asked
    requirement = status([notebook], config, check=True).notebooks[0].requirements[0]
    assert requirement.resolved.drift == "gained 1 file, 4 B since the lock"
    assert len(requirement.files) == 2
    assert sync([notebook], config, options=Options(locked=True)).exit_code == 10
    assert [len(one(notebook, config).files), len(one(notebook, config, frozen=True).files)] == [2, 2]
    lock(notebook, config, upgrade=["data"])
    assert len(one(notebook, config, locked=True).files) == 3


def test_an_upgraded_lock_that_is_removed_does_not_bring_an_older_list_back(
    sandbox: Sandbox, notebook: Path, config: Config
) -> None:
    """A notebook that was open during the upgrade is saved without the new lock."""
    did = dataset(sandbox, "upgraded", 2)
    add(notebook, [did], config, wish=Wish(handle="data", offline=True))
    opened = notebook.read_bytes()
    assert len(one(notebook, config).files) == 2
    grow(sandbox, did, "upgraded/later.dat")
    lock(notebook, config, upgrade=["data"])
    notebook.write_bytes(opened)
    assert len(one(notebook, config).files) == 3


def test_a_long_list_of_a_selection_lies_beside_the_notebook(sandbox: Sandbox, notebook: Path, config: Config) -> None:
    count = INLINE_LIST_MAX_FILES + 1
    did = dataset(sandbox, "long", count)
    add(notebook, [did], config, wish=Wish(handle="data"))
    beside = lock_file.path_for(notebook)
    assert beside.name == "nb.ipynb.nbrucio-lock.json"
    assert "pinned" not in value(notebook)["lock"]["data"]
    written = beside.read_bytes()
    assert lock(notebook, config).changed is False
    assert beside.read_bytes() == written
    one(notebook, config)
    lock(notebook, config)
    assert len(json.loads(beside.read_text())["sha256"][value(notebook)["lock"]["data"]["digest"]]) == count
    assert "sha256" not in value(notebook)["lock"]["data"]
    remove(notebook, ["data"])
    assert not beside.exists()


def test_bytes_that_were_verified_enter_the_lock_and_are_then_required(
    sandbox: Sandbox, notebook: Path, config: Config
) -> None:
    did = dataset(sandbox, "summed", 2, closed=True)
    add(notebook, [did], config, wish=Wish(handle="data"))
    assert "sha256" not in value(notebook)["lock"]["data"]
    stored = {str(file.entry.did): file.path for file in one(notebook, config).files}
    lock(notebook, config)
    sums = value(notebook)["lock"]["data"]["sha256"]
    assert sorted(sums) == sorted(stored)
    # The same as if the bytes had been replaced by others with the same adler32 before this machine brought them.
    first = min(sums)
    text = notebook.read_text().replace(sums[first], "0" * 64)
    notebook.write_text(text)
    report = sync([notebook], config)
    assert report.exit_code == 9
    (error,) = report.errors()
    assert "differs from the lock" in error.message
    assert [file.path is None for file in report.notebooks[0].requirements[0].files] == [True, False]
    lock(notebook, config)  # keeps what is locked
    assert sync([notebook], config).exit_code == 9
    lock(notebook, config, upgrade=[])
    assert sync([notebook], config).exit_code == 0


def test_a_fresh_download_is_held_against_the_lock(sandbox: Sandbox, notebook: Path, config: Config) -> None:
    did = dataset(sandbox, "fresh", 1, closed=True)
    add(notebook, [did], config, wish=Wish(handle="data"))
    one(notebook, config)
    lock(notebook, config)
    sums = value(notebook)["lock"]["data"]["sha256"]
    notebook.write_text(notebook.read_text().replace(*(next(iter(sums.values())), "0" * 64)))
    shutil.rmtree(config.store_path)
    report = sync([notebook], config)
    assert (report.downloaded_files, report.exit_code) == (1, 9)
    assert report.notebooks[0].requirements[0].files[0].path is None


def test_a_file_that_was_replaced_in_rucio_is_refused(sandbox: Sandbox, notebook: Path, config: Config) -> None:
    did = dataset(sandbox, "replaced", 1)
    add(notebook, [did], config, wish=Wish(handle="data"))
    pinned = value(notebook)["lock"]["data"]["pinned"][0]
    other = pinned.rpartition("\t")[0] + "\t00000001"
    entry = value(notebook)["lock"]["data"]
    text = notebook.read_text().replace(json.dumps(pinned), json.dumps(other))
    notebook.write_text(text.replace(entry["digest"], digest_of_lines([other])))
    assert sync([notebook], config).exit_code == 9


def test_a_variant_is_locked_beside_the_whole(sandbox: Sandbox, notebook: Path, config: Config) -> None:
    did = dataset(sandbox, "varied", 3)
    add(notebook, [did], config, wish=Wish(handle="data"))
    document = json.loads(notebook.read_text())
    document["metadata"]["nbrucio"]["variants"] = {"dev": {"data": {"first": 1}}}
    notebook.write_text(json.dumps(document))
    assert len(one(notebook, config, variant="dev").files) == 1
    lock(notebook, config, variant="dev")
    assert {key: entry["files"] for key, entry in value(notebook)["lock"].items()} == {"data": 3, "data@dev": 1}
    assert value(notebook)["requirements"][0].get("select") is None
    assert [len(one(notebook, config, variant=name).files) for name in ("dev", None)] == [1, 3]
    lock(notebook, config, upgrade=["data"])
    assert sorted(value(notebook)["lock"]) == ["data", "data@dev"], "nothing has changed"
    grow(sandbox, did, "varied/000.0.dat")
    lock(notebook, config, upgrade=["data"])
    assert sorted(value(notebook)["lock"]) == ["data"], "what the variant was locked to is a part of what was"
    assert one(notebook, config, variant="dev").files[0].entry.did.name == "varied/000.0.dat"
    unknown = sync([notebook], config, options=Options(variant="none"))
    assert (unknown.exit_code, next(unknown.errors()).hint) == (2, "Declared variants: dev.")
    remove(notebook, ["data"])
    assert "lock" not in value(notebook)


def test_a_lock_of_what_can_be_resolved_names_what_cannot(notebook: Path, config: Config) -> None:
    add(notebook, [Did("sandbox", "dimuon")], config, wish=Wish(handle="good", offline=True))
    add(notebook, [Did("sandbox", "no.such")], config, wish=Wish(handle="bad", offline=True))
    edit = lock(notebook, config)
    assert (edit.acts, edit.changed) == ({"good": "locked", "bad": "failed"}, True)
    assert [error.code for error in edit.errors()] == ["did-not-found"]
    assert list(value(notebook)["lock"]) == ["good"]
    again = lock(notebook, config)
    assert (again.acts, again.changed) == ({"good": "unchanged", "bad": "failed"}, False)
    declaration, resolved = lock_elsewhere(notebook, config, upgrade=())
    assert list(declaration.lock) == ["good"]
    assert [(one.requirement.handle, one.error is None) for one in resolved] == [("good", True), ("bad", False)]
    with pytest.raises(DidNotFound):
        lock_elsewhere(notebook, config, upgrade=["bad"])
