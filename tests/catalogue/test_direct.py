"""What a sync asks without rucio-clients: the same questions, the same answers, and the same errors."""

from __future__ import annotations

import gzip
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import trustme

from nbrucio.catalogue import wire
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.tokens import token_file
from nbrucio.config import Instance, Policy
from nbrucio.did import Did
from nbrucio.errors import BadConfig, NbrucioError, Offline, RucioRefused
from nbrucio.sandbox import Sandbox, seed
from nbrucio.sandbox.accesslog import Request, new_requests
from tests.catalogue.conftest import Connect
from tests.catalogue.servers import LOGIN, ScriptedServer, Stall, answer, stream_head

DIMUON = Did("sandbox", "dimuon")
QUICK = Policy(connect_timeout_s=1, read_timeout_s=0.5)
ODD = ["direct/a//b", "direct/./x", "direct/../y", "/direct/lead", "direct/trail/", "direct.." + "x" * 240]
FACTS = '{"scope": "sandbox", "name": "dimuon", "type": "DATASET", "open": true}'
ROW = '{"scope": "s", "name": "one", "bytes": 1, "adler32": "00000001"}'

Ask = Callable[[RucioCatalogue, Did], object]
ASKS: dict[str, Ask] = {
    "describe": lambda catalogue, did: catalogue.describe(did),
    "files": lambda catalogue, did: list(catalogue.files(did)),
    "replicas": lambda catalogue, did: list(catalogue.replicas([did])),
}


@pytest.fixture
def logged_in(connect: Connect, instance: Instance, environ: dict[str, str]) -> Callable[..., RucioCatalogue]:
    """Opens catalogues for whose login a token is kept: the sandbox's, which is good, and any one for another host."""
    connect().describe(DIMUON)

    def open_one(policy: Policy | None = None, **changes: object) -> RucioCatalogue:
        changed = instance._replace(**changes)  # type: ignore[arg-type]
        path = token_file(changed, environ)
        if not path.exists():
            path.write_text("a-kept-token")
        return connect(policy, **changes)

    return open_one


@pytest.fixture
def by_clients(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RucioCatalogue]:
    """Opens the same catalogues for the same tokens, asked by rucio-clients only."""

    def open_one(policy: Policy | None = None, **changes: object) -> RucioCatalogue:
        catalogue = connect(policy, **changes)
        monkeypatch.setattr(catalogue, "_directly", lambda _: None)
        return catalogue

    return open_one


def _agents(requests: list[Request]) -> list[str]:
    return ["clients" if "rucio-clients" in request.agent else "direct" for request in requests]


def _at(server: ScriptedServer) -> dict[str, object]:
    return {"host": server.url, "auth_host": server.url}


# --- the same answers -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(sandbox: Sandbox) -> list[Did]:
    """Names that are a trap for what makes URLs of them."""
    dids = [Did("sandbox", name) for name in ODD]
    with sandbox.admin() as client:
        seed.add_files(client, [seed.File(did, b"odd") for did in dids], ["SANDBOX_POSIX"])
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
        assert _agents(requests) == ["direct"] * len(dids)
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
    assert _agents(requests) == expected
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
        catalogue = connect(**_at(scripted), account=account, vo="oth")
        try:
            ASKS[ask](catalogue, DIMUON)
        except RucioRefused:
            assert ask != "describe"  # the answer is one to that
    direct, clients = (_headers(head) for head in scripted.requests)
    assert "rucio-clients" in clients.pop("User-Agent")
    assert direct.pop("User-Agent").startswith("nbrucio/")
    assert "gzip" in clients.pop("Accept-Encoding")
    assert direct.pop("Accept-Encoding") == "gzip"
    assert direct == clients
    assert direct["X-Rucio-Auth-Token"] == "a-kept-token"
    first, second = scripted.bodies
    assert first == second or json.loads(first) == json.loads(second)


def _headers(head: str) -> dict[str, str]:
    first, *lines = head.split("\r\n")
    return {"": first, **dict(line.split(": ", 1) for line in lines)}


