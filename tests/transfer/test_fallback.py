"""rucio-clients for schemes that nothing else reads."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbrucio.catalogue.base import Replica
from nbrucio.errors import IntegrityError, TransferFailed
from nbrucio.events import BytesArrived
from nbrucio.store import Store
from nbrucio.transfer import StorageAccess, Task, fetch
from tests.store.disks import INSTANCE, entry, objects, partials
from tests.transfer.conftest import QUICK, Listener
from tests.transfer.hostile import GOOD

SRM = Replica("TAPEFREE", "srm://storage.example:8443/x")


def _downloads(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> list[dict[str, Any]]:
    """Let DownloadClient bring ``content``; what it was asked for. gfal2, which srm needs, is nowhere on PyPI."""
    from rucio.client import downloadclient
    from rucio.common.exception import NoFilesDownloaded

    asked: list[dict[str, Any]] = []

    class Client:
        def __init__(self, **options: Any) -> None:
            assert options["tracing"] is False
            self._log = options["logger"]

        def download_pfns(self, items: list[dict[str, Any]], num_threads: int) -> None:
            asked.extend(items)
            assert num_threads == 1
            if content is None:
                self._log(30, "Failed: %s", "gfal2 is not installed")
                raise NoFilesDownloaded
            (Path(items[0]["base_dir"]) / items[0]["did"].partition(":")[2]).write_bytes(content)

    monkeypatch.setattr(downloadclient, "DownloadClient", Client)
    return asked


def _bring(store: Store, listener: Listener, name: str = "x") -> Any:
    access = {INSTANCE: StorageAccess(rucio_client=lambda: SimpleNamespace(vo="def", get_rse=lambda _: {}))}
    return fetch([Task(INSTANCE, entry(name, GOOD), (SRM,))], store, access, listener, limits=QUICK)[0]


@pytest.mark.parametrize("name", ["x", "a/b/../c", "/abs"])
def test_a_file_comes_through_a_private_folder_under_a_name_of_ours(
    monkeypatch: pytest.MonkeyPatch, store: Store, listener: Listener, name: str
) -> None:
    asked = _downloads(monkeypatch, GOOD)
    outcome = _bring(store, listener, name)
    assert outcome.stored.path.read_bytes() == GOOD
    assert asked[0]["did"] == "test:file"
    assert asked[0]["pfn"] == SRM.pfn
    assert Path(asked[0]["base_dir"]).parent == store.root / "partial"
    assert partials(store.root) == []
    assert sum(event.count for event in listener.events if isinstance(event, BytesArrived)) == len(GOOD)


def test_what_it_brings_is_checked(monkeypatch: pytest.MonkeyPatch, store: Store, listener: Listener) -> None:
    _downloads(monkeypatch, GOOD[:-1])
    assert isinstance(_bring(store, listener).error, IntegrityError)
    assert objects(store.root) == []
    assert partials(store.root) == []


def test_its_cause_is_told(monkeypatch: pytest.MonkeyPatch, store: Store, listener: Listener) -> None:
    _downloads(monkeypatch, None)
    error = _bring(store, listener).error
    assert isinstance(error, TransferFailed)
    assert "gfal2 is not installed" in str(error)


def test_without_a_client_the_scheme_is_not_read(store: Store, listener: Listener) -> None:
    (outcome,) = fetch([Task(INSTANCE, entry("x", GOOD), (SRM,))], store, {}, listener)
    assert "nothing here reads srm://" in str(outcome.error)


def test_a_long_download_is_followed_and_not_taken_for_stalled(
    monkeypatch: pytest.MonkeyPatch, store: Store, listener: Listener
) -> None:
    from rucio.client import downloadclient

    class Client:
        def __init__(self, **_: Any) -> None:
            """As DownloadClient."""

        def download_pfns(self, items: list[dict[str, Any]], num_threads: int) -> None:
            assert num_threads == 1
            path = Path(items[0]["base_dir"]) / "file.part"
            with path.open("wb", buffering=0) as file:
                for first in range(0, len(GOOD), len(GOOD) // 8):
                    file.write(GOOD[first : first + len(GOOD) // 8])
                    time.sleep(0.25)
            path.rename(path.with_name("file"))

    monkeypatch.setattr(downloadclient, "DownloadClient", Client)
    assert _bring(store, listener).stored is not None
    counts = [event.count for event in listener.events if isinstance(event, BytesArrived)]
    assert sum(counts) == len(GOOD)
    assert len([count for count in counts if count > 0]) > 3
