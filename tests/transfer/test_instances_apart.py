"""No credential for the storage of one instance reaches that of another, however their requests are interleaved."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from nbrucio.config import Config, Credentials, Instance
from nbrucio.core.did import Did
from nbrucio.core.events import SilentReporter
from nbrucio.core.files import FileEntry, Replica
from nbrucio.errors import TransferFailed
from nbrucio.pipeline.download import transfer_limits
from nbrucio.pipeline.storage_access import storage_access
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import Outcome, Task
from tests.catalogue.jwts import jwt
from tests.support.certificates import UserAuthority
from tests.support.noting_storage import CONTENT, NotingStorage, noting_storage

REQUESTS = 1000
NAMES = ("a", "b")


class Site(NamedTuple):
    """One instance with its storage, and its user's token and proxy there."""

    storage: NotingStorage
    instance: Instance
    token: str
    proxy: Path

    def shown(self) -> tuple[str, bytes]:
        """What its storage must be shown: the token, and the first certificate of the proxy."""
        begin = self.proxy.read_text().partition("-----END CERTIFICATE-----")
        return f"Bearer {self.token}", ssl.PEM_cert_to_DER_cert(f"{begin[0]}{begin[1]}\n")


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[dict[str, Site]]:
    users = UserAuthority(tmp_path)
    with ExitStack() as running:
        found = {}
        for name in NAMES:
            storage = running.enter_context(noting_storage(name, tmp_path, users))
            proxy = users.proxy(f"proxy-{name}")
            instance = Instance(
                name,
                name,
                f"https://{name}.example",
                f"https://{name}.example",
                "x509_proxy",
                f"account-{name}",
                Credentials(client_proxy=proxy),
                storage_ca=storage.ca,
                storage_token_env=f"TOKEN_{name.upper()}",
                traces=False,
            )
            found[name] = Site(storage, instance, jwt(sub=name), proxy)
        yield found


def _fetched(sites: dict[str, Site], tasks: list[Task], folder: Path) -> tuple[Outcome, ...]:
    instances = tuple(site.instance for site in sites.values())
    config = Config(instances, instances[0], folder / "store")
    # One environment for all, as a user has it.
    environ = {f"TOKEN_{name.upper()}": site.token for name, site in sites.items()}
    access = {name: storage_access(config, name, environ) for name in sites}
    return fetch(tasks, Store(config.store_path), access, SilentReporter(), limits=transfer_limits(config.policy))


def _task(name: str, number: int, url: str) -> Task:
    did = Did(f"scope-{name}", f"file-{number}")
    return Task(name, FileEntry(did, len(CONTENT)), (Replica("RSE", f"{url}/{name}/{number}"),))


@pytest.mark.parametrize("at_one_host", [False, True])
def test_a_thousand_interleaved_downloads_of_two_instances_are_not_mixed(
    sites: dict[str, Site], tmp_path: Path, at_one_host: bool
) -> None:
    if at_one_host:  # as two accounts of one user have it
        shared = sites["a"].storage
        sites["b"] = Site(shared, sites["b"].instance._replace(storage_ca=shared.ca), *sites["b"][2:])
    tasks = [_task(NAMES[number % 2], number, sites[NAMES[number % 2]].storage.url) for number in range(REQUESTS)]
    outcomes = _fetched(sites, tasks, tmp_path)
    assert [outcome.error for outcome in outcomes if outcome.error is not None] == []
    for name, site in sites.items():
        own = [(path, shown) for path, *shown in site.storage.shown if path.split("/")[1] == name]
        # A file that was interrupted is asked for again.
        assert len({path for path, _ in own}) == REQUESTS // 2
        assert [path for path, shown in own if shown != list(site.shown())] == []
        assert len({path for path, *_ in site.storage.shown}) == REQUESTS // (1 if at_one_host else 2)
    assert sites["a"].shown() != sites["b"].shown()


def test_the_ca_of_one_storage_does_not_vouch_for_another(sites: dict[str, Site], tmp_path: Path) -> None:
    """A catalogue that names the host of another instance's storage gets no credential there."""
    crossed = [_task("a", 0, sites["b"].storage.url), _task("a", 1, sites["a"].storage.url)]
    outcomes = {outcome.task.entry.did.name: outcome for outcome in _fetched(sites, crossed, tmp_path)}
    assert isinstance(outcomes["file-0"].error, TransferFailed)
    assert "certificate cannot be verified" in str(outcomes["file-0"].error)
    assert outcomes["file-1"].error is None
    assert sites["b"].storage.shown == []
