"""Everything that a server, a network or rucio-clients can do wrong becomes an error of our tree."""

from __future__ import annotations

import errno
import inspect
import json
import os
import socket
import time
import tracemalloc
from pathlib import Path

import pytest
from rucio.common import exception as rucio_exceptions

from nbrucio.catalogue.errors import BY_NAME, ServerRefusal, error_for, translate_errors
from nbrucio.config import Credentials, Instance, Policy
from nbrucio.core.did import Did
from nbrucio.errors import (
    BadConfig,
    CredentialsRejected,
    NbrucioError,
    NoSpace,
    Offline,
    RucioRefused,
    Unavailable,
    UnreadableFile,
)
from nbrucio.sandbox import Sandbox
from tests.catalogue.conftest import Connect
from tests.support.scripted_server import LOGIN, ScriptedServer, Stall, answer, stream_head

DID = Did("sandbox", "dimuon")
HERE = Instance("here", "here.example", "http://here.example", "http://here.example", "userpass")
QUICK = Policy(connect_timeout_s=1, read_timeout_s=0.5)
RUCIOS = [
    kind
    for _, kind in inspect.getmembers(rucio_exceptions, inspect.isclass)
    if issubclass(kind, rucio_exceptions.RucioException)
]


# --- the boundary
# ---------------------------------------------------------------------------------------------------------


def test_every_name_of_an_error_is_one_of_rucios() -> None:
    assert len(RUCIOS) > 100
    assert set(BY_NAME) <= {kind.__name__ for kind in RUCIOS}


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (OSError(28, "No space left on device"), NoSpace),
        (ConnectionResetError(104, "Connection reset by peer"), Offline),
        (ServerRefusal("", "", 401), CredentialsRejected),
        (ServerRefusal("", "", 403), CredentialsRejected),
        (ServerRefusal("", "busy", 503), Offline),
        (ServerRefusal("", "", 404), RucioRefused),
        (ServerRefusal("os.system", "rm", 500), RucioRefused),
        (KeyError("x-rucio-auth-token"), RucioRefused),
        (json.JSONDecodeError("no", "<html>", 0), RucioRefused),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), RucioRefused),
    ],
)
def test_what_the_lower_libraries_raise_becomes_ours(error: Exception, ours: type[NbrucioError]) -> None:
    with pytest.raises(NbrucioError) as caught, translate_errors(HERE, "s:n"):
        raise error
    assert type(caught.value) is ours


@pytest.mark.parametrize(
    ("number", "ours"),
    [
        (errno.ENOSPC, NoSpace),
        (errno.EACCES, UnreadableFile),
        (errno.EROFS, UnreadableFile),
        (errno.EIO, Unavailable),
        (errno.ENOENT, Unavailable),
    ],
)
def test_an_error_of_a_local_file_names_it_and_not_the_server(number: int, ours: type[NbrucioError]) -> None:
    with pytest.raises(NbrucioError) as caught, translate_errors(HERE):
        raise OSError(number, os.strerror(number), "/tmp/x")
    assert (type(caught.value), caught.value.subject) == (ours, "/tmp/x")
    assert str(caught.value).startswith("/tmp/x cannot be ")


def test_an_error_without_a_file_is_one_of_the_connection() -> None:
    for error in (OSError(errno.ENOENT, "no such file"), OSError(errno.ENETUNREACH, "unreachable"), OSError("words")):
        assert isinstance(error_for(error, HERE), Offline)
    assert isinstance(error_for(OSError(errno.EMFILE, "too many open files"), HERE), Unavailable)


def test_our_own_faults_are_not_disguised() -> None:
    with pytest.raises(AttributeError), translate_errors(HERE):
        raise AttributeError("a bug")


def test_a_servers_words_are_made_safe_to_show() -> None:
    error = error_for(ServerRefusal("InvalidObject", "bad\n\x1b[31m" + "x" * 500, 400), HERE)
    assert str(error).isprintable()
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("auth_type", "password", "has_command"),
    [
        ("userpass", None, True),
        ("userpass", "configured", False),  # the same password would be refused again
        ("x509_proxy", None, True),
        ("gss", None, True),
        ("oidc", None, True),
        ("x509", None, False),
        ("ssh", None, False),
    ],
)
def test_a_refused_login_says_what_helps(auth_type: str, password: str | None, has_command: bool) -> None:
    instance = Instance("my here", "here", "http://h", "http://h", auth_type, credentials=Credentials("me", password))
    error = error_for(ServerRefusal("CannotAuthenticate", "no", 401), instance)
    assert error.hint
    assert error.next_command == ("nbrucio login 'my here'" if has_command else None)


# --- servers that are down, slow or something else --------------------------------------------------------------------