def test_an_answer_may_be_compressed(logged_in: Connect, scripted: ScriptedServer) -> None:
    packed = gzip.compress("".join(f"{ROW}\n" for _ in range(5000)).encode())
    scripted.answers = [answer(packed, Content_Encoding="gzip")]
    assert sum(1 for _ in logged_in(**_at(scripted)).files(DIMUON)) == 5000
    assert len(scripted.requests) == 1


def test_rows_may_come_in_any_pieces(logged_in: Connect, scripted: ScriptedServer) -> None:
    row = ROW.replace("one", "sn☃w").encode()
    body = row + b"\r\n\n" + row + b"\n" + row
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    scripted.answers = [stream_head() + pieces]
    assert len(list(logged_in(**_at(scripted)).files(DIMUON))) == 3
    assert len(scripted.requests) == 1


_MODULES = """
import sys
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Credentials, Instance
from nbrucio.did import Did
host, user, password = sys.argv[1:]
instance = Instance('i', 'i', host, host, 'userpass', user, Credentials(user, password))
catalogue, did = RucioCatalogue(instance), Did('sandbox', 'dimuon')
catalogue.describe(did)
print(len(list(catalogue.replicas([entry.did for entry in catalogue.files(did)]))))
catalogue.close()
print([name for name in ("rucio", "requests", "urllib3", "importlib.metadata") if name in sys.modules])
"""


