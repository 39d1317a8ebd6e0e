"""What a sync asks without rucio-clients: the same questions and answers, and what is left to rucio-clients."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Instance, Policy
from nbrucio.core.did import Did
from nbrucio.errors import NbrucioError, Offline, RucioRefused
from nbrucio.sandbox import Sandbox, seed
from tests.catalogue.conftest import Connect
from tests.support.access_log import new_requests
from tests.support.scripted_server import LOGIN, ScriptedServer, answer, stream_head
from tests.support.sync_questions import ASKS, DIMUON, FACTS, ROW, agents, at, headers

ODD = ["direct/a//b", "direct/./x", "direct/../y", "/direct/lead", "direct/trail/", "direct.." + "x" * 240]


@pytest.fixture(scope="module")
def odd(sandbox: Sandbox) -> list[Did]:
    """Names that are a trap for what makes URLs of them."""
    dids = [Did("sandbox", name) for name in ODD]
    with sandbox.admin() as client:
        seed.add_files(client, [seed.NewFile(did, b"odd") for did in dids], ["SANDBOX_POSIX"])
        seed.add_dataset(client, "sandbox", "direct.odd", dids, closed=True)
    return dids


def test_answers_are_those_of_rucio_clients(
    sandbox: Sandbox, logged_in: Connect, by_clients: Connect, odd: list[Did]
) -> None:
    dids = [*odd, Did("sandbox", "direct.odd"), DIMUON, Did("sandbox", "growing"), Did("sandbox", "muons")]
    direct, clients = logged_in(), by_clients()
    for ask in ASKS.values():
        with new_requests(sandbox.access_log) as requests:
            answers = [ask(direct, did) for did in dids]
        assert agents(requests) == ["direct"] * len(dids)
        with new_requests(sandbox.access_log) as same:
            assert [ask(clients, did) for did in dids] == answers
        assert [request.path for request in requests] == [request.path for request in same]
        assert all(answers)


@pytest.mark.parametrize(
    "name", ["a b+c", "what?#%2e+;&é", "100%25", "~tilde", "ünï/é", "x:y@z", "a//..//b", "'\"<>|\\^`"]
)
@pytest.mark.parametrize("ask", list(ASKS))
def test_names_reach_the_server_as_from_rucio_clients(
    sandbox: Sandbox, logged_in: Connect, ask: str, name: str
) -> None:
    did = Did("sandbox", name)
    with new_requests(sandbox.access_log) as requests:
        try:
            assert not ASKS[ask](logged_in(), did)  # replicas of what is unknown are none
            expected = ["direct"]
        except NbrucioError:  # unknown, or more than this server can take
            expected = ["direct", "clients"]
    assert sorted(agents(requests)) == sorted(expected)  # the server's threads write its log in any order
    assert len({request.path for request in requests}) == 1


@pytest.mark.parametrize("site", [None, "CERN-PROD"])
@pytest.mark.parametrize("account", ["somebody", None])
@pytest.mark.parametrize("ask", list(ASKS))
def test_what_is_sent_is_what_rucio_clients_sends(
    logged_in: Connect,
    by_clients: Connect,
    environ: dict[str, str],
    scripted: ScriptedServer,
    ask: str,
    account: str | None,
    site: str | None,
) -> None:
    environ.update({"SITE_NAME": site} if site else {})
    scripted.answers = [answer(FACTS)]
    for connect in (logged_in, by_clients):
        catalogue = connect(**at(scripted), account=account, vo="oth")
        try:
            ASKS[ask](catalogue, DIMUON)
        except RucioRefused:
            assert ask != "describe"  # the answer is one to that
    direct, clients = (headers(head) for head in scripted.requests)
    assert "rucio-clients" in clients.pop("User-Agent")
    assert direct.pop("User-Agent").startswith("nbrucio/")
    assert "gzip" in clients.pop("Accept-Encoding")
    assert direct.pop("Accept-Encoding") == "gzip"
    assert direct == clients
    assert direct["X-Rucio-Auth-Token"] == "a-kept-token"
    first, second = scripted.bodies
    assert first == second or json.loads(first) == json.loads(second)


def test_an_answer_may_be_compressed(logged_in: Connect, scripted: ScriptedServer) -> None:
    packed = gzip.compress("".join(f"{ROW}\n" for _ in range(5000)).encode())
    scripted.answers = [answer(packed, Content_Encoding="gzip")]
    assert sum(1 for _ in logged_in(**at(scripted)).files(DIMUON)) == 5000
    assert len(scripted.requests) == 1


def test_rows_may_come_in_any_pieces(logged_in: Connect, scripted: ScriptedServer) -> None:
    row = ROW.replace("one", "sn☃w").encode()
    body = row + b"\r\n\n" + row + b"\n" + row
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    scripted.answers = [stream_head() + pieces]
    assert len(list(logged_in(**at(scripted)).files(DIMUON))) == 3
    assert len(scripted.requests) == 1


_MODULES = """
import sys
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Credentials, Instance
from nbrucio.core.did import Did
host, user, password = sys.argv[1:]
instance = Instance('i', 'i', host, host, 'userpass', user, Credentials(user, password))
catalogue, did = RucioCatalogue(instance), Did('sandbox', 'dimuon')
catalogue.describe(did)
print(len(list(catalogue.replicas([entry.did for entry in catalogue.files(did)]))))
catalogue.close()
print([name for name in ("rucio", "requests") if name in sys.modules])
"""


def test_a_kept_token_saves_loading_rucio_clients(sandbox: Sandbox, instance: Instance, tmp_path: Path) -> None:
    login = instance.credentials
    arguments = [sys.executable, "-W", "error", "-c", _MODULES, instance.host, str(login.username), str(login.password)]
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    environ.pop("XDG_RUNTIME_DIR", None)
    for loaded in ("['rucio', 'requests']", "[]"):
        with new_requests(sandbox.access_log) as requests:
            done = subprocess.run(arguments, env=environ, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == f"4\n{loaded}\n"
    assert len(requests) == 3


def test_offline_means_no_request_though_a_token_is_kept(sandbox: Sandbox, logged_in: Connect) -> None:
    with new_requests(sandbox.access_log) as requests:
        for ask in ASKS.values():
            with pytest.raises(Offline, match="nbrucio is offline"):
                ask(logged_in(Policy(offline=True)), DIMUON)
    assert requests == []


# --- what is left to rucio-clients ------------------------------------------------------------------------------------

HTML = "<html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    "reply",
    [
        answer(HTML, kind="text/html"),
        answer(FACTS, kind="text/plain"),
        answer(HTML),
        answer(HTML, kind="application/json"),
        answer("", kind="application/json"),
        answer(""),
        answer(FACTS, status="201 Created"),
        answer("", status="302 Found", Location="http://elsewhere.invalid/"),
        answer(HTML, status="404 Not Found", kind="text/html"),
        answer('{"ExceptionClass": "DatabaseException"}', status="500 Fault"),
        answer(FACTS, Content_Encoding="br"),
        answer(FACTS, Content_Encoding="gzip"),
        answer(gzip.compress(FACTS.encode())[:-1], Content_Encoding="gzip"),
        answer(FACTS, kind="application/json", Content_Length="1000"),
        answer(FACTS, Content_Length="1000"),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-json-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        answer(gzip.compress(b"") + gzip.compress(FACTS.encode()), Content_Encoding="gzip"),
    ],
    ids=range(17),
)
def test_what_is_no_success_is_asked_again_by_rucio_clients(
    logged_in: Connect, scripted: ScriptedServer, reply: bytes
) -> None:
    scripted.answers = [reply, answer(FACTS)]
    assert logged_in(**at(scripted)).describe(DIMUON).open
    assert ["rucio-clients" in head for head in scripted.requests] == [False, True]
    assert len({head.partition("\r\n")[0] for head in scripted.requests}) == 1


@pytest.mark.parametrize(
    "reply",
    [b"SSH-2.0-OpenSSH_9\r\n", b"", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"],
    ids=["no HTTP", "nothing", "too much"],
)
def test_what_breaks_twice_is_asked_again_by_rucio_clients(
    logged_in: Connect, scripted: ScriptedServer, reply: bytes
) -> None:
    scripted.answers = [reply, reply, answer(FACTS)]
    assert logged_in(**at(scripted)).describe(DIMUON).open
    assert ["rucio-clients" in head for head in scripted.requests] == [False, False, True]


def test_a_redirect_takes_the_token_nowhere(logged_in: Connect, scripted: ScriptedServer) -> None:
    with ScriptedServer([LOGIN]) as elsewhere:
        scripted.answers = [answer("", status="307 Away", Location=elsewhere.url)]
        with pytest.raises(RucioRefused):
            logged_in(**at(scripted)).describe(DIMUON)
        assert elsewhere.requests == []


def test_a_refused_token_is_tried_once_and_replaced(
    logged_in: Connect, scripted: ScriptedServer, instance: Instance, environ: dict[str, str]
) -> None:
    scripted.answers = [answer("", status="401 Unauthorized"), LOGIN, answer(FACTS)]
    catalogue = logged_in(**at(scripted))
    assert catalogue.describe(DIMUON).open
    assert [head.split()[1] for head in scripted.requests] == [
        "/dids/sandbox/dimuon",
        "/auth/userpass",
        "/dids/sandbox/dimuon",
    ]
    assert token_file(instance._replace(host=scripted.url, auth_host=scripted.url), environ).read_text() == (
        "a-fresh-token"
    )
    catalogue.describe(DIMUON)
    assert "rucio-clients" in scripted.requests[-1]  # it is here now, with a connection of its own


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.parametrize("past", ["127.0.0.1", "127.0.0.0/8"])
def test_a_proxy_of_the_environment_is_used_as_by_rucio_clients(
    logged_in: Connect,
    by_clients: Connect,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    past: str,
) -> None:
    scripted.answers = [answer(FACTS)]
    monkeypatch.setenv(name, scripted.url.replace("//", "//some%20body:pass@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    changes = {"host": "http://rucio.invalid", "auth_host": "http://rucio.invalid"}
    assert logged_in(**changes).describe(DIMUON).open
    by_clients(**changes).describe(DIMUON)
    direct, clients = (headers(head) for head in scripted.requests)
    assert direct[""] == clients[""] == "GET http://rucio.invalid/dids/sandbox/dimuon HTTP/1.1"
    lower = [{key.lower(): value for key, value in head.items()} for head in (direct, clients)]
    assert lower[0]["proxy-authorization"] == lower[1]["proxy-authorization"] == "Basic c29tZSBib2R5OnBhc3M="
    monkeypatch.setenv("no_proxy", f"else.where,{past}")
    logged_in(**at(scripted)).describe(DIMUON)
    assert headers(scripted.requests[-1])[""] == "GET /dids/sandbox/dimuon HTTP/1.1"
    assert ["rucio-clients" in head for head in scripted.requests] == [False, True, False]


def test_a_path_before_rucios_own_is_sent_unless_libraries_differ_about_it(
    logged_in: Connect, scripted: ScriptedServer
) -> None:
    scripted.answers = [answer(FACTS)]
    for path in ("/rucio", "/a/../rucio"):
        url = scripted.url + path
        assert logged_in(host=url, auth_host=url).describe(DIMUON).open
    assert ["rucio-clients" in head for head in scripted.requests] == [False, True]
    assert {head.split()[1] for head in scripted.requests} == {"/rucio/dids/sandbox/dimuon"}


def test_a_supplied_token_goes_before_the_kept_one(
    logged_in: Connect, issued: ScriptedServer, oidc: dict[str, object], environ: dict[str, str]
) -> None:
    environ["BEARER_TOKEN"] = "a-bearer-token"
    issued.answers = [answer(FACTS)]
    logged_in(**oidc).describe(DIMUON)
    assert [headers(head)["X-Rucio-Auth-Token"] for head in issued.requests] == ["a-bearer-token"]
    assert "rucio-clients" not in issued.requests[0]
