"""Nothing of one instance reaches the server of another, however their requests are interleaved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbrucio.catalogue.rucio import Catalogues
from nbrucio.config import Config, Credentials, Instance
from nbrucio.errors import Offline
from tests.support.sync_questions import DIMUON
from tests.support.two_rucios import NotingRucio, noting_rucio

CALLS = 1000


def _instance(name: str, server: NotingRucio) -> Instance:
    login = Credentials(f"user-{name}", f"password-{name}")
    return Instance(
        name, name, server.url, server.url, "userpass", f"account-{name}", login, f"vo{name}", ca_cert=server.ca
    )


@pytest.mark.real
def test_a_thousand_interleaved_calls_of_two_instances_are_not_mixed(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "X509_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with noting_rucio("a", tmp_path) as first, noting_rucio("b", tmp_path) as second:
        servers = {"a": first, "b": second}
        instances = tuple(_instance(name, server) for name, server in servers.items())
        catalogues = Catalogues(Config(instances, instances[0], tmp_path), environ)
        with ThreadPoolExecutor(8) as pool:
            names = [("a", "b")[number % 2] for number in range(CALLS)]
            assert all(pool.map(lambda name: catalogues.open(name).describe(DIMUON).open, names))
        catalogues.close()
        for name, server in servers.items():
            assert server.logins == [(f"user-{name}", f"account-{name}", f"vo{name}")]
            assert server.shown == [(f"token-of-{name}", f"account-{name}", f"vo{name}")] * (CALLS // 2)


def test_the_ca_of_one_instance_does_not_vouch_for_another(tmp_path: Path, environ: dict[str, str]) -> None:
    with noting_rucio("a", tmp_path) as first, noting_rucio("b", tmp_path) as second:
        good, wrong = _instance("a", first), _instance("b", second)._replace(ca_cert=first.ca)
        catalogues = Catalogues(Config((good, wrong), good, tmp_path), environ)
        assert catalogues.open("a").describe(DIMUON).open
        with pytest.raises(Offline, match="signed by an unknown CA"):
            catalogues.open("b").describe(DIMUON)
        catalogues.close()
        assert (second.logins, second.shown) == ([], [])