def test_a_server_that_is_down_is_told_quickly(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    start = time.monotonic()
    message = r"sandbox \(http://127.0.0.1:\d+\) cannot be reached: no connection"
    with pytest.raises(Offline, match=message) as caught:
        connect(host=url, auth_host=url).describe(DID)
    assert "nbrucio sandbox start" in (caught.value.hint or "")
    assert time.monotonic() - start < 10


def test_a_server_that_accepts_and_stays_silent_is_given_up(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [Stall()]
    start = time.monotonic()
    with pytest.raises(Offline, match="it stopped answering"):
        connect(QUICK, host=scripted.url, auth_host=scripted.url).describe(DID)
    assert time.monotonic() - start < 10


def test_rows_are_given_on_as_they_come_and_silence_after_them_is_given_up(
    connect: Connect, scripted: ScriptedServer
) -> None:
    row = json.dumps({"scope": "s", "name": "one", "bytes": 1, "adler32": "00000001"})
    scripted.answers = [LOGIN, Stall(stream_head(row))]
    files = connect(QUICK, host=scripted.url, auth_host=scripted.url).files(DID)
    assert next(files).did == Did("s", "one")
    with pytest.raises(Offline, match="cannot be reached"):
        next(files)


def test_an_answer_that_is_cut_off_is_an_error_not_a_short_list(connect: Connect, scripted: ScriptedServer) -> None:
    row = json.dumps({"scope": "s", "name": "one", "bytes": 1})
    scripted.answers = [LOGIN, stream_head(row)]
    files = connect(host=scripted.url, auth_host=scripted.url).files(DID)
    next(files)
    with pytest.raises(Offline, match="its answer broke off"):
        list(files)


HTML = "<html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    "reply",
    [
        answer(HTML, kind="text/html"),
        answer(HTML),
        answer(HTML, kind="application/json"),
        answer(""),
        answer("", kind="application/json"),
        answer(b"\xff\xfe{"),
        answer("3"),
        answer("[]"),
        answer('{"scope": "sandbox"}'),
        answer('{"scope": "sandbox", "name": "dimuon", "type": "TABLE"}'),
        answer('{"scope": "sandbox", "name": "another", "type": "DATASET", "open": true}'),
        answer(HTML, status="404 Not Found", kind="text/html"),
        answer(HTML, status="400 Bad Request", kind="text/html"),
        answer('{"ExceptionClass": "AUTHORIZED_VALUE_TYPES", "ExceptionMessage": 3}', status="500 Fault"),
        answer('{"ExceptionClass": ["a"], "ExceptionMessage": {}}', status="500 Fault"),
        answer('["ExceptionClass"]', status="500 Fault"),
        answer("", status="302 Found", Location="http://elsewhere.invalid/"),
    ],
    ids=range(17),
)
def test_an_answer_that_is_not_rucios_is_refused(connect: Connect, scripted: ScriptedServer, reply: bytes) -> None:
    scripted.answers = [LOGIN, reply]
    with pytest.raises(RucioRefused) as caught:
        connect(host=scripted.url, auth_host=scripted.url).describe(DID)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH_9\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_what_does_not_speak_http_cannot_be_reached(connect: Connect, scripted: ScriptedServer, reply: bytes) -> None:
    scripted.answers = [LOGIN, reply]
    with pytest.raises((Offline, RucioRefused)):
        connect(host=scripted.url, auth_host=scripted.url).describe(DID)


def test_a_login_page_in_place_of_a_token_is_refused(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [answer(HTML, kind="text/html")]
    with pytest.raises(RucioRefused, match="did not answer like a Rucio server"):
        connect(host=scripted.url, auth_host=scripted.url).describe(DID)


def test_a_redirect_is_not_followed_with_the_password(connect: Connect, scripted: ScriptedServer) -> None:
    with ScriptedServer([LOGIN]) as elsewhere:
        scripted.answers = [answer("", status="302 Found", Location=elsewhere.url)]
        with pytest.raises(RucioRefused):
            connect(host=scripted.url, auth_host=scripted.url).describe(DID)
        assert elsewhere.requests == []


def test_a_busy_server_is_tried_again_and_then_told(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [LOGIN, answer("", status="503 Busy")]
    with pytest.raises(Offline):
        connect(host=scripted.url, auth_host=scripted.url).describe(DID)
    assert len(scripted.requests) == 4


def test_a_search_gives_every_did_it_can_and_then_tells_of_the_others(
    connect: Connect, scripted: ScriptedServer
) -> None:
    rows = [{"scope": "s", "name": name, "did_type": "FILE", "bytes": 1} for name in ("a", "b\nc", "d")]
    scripted.answers = [LOGIN, answer("\n".join(map(json.dumps, rows)))]
    found = connect(host=scripted.url, auth_host=scripted.url).search("s", "*", "file")
    assert [next(found).did.name, next(found).did.name] == ["a", "d"]
    with pytest.raises(RucioRefused, match="1 DID of the result cannot be shown"):
        next(found)


def test_the_memory_of_a_long_answer_stays_flat(connect: Connect, scripted: ScriptedServer) -> None:
    count = 30_000
    row = {"scope": "s", "bytes": 1, "adler32": "00000001", "guid": None}
    lines = "\n".join(json.dumps({**row, "name": f"file.{n:06}"}) for n in range(count))
    scripted.answers = [LOGIN, answer("{}", kind="application/json"), answer(lines)]
    catalogue = connect(host=scripted.url, auth_host=scripted.url)
    with pytest.raises(RucioRefused):
        catalogue.describe(DID)  # what is imported and opened once is not to be counted
    tracemalloc.start()
    try:
        assert sum(1 for _ in catalogue.files(DID)) == count
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < len(lines) / 2


def test_a_ca_that_is_not_there_is_a_fault_of_the_configuration(connect: Connect, tmp_path: Path) -> None:
    url = "https://127.0.0.1:9"
    with pytest.raises(BadConfig, match=r"gone\.pem cannot be read"):
        connect(host=url, auth_host=url, ca_cert=tmp_path / "gone.pem").describe(DID)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    sandbox: Sandbox, connect: Connect, instance: Instance
) -> None:
    # The sandbox's storage is an HTTPS server with a CA of its own; as a Rucio server it must not pass unverified.
    storage = sandbox.status().storage_url
    with pytest.raises(Offline, match="signed by an unknown CA") as caught:
        connect(host=storage, auth_host=storage).describe(DID)
    assert "ca_cert" in str(caught.value.hint)
    with pytest.raises(NbrucioError) as vouched:
        connect(host=storage, auth_host=storage, ca_cert=instance.storage_ca).describe(DID)
    assert "certificate" not in str(vouched.value)
