"""The connections to a Rucio server."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from nbrucio.errors import BadConfig, Offline
from nbrucio.http import paced
from nbrucio.sandbox import Sandbox
from tests.catalogue.conftest import Connect
from tests.support.access_log import new_requests
from tests.support.scripted_server import ScriptedServer, answer
from tests.support.sync_questions import ASKS, DIMUON, FACTS, at


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The connections that are made, once for each time."""
    made: list[object] = []
    kind = paced.POOLS["http"].ConnectionCls
    connect = kind.connect
    monkeypatch.setattr(kind, "connect", lambda connection: (made.append(connection), connect(connection))[1])
    return made


def test_one_connection_serves_all_questions(logged_in: Connect, connects: list[object]) -> None:
    catalogue = logged_in()
    for _ in range(2):
        for ask in ASKS.values():
            ask(catalogue, DIMUON)
    assert len(connects) == 1
    catalogue.close()
    catalogue.describe(DIMUON)
    assert len(connects) == 2


def test_a_connection_whose_answer_is_not_read_to_its_end_is_not_used_again(
    logged_in: Connect, connects: list[object]
) -> None:
    catalogue = logged_in()
    files = catalogue.files(DIMUON)
    next(files)
    del files
    assert catalogue.describe(DIMUON).files == 4
    assert len(connects) == 2


def test_a_kept_connection_that_the_server_closed_is_made_anew(
    logged_in: Connect, scripted: ScriptedServer, connects: list[object]
) -> None:
    scripted.answers = [answer(FACTS, Connection="keep-alive")]
    catalogue = logged_in(**at(scripted))
    for number in (1, 2, 3):
        assert catalogue.describe(DIMUON).open
        assert (len(connects), len(scripted.requests)) == (number, number)


def test_threads_may_share_a_catalogue(sandbox: Sandbox, logged_in: Connect) -> None:
    catalogue = logged_in()
    expected = [ask(catalogue, DIMUON) for ask in ASKS.values()]
    seen: list[object] = []

    def work() -> None:
        seen.extend([ask(catalogue, DIMUON) for ask in ASKS.values()] for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    with new_requests(sandbox.access_log) as requests:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [expected] * 20
    assert len(requests) == 60


# --- certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[ScriptedServer, Path]]:
    """A server that speaks TLS, and the CA that vouches for it."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with ScriptedServer([answer(FACTS)], tls=context) as server:
        yield server, tmp_path / "ca.pem"


def test_a_certificate_needs_a_ca_that_vouches_for_it(
    logged_in: Connect,
    encrypted: tuple[ScriptedServer, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, ca = encrypted
    names = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")
    for wrong in (None, tmp_path / "another.pem"):
        with pytest.raises(Offline, match="signed by an unknown CA"):
            logged_in(**at(server), ca_cert=wrong).describe(DIMUON)
    with pytest.raises(BadConfig, match=r"gone\.pem cannot be read"):
        logged_in(**at(server), ca_cert=tmp_path / "gone.pem").describe(DIMUON)
    assert server.requests == []
    assert logged_in(**at(server), ca_cert=ca).describe(DIMUON).open
    for name in names:
        monkeypatch.setenv(name, str(ca))
        assert logged_in(**at(server), ca_cert=None).describe(DIMUON).open
        monkeypatch.delenv(name)
    assert len(server.requests) == 3


def test_a_certificate_for_another_host_is_refused(logged_in: Connect, encrypted: tuple[ScriptedServer, Path]) -> None:
    server, ca = encrypted
    url = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Offline, match="its TLS certificate is for another host"):
        logged_in(host=url, auth_host=url, ca_cert=ca).describe(DIMUON)
    assert server.requests == []
