"""An RSE that failed is tried last by the next sync; when that is forgotten, Rucio's order holds again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.download_origins import sources
from nbrucio.core.report import SyncReport
from nbrucio.pipeline.estimate import estimate
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import add_dataset
from tests.support.certificates import UserAuthority
from tests.support.noting_storage import NotingStorage, noting_storage
from tests.support.odd_rses import DOMAINS, forget_rses

PREFIX = "MEASURED"


class TwoSites:
    """Two RSEs with the same datasets of one file. One of them can refuse everything."""

    def __init__(self, sandbox: Sandbox, config: Config, folder: Path) -> None:
        self.refusing: str | None = None
        self.storages: dict[str, NotingStorage] = {}
        self._sandbox = sandbox
        self._config = config
        self._folder = folder

    def add(self, rse: str, storage: NotingStorage) -> None:
        self.storages[rse] = storage
        where = {"hostname": "127.0.0.1", "port": int(storage.url.rpartition(":")[2]), "prefix": "/"}
        with self._sandbox.admin() as client:
            client.add_rse(rse, deterministic=True)
            impl = {"scheme": "https", "impl": "rucio.rse.protocols.webdav.Default", "domains": DOMAINS}
            client.add_protocol(rse, impl | where)

    def dataset(self, name: str) -> Path:
        """A notebook that declares a new dataset, which both have."""
        file = Did("sandbox", f"{PREFIX}/{name}/file")
        with self._sandbox.admin() as client:
            for rse in self.storages:
                row = {"scope": file.scope, "name": file.name, "bytes": 1, "adler32": "00790079"}
                client.add_replicas(rse, [row])
            did = add_dataset(client, "sandbox", f"{PREFIX}.{name}", [file], closed=True)
        declared = {"version": 1, "requirements": [{"did": str(did), "handle": "x"}]}
        path = self._folder / f"{name}.ipynb"
        content = {"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}
        path.write_text(json.dumps(content))
        return path

    def config(self) -> Config:
        cas = self._folder / "both.pem"
        cas.write_bytes(b"".join(storage.ca.read_bytes() for storage in self.storages.values()))
        own = self._config.instance()._replace(storage_ca=cas)
        return self._config._replace(instances=(own,), default=own)

    def asked(self) -> list[str]:
        """The RSEs that were asked for a file since the last call."""
        names = [rse for rse, storage in self.storages.items() if storage.shown]
        for storage in self.storages.values():
            storage.shown.clear()
        return names

    def sync(self, path: Path) -> SyncReport:
        return sync([path], self.config())

    def first(self, path: Path) -> tuple[str, str]:
        """The RSE that a plan names, and the reason."""
        found = estimate([path], self.config())
        (origin,) = sources(found.plan, found.order)
        return origin.rse, origin.reason


@pytest.fixture
def sites(sandbox: Sandbox, config: Config, tmp_path: Path) -> Iterator[TwoSites]:
    sites = TwoSites(sandbox, config, tmp_path)
    names, users = [f"{PREFIX}_ONE", f"{PREFIX}_TWO"], UserAuthority(tmp_path)
    with (
        noting_storage(names[0], tmp_path, users, lambda *_: sites.refusing != names[0]) as one,
        noting_storage(names[1], tmp_path, users, lambda *_: sites.refusing != names[1]) as two,
    ):
        for name, storage in zip(names, (one, two), strict=True):
            sites.add(name, storage)
        yield sites
    forget_rses(sandbox, f"{PREFIX}_")


def test_an_rse_that_failed_is_tried_last_until_that_is_forgotten(sites: TwoSites, tmp_path: Path) -> None:
    first = sites.dataset("a")
    rucios, reason = sites.first(first)
    (other,) = sites.storages.keys() - {rucios}
    assert reason == "first in Rucio's order"
    sites.refusing = rucios
    assert sites.sync(first).exit_code == 0
    assert sorted(sites.asked()) == sorted(sites.storages)

    sites.refusing = None
    second = sites.dataset("b")
    assert sites.first(second) == (other, f"first in Rucio's order; {rucios} failed recently")
    assert sites.sync(second).exit_code == 0
    assert sites.asked() == [other]

    sites.refusing = other  # it is tried again when the others fail, and is as good as before
    third = sites.dataset("c")
    assert sites.sync(third).exit_code == 0
    assert sorted(sites.asked()) == sorted(sites.storages)

    sites.refusing = None
    (tmp_path / "store" / "hosts.json").unlink()
    fourth = sites.dataset("d")
    assert sites.first(fourth) == (rucios, "first in Rucio's order")
    assert sites.sync(fourth).exit_code == 0
    assert sites.asked() == [rucios]