def test_a_kept_token_saves_loading_rucio_clients(sandbox: Sandbox, instance: Instance, tmp_path: Path) -> None:
    login = instance.credentials
    arguments = [sys.executable, "-W", "error", "-c", _MODULES, instance.host, str(login.username), str(login.password)]
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    environ.pop("XDG_RUNTIME_DIR", None)
    for loaded in ("['rucio', 'requests', 'urllib3', 'importlib.metadata']", "[]"):
        with new_requests(sandbox.access_log) as requests:
            done = subprocess.run(arguments, env=environ, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == f"4\n{loaded}\n"
    assert len(requests) == 3


def test_offline_means_no_request_though_a_token_is_kept(sandbox: Sandbox, logged_in: Connect) -> None:
    with new_requests(sandbox.access_log) as requests:
        for ask in ASKS.values():
            with pytest.raises(Offline, match="works offline"):
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
    assert logged_in(**_at(scripted)).describe(DIMUON).open
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
    assert logged_in(**_at(scripted)).describe(DIMUON).open
    assert ["rucio-clients" in head for head in scripted.requests] == [False, False, True]


def test_a_redirect_takes_the_token_nowhere(logged_in: Connect, scripted: ScriptedServer) -> None:
    with ScriptedServer([LOGIN]) as elsewhere:
        scripted.answers = [answer("", status="307 Away", Location=elsewhere.url)]
        with pytest.raises(RucioRefused):
            logged_in(**_at(scripted)).describe(DIMUON)
        assert elsewhere.requests == []


def test_a_refused_token_is_tried_once_and_replaced(
    logged_in: Connect, scripted: ScriptedServer, instance: Instance, environ: dict[str, str]
) -> None:
    scripted.answers = [answer("", status="401 Unauthorized"), LOGIN, answer(FACTS)]
    catalogue = logged_in(**_at(scripted))
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
def test_a_proxy_is_left_to_rucio_clients(
    logged_in: Connect, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scripted.answers = [answer(FACTS)]
    monkeypatch.setenv(name, scripted.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert logged_in(host="http://rucio.invalid", auth_host="http://rucio.invalid").describe(DIMUON).open
    logged_in(**_at(scripted)).describe(DIMUON)
    assert scripted.requests[0].startswith("GET http://rucio.invalid/dids/sandbox/dimuon ")
    assert ["rucio-clients" in head for head in scripted.requests] == [True, False]


def test_a_path_before_rucios_own_is_sent_unless_libraries_differ_about_it(
    logged_in: Connect, scripted: ScriptedServer
) -> None:
    scripted.answers = [answer(FACTS)]
    for path in ("/rucio", "/a/../rucio"):
        url = scripted.url + path
        assert logged_in(host=url, auth_host=url).describe(DIMUON).open
    assert ["rucio-clients" in head for head in scripted.requests] == [False, True]
    assert {head.split()[1] for head in scripted.requests} == {"/rucio/dids/sandbox/dimuon"}


def test_a_bearer_token_goes_before_the_kept_one(
    logged_in: Connect, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEARER_TOKEN", "a-bearer-token")
    scripted.answers = [answer(FACTS)]
    logged_in(**_at(scripted), auth_type="oidc").describe(DIMUON)
    assert [_headers(head)["X-Rucio-Auth-Token"] for head in scripted.requests] == ["a-bearer-token"]


# --- the same errors --------------------------------------------------------------------------------------------------


def _error(catalogue: RucioCatalogue, ask: str) -> tuple[str, ...]:
    with pytest.raises(NbrucioError) as caught:
        ASKS[ask](catalogue, DIMUON)
    error = caught.value
    return type(error).__name__, str(error), str(error.subject), str(error.hint), str(error.next_command)


PACKED_HEAD = stream_head().replace(b"Transfer", b"Content-Encoding: gzip\r\nTransfer")


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def _begun_gzip(content: bytes) -> bytes:
    pack = zlib.compressobj(wbits=31)
    return pack.compress(content) + pack.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    "reply",
    [
        Stall(stream_head(ROW)),
        stream_head(ROW),
        answer(f"{ROW}\n{HTML}\n"),
        answer(f"{ROW}\n".encode() + b"\xff\xfe"),
        answer(f"{ROW}\n3\n"),
        answer(f'{ROW}\n{{"scope": "s"}}\n'),
        PACKED_HEAD + _chunk(_begun_gzip(f"{ROW}\n".encode())) + _chunk(b"no gzip"),
        stream_head(ROW) + b"zz\r\n",
    ],
    ids=["silence", "cut", "html", "no text", "no row", "no name", "packed badly", "no chunk"],
)
def test_what_goes_wrong_after_rows_is_the_same_error(
    logged_in: Connect, by_clients: Connect, scripted: ScriptedServer, reply: bytes | Stall
) -> None:
    scripted.answers = [reply]
    errors = []
    for connect in (logged_in, by_clients):
        files = connect(QUICK, **_at(scripted)).files(DIMUON)
        assert next(files).did == Did("s", "one")
        errors.append(_error_of(files))
    assert errors[0] == errors[1]
    assert len(scripted.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        answer(f"{ROW}\n{ROW}\n", Content_Length="1000"),
        answer(_begun_gzip(f"{ROW}\n".encode()), Content_Encoding="gzip"),
        answer(gzip.compress(f"{ROW}\n".encode()) * 2, Content_Encoding="gzip"),
    ],
    ids=["short", "packed and cut", "packed twice"],
)
def test_an_answer_that_is_cut_off_is_never_a_short_list(
    logged_in: Connect, scripted: ScriptedServer, reply: bytes
) -> None:
    # urllib3 1.26, unlike 2, lets some of these pass.
    scripted.answers = [reply]
    files = logged_in(**_at(scripted)).files(DIMUON)
    next(files)
    assert "its answer broke off" in _error_of(files)[1]


def _error_of(files: Iterator[object]) -> tuple[str, ...]:
    with pytest.raises(NbrucioError) as caught:
        list(files)
    error = caught.value
    return type(error).__name__, str(error), str(error.subject), str(error.hint), str(error.next_command)


@pytest.mark.parametrize("ask", list(ASKS))
def test_a_server_that_cannot_be_reached_is_asked_as_often_and_told_in_the_same_words(
    logged_in: Connect, by_clients: Connect, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    tried: list[object] = []
    connect = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda *args: (tried.append(args), connect(*args))[1])
    error = _error(logged_in(host=url, auth_host=url), ask)
    assert len(tried) == 2
    assert error == _error(by_clients(host=url, auth_host=url), ask)
    assert "no connection." in error[1]


@pytest.mark.parametrize("ask", list(ASKS))
@pytest.mark.parametrize("after", [b"", stream_head()], ids=["no head", "no row"])
def test_a_silent_server_is_waited_for_once(
    logged_in: Connect, by_clients: Connect, scripted: ScriptedServer, after: bytes, ask: str
) -> None:
    scripted.answers = [Stall(after)]
    began = time.monotonic()
    error = _error(logged_in(Policy(connect_timeout_s=60, read_timeout_s=0.5), **_at(scripted)), ask)
    assert time.monotonic() - began < 30
    assert len(scripted.requests) == 1
    assert error == _error(by_clients(QUICK, **_at(scripted)), ask)
    assert "stopped answering" in error[1]


def test_a_server_that_does_not_accept_is_given_up(logged_in: Connect, by_clients: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        changes = dict.fromkeys(("host", "auth_host"), f"http://127.0.0.1:{address[1]}")
        policy = Policy(connect_timeout_s=0.3, read_timeout_s=0.3)
        error = _error(logged_in(policy, **changes), "describe")
        assert error == _error(by_clients(policy, **changes), "describe")
        for each in waiting:
            each.close()
    assert "within the time allowed" in error[1]


# --- connections ------------------------------------------------------------------------------------------------------


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[HTTPConnection]:
    """The connections that are made, once for each time."""
    made: list[HTTPConnection] = []

    class Counted(HTTPConnection):
        def connect(self) -> None:
            made.append(self)
            super().connect()

    monkeypatch.setattr(wire, "HTTPConnection", Counted)
    return made


def test_one_connection_serves_all_questions(logged_in: Connect, connects: list[HTTPConnection]) -> None:
    catalogue = logged_in()
    for _ in range(2):
        for ask in ASKS.values():
            ask(catalogue, DIMUON)
    assert len(connects) == 1
    catalogue.close()
    catalogue.describe(DIMUON)
    assert len(connects) == 2


def test_a_connection_whose_answer_is_not_read_to_its_end_is_not_used_again(
    logged_in: Connect, connects: list[HTTPConnection]
) -> None:
    catalogue = logged_in()
    files = catalogue.files(DIMUON)
    next(files)
    del files
    assert catalogue.describe(DIMUON).files == 4
    assert len(connects) == 2


def test_a_kept_connection_that_the_server_closed_is_made_anew(
    logged_in: Connect, scripted: ScriptedServer, connects: list[HTTPConnection]
) -> None:
    scripted.answers = [answer(FACTS, Connection="keep-alive")]
    catalogue = logged_in(**_at(scripted))
    for number in (1, 2, 3):
        assert catalogue.describe(DIMUON).open
        assert (len(connects), len(scripted.requests)) == (number, number)
    assert not any("rucio-clients" in head for head in scripted.requests)


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
    assert _agents(requests) == ["direct"] * 60


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
        with pytest.raises(Offline, match="certificate cannot be verified"):
            logged_in(**_at(server), ca_cert=wrong).describe(DIMUON)
    with pytest.raises(BadConfig, match="CA certificate"):
        logged_in(**_at(server), ca_cert=tmp_path / "gone.pem").describe(DIMUON)
    assert server.requests == []
    assert logged_in(**_at(server), ca_cert=ca).describe(DIMUON).open
    for name in names:
        monkeypatch.setenv(name, str(ca))
        assert logged_in(**_at(server), ca_cert=None).describe(DIMUON).open
        monkeypatch.delenv(name)
    assert len(server.requests) == 3
    assert not any("rucio-clients" in head for head in server.requests)


def test_a_certificate_for_another_host_is_refused(logged_in: Connect, encrypted: tuple[ScriptedServer, Path]) -> None:
    server, ca = encrypted
    url = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Offline):
        logged_in(host=url, auth_host=url, ca_cert=ca).describe(DIMUON)
    assert server.requests == []
