"""A cached status says what a full status would say, and declines wherever it could be wrong."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.operations.edit import lock
from nbrucio.pipeline.cached_status import CachedStatus, cached_status
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from nbrucio.state import status_cache
from nbrucio.store import Store

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def dataset(sandbox: Sandbox) -> str:
    files = [NewFile(Did("sandbox", f"cached/{name}.dat"), name.encode() * 10) for name in NAMES]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_POSIX"])
        return str(add_dataset(client, "sandbox", "cached", [file.did for file in files], closed=True))


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    return load(sandbox.env() | {"NBRUCIO_STORE": str(tmp_path / "store"), "HOME": str(tmp_path)})


@pytest.fixture
def notebook(tmp_path: Path, dataset: str) -> Path:
    return write(tmp_path / "nb.ipynb", {"did": dataset, "handle": "letters"})


def write(path: Path, *requirements: dict[str, object], **more: object) -> Path:
    value = {"version": 1, "requirements": list(requirements), **more}
    path.write_text(json.dumps({"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def here(found: tuple[CachedStatus, ...] | None) -> list[tuple[str, int, int]] | None:
    """State, files here and files of each requirement of the first notebook."""
    return None if found is None else [(row.state, row.here_files, row.files) for row in found[0].rows]


def objects(config: Config) -> list[Path]:
    return sorted((config.store_path / "objects").glob("*/*/*"))


def test_a_sync_leaves_a_cached_status_that_says_nothing_is_to_do(config: Config, notebook: Path) -> None:
    assert cached_status([notebook], config) is None, "nobody looked yet"
    report = sync([notebook], config)
    assert report.exit_code == 0
    found = cached_status([notebook], config, synced=True)
    assert here(found) == [("ready", 5, 5)]
    assert found is not None
    assert [tuple(row) for row in found[0].rows] == [tuple(r.row()) for r in report.notebooks[0].requirements]


def test_a_sync_that_brought_only_some_leaves_a_cached_status_at_all(config: Config, notebook: Path) -> None:
    sync([notebook], config)
    for path in objects(config)[:2]:
        path.unlink()
    assert sync([notebook], config).downloaded_files == 2
    assert here(cached_status([notebook], config, synced=True)) == [("ready", 5, 5)]


@pytest.mark.parametrize("act", [Path.unlink, lambda path: path.chmod(0o600) or path.write_bytes(b"else" * 2)])
def test_what_changes_between_its_commit_and_the_end_of_the_sync_is_not_taken_for_seen(
    config: Config, notebook: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], object]
) -> None:
    monkeypatch.setattr(
        status_cache, "CHECKED_OBJECTS", 1
    )  # else a cached status looks at each object, and would find out by that

    monkeypatch.setattr("nbrucio.pipeline.remember.remember_replicas", lambda *_: act(objects(config)[2]))
    sync([notebook], config)
    assert here(cached_status([notebook], config, synced=False)) is None


def test_a_fresh_lock_is_known_to_be_missing_without_a_look(config: Config, notebook: Path) -> None:
    lock(notebook, config)
    assert here(cached_status([notebook], config)) == [("missing", 0, 5)]
    assert cached_status([notebook], config, synced=True) is None


def remove_file(config: Config) -> None:
    objects(config)[0].unlink()


def remove_folder(config: Config) -> None:
    shutil.rmtree(objects(config)[0].parent)


def remove_record(config: Config) -> None:
    Path(f"{objects(config)[0].parent}.json").unlink()


def remove_objects(config: Config) -> None:
    shutil.rmtree(config.store_path / "objects")


def write_into(config: Config) -> None:
    path = objects(config)[0]
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"x")


def evict(config: Config) -> None:
    Store(config.store_path).remove("sandbox.localhost", Did("sandbox", "cached/a.dat"))


CHANGES = (remove_file, remove_folder, remove_record, remove_objects, write_into, evict)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_happens_to_an_object_ends_the_cached_status(
    config: Config, notebook: Path, change: Callable[[Config], None]
) -> None:
    sync([notebook], config)
    assert cached_status([notebook], config) is not None
    change(config)
    assert cached_status([notebook], config) is None
    assert cached_status([notebook], config, synced=True) is None
    assert status([notebook], config).notebooks[0].requirements[0].state in ("partial", "missing")


@pytest.mark.parametrize("change", [change for change in CHANGES if change not in (remove_file, write_into)])
def test_above_the_limit_every_change_of_folders_is_seen(
    config: Config, notebook: Path, change: Callable[[Config], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_cache, "CHECKED_OBJECTS", 1)
    sync([notebook], config)
    assert cached_status([notebook], config) is not None
    change(config)
    assert cached_status([notebook], config) is None


def test_above_the_limit_a_sync_still_looks_at_each_object(
    config: Config, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_cache, "CHECKED_OBJECTS", 1)
    sync([notebook], config)
    remove_file(config)
    assert cached_status([notebook], config, synced=True) is None


def test_above_the_limit_a_run_of_objects_is_looked_at(
    config: Config, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects of which most are gone are noticed, although the folders above look as before."""
    monkeypatch.setattr(status_cache, "CHECKED_OBJECTS", 2)
    sync([notebook], config)
    for path in objects(config):
        path.unlink()
    assert cached_status([notebook], config) is None


