"""The sandbox's storage, reached as its catalogue says."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.core.events import SilentReporter
from nbrucio.core.files import FileEntry, Replica
from nbrucio.sandbox import Sandbox
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import StorageAccess, Task
from tests.support.access_log import new_requests
from tests.support.faulty_disk import INSTANCE


def _tasks(sandbox: Sandbox, rse: str) -> list[Task]:
    with sandbox.client() as client:
        rows = list(client.list_replicas([{"scope": "sandbox", "name": "dimuon"}], rse_expression=rse))
    return [
        Task(
            INSTANCE,
            FileEntry(Did(row["scope"], row["name"]), row["bytes"], row["adler32"]),
            tuple(Replica(one["rse"], pfn) for pfn, one in row["pfns"].items()),
        )
        for row in rows
    ]


@pytest.mark.parametrize(("rse", "files"), [("SANDBOX_HTTPS", 4), ("SANDBOX_POSIX", 2)])
def test_a_dataset_comes_whole(sandbox: Sandbox, tmp_path: Path, rse: str, files: int) -> None:
    tasks = _tasks(sandbox, rse)
    assert len(tasks) == files
    access = {INSTANCE: StorageAccess(ca=sandbox.root / "storage" / "ca.pem", file_roots=(sandbox.root,))}
    with new_requests(sandbox.storage_log) as requests:
        outcomes = fetch(tasks, Store(tmp_path / "store"), access, SilentReporter())
    for outcome in outcomes:
        assert outcome.stored is not None, outcome.error
        assert f"{zlib.adler32(outcome.stored.path.read_bytes()):08x}" == outcome.task.entry.adler32
    assert len(requests) == (4 if rse == "SANDBOX_HTTPS" else 0)


def test_the_sandbox_resumes_a_file(sandbox: Sandbox, tmp_path: Path) -> None:
    (task, *_) = _tasks(sandbox, "SANDBOX_HTTPS")
    access = {INSTANCE: StorageAccess(ca=sandbox.root / "storage" / "ca.pem", file_roots=(sandbox.root,))}
    (whole,) = fetch([task], Store(tmp_path / "one"), access, SilentReporter())
    assert whole.stored is not None
    content = whole.stored.path.read_bytes()
    store = Store(tmp_path / "two")
    partial = store.session().begin(INSTANCE, task.entry, lambda: None)
    partial.write(content[: len(content) // 2])
    partial.keep()
    with new_requests(sandbox.storage_log) as requests:
        (outcome,) = fetch([task], store, access, SilentReporter())
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == content
    assert [request.status for request in requests] == [206]
