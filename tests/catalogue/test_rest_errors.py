"""Errors in the middle of an answer, and of servers that do not answer.

With `unpack.eof` not looked at in `http.body._unpacked`, a packed list that was cut off is taken for a whole one. With
every `HttpError` followed by a second attempt in `http.client.Client`, 3 of these tests wait twice for a silent server.
"""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from functools import partial

import pytest

from nbrucio.config import Policy
from nbrucio.core.did import Did
from tests.catalogue.conftest import Connect
from tests.support.scripted_server import ScriptedServer, Stall, answer, chunk, stream_head
from tests.support.sync_questions import ASKS, DIMUON, QUICK, ROW, at, error_of

pytestmark = pytest.mark.trust("S")

PACKED_HEAD = stream_head().replace(b"Transfer", b"Content-Encoding: gzip\r\nTransfer")


def _begun_gzip(content: bytes) -> bytes:
    pack = zlib.compressobj(wbits=31)
    return pack.compress(content) + pack.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Stall(stream_head(ROW)), "it stopped answering"),
        (stream_head(ROW), "its answer broke off"),
        (answer(f"{ROW}\n<html>\n"), "did not answer like a Rucio server"),
        (answer(f"{ROW}\n".encode() + b"\xff\xfe"), "did not answer like a Rucio server"),
        (answer(f"{ROW}\n3\n"), "a row without scope and name"),
        (answer(f'{ROW}\n{{"scope": "s"}}\n'), "a row without scope and name"),
        (PACKED_HEAD + chunk(_begun_gzip(f"{ROW}\n".encode())) + chunk(b"no gzip"), "its answer broke off"),
        (stream_head(ROW) + b"zz\r\n", "its answer broke off"),
    ],
    ids=["silence", "cut", "html", "no text", "no row", "no name", "packed badly", "no chunk"],
)
def test_what_goes_wrong_after_rows_is_an_error(
    logged_in: Connect, scripted: ScriptedServer, reply: bytes | Stall, words: str
) -> None:
    scripted.answers = [reply]
    files = logged_in(QUICK, **at(scripted)).files(DIMUON)
    assert next(files).did == Did("s", "one")
    assert words in error_of(partial(list, files))[1]
    assert len(scripted.requests) == 1


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
    files = logged_in(**at(scripted)).files(DIMUON)
    next(files)
    assert "its answer broke off" in error_of(lambda: list(files))[1]


@pytest.mark.parametrize("ask", list(ASKS))
def test_a_server_that_cannot_be_reached_is_asked_twice(
    logged_in: Connect, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    tried: list[object] = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda *args: (tried.append(args), connect(*args))[1])
    error = error_of(lambda: ASKS[ask](logged_in(host=url, auth_host=url), DIMUON))
    assert len(tried) == 2
    assert "no connection." in error[1]


@pytest.mark.parametrize("ask", list(ASKS))
@pytest.mark.parametrize("after", [b"", stream_head()], ids=["no head", "no row"])
def test_a_silent_server_is_waited_for_once(
    logged_in: Connect, scripted: ScriptedServer, after: bytes, ask: str
) -> None:
    scripted.answers = [Stall(after)]
    began = time.monotonic()
    error = error_of(
        lambda: ASKS[ask](logged_in(Policy(connect_timeout_s=60, read_timeout_s=0.5), **at(scripted)), DIMUON)
    )
    assert time.monotonic() - began < 30
    assert len(scripted.requests) == 1
    assert "stopped answering" in error[1]


def test_a_server_that_does_not_accept_is_given_up(logged_in: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        changes = dict.fromkeys(("host", "auth_host"), f"http://127.0.0.1:{address[1]}")
        policy = Policy(connect_timeout_s=0.3, read_timeout_s=0.3)
        error = error_of(lambda: logged_in(policy, **changes).describe(DIMUON))
        for each in waiting:
            each.close()
    assert "the connection timed out" in error[1]