def test_new_objects_of_others_end_the_cached_status(config: Config, notebook: Path, tmp_path: Path) -> None:
    """Another notebook may bring what this one lacks."""
    lock(notebook, config)
    assert cached_status([notebook], config) is not None
    sync([write(tmp_path / "other.ipynb", {"did": "sandbox:cached/a.dat", "handle": "one"})], config)
    assert cached_status([notebook], config) is None
    assert status([notebook], config).notebooks[0].requirements[0].state == "partial"
    assert here(cached_status([notebook], config)) == [("partial", 1, 5)], "and that look is kept in turn"


def test_another_question_has_another_answer(
    config: Config, notebook: Path, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync([notebook], config)
    assert cached_status([notebook], config, variant="dev") is None
    assert cached_status([notebook], config._replace(default_name="other")) is None
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(notebook.parent / "elsewhere"))
    assert cached_status([notebook], config) is not None
    assert cached_status([notebook], config, synced=True) is None, "kernels that look there were told nothing"
    write(notebook, {"did": dataset, "handle": "letters", "select": {"first": 2}})
    assert cached_status([notebook], config) is None


def test_cells_and_outputs_are_no_part_of_the_question(config: Config, notebook: Path) -> None:
    sync([notebook], config)
    content = json.loads(notebook.read_text())
    content["cells"] = [{"cell_type": "markdown", "metadata": {}, "source": "changed"}]
    notebook.write_text(json.dumps(content))
    assert cached_status([notebook], config, synced=True) is not None


def test_what_kernels_read_is_looked_at(config: Config, notebook: Path) -> None:
    manifest = sync([notebook], config).notebooks[0].manifest
    assert manifest is not None
    manifest.write_text("{}")
    assert cached_status([notebook], config, synced=True) is None
    sync([notebook], config)
    assert cached_status([notebook], config, synced=True) is not None
    folder = next((config.store_path / "views").glob("*/*/cached"))
    next(folder.iterdir()).unlink()
    assert cached_status([notebook], config, synced=True) is None


def test_mounted_and_unresolved_data_gets_no_glance(config: Config, dataset: str, tmp_path: Path) -> None:
    mounted = write(tmp_path / "mounted.ipynb", {"did": "sandbox:dimuon", "handle": "d", "access": "mount"})
    status([mounted], config)
    assert cached_status([mounted], config) is None
    unknown = write(tmp_path / "unknown.ipynb", {"did": "sandbox:is-not-there", "handle": "u"}, {"did": dataset})
    sync([unknown], config)
    assert cached_status([unknown], config) is None


def test_a_store_that_changed_just_now_is_not_trusted(config: Config, notebook: Path) -> None:
    """Two changes within one tick of the clock leave the same time, so the second would not be seen."""
    sync([notebook], config)
    cache = status_cache.StatusCache(config.store_path)
    before = cache.snapshot()
    assert before is not None
    assert before.rested()
    (objects(config)[0].parents[1] / "new").mkdir()
    after = cache.snapshot()
    assert after is not None
    assert not after.rested()
    whole_s = time.time_ns() // 1_000_000_000 * 1_000_000_000
    assert not status_cache.StoreSnapshot(whole_s + 1_500_000_000, whole_s, "").rested(), (
        "times in whole seconds need longer"
    )


def test_a_damaged_memory_is_none(config: Config, notebook: Path) -> None:
    sync([notebook], config)
    memory = next((config.store_path / "seen").iterdir())
    whole = memory.read_bytes()
    for text in (b"", b"{}\n", b"[1]\n", b"\xff\n", whole[:100], whole.replace(b'"format": 2', b'"format": 1')):
        memory.write_bytes(text)
        assert cached_status([notebook], config) is None
    memory.write_bytes(whole)
    assert cached_status([notebook], config) is not None
    memory.unlink()
    memory.mkdir()
    assert cached_status([notebook], config) is None
    assert sync([notebook], config).exit_code == 0, "a memory that cannot be kept stops nothing"


def test_a_status_writes_nothing_where_there_is_no_store(config: Config, notebook: Path) -> None:
    status([notebook], config)
    assert not os.path.lexists(config.store_path)
