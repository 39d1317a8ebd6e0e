"""Limits on the time and the size of a server's answers.

With `_waited_s` not added up in `http.paced.Pace.readinto`, a server that sends a byte now and then is waited for
without end: 5 of these tests fail. Without `_is_deep` in `http.body.parse`, nested values are taken.
"""

from __future__ import annotations

import gzip
import threading
import time

import pytest

from nbrucio.core.cancellation import until
from tests.catalogue.conftest import Connect
from tests.support.scripted_server import LOGIN, Drip, ScriptedServer, Stall, answer, chunk, stream_head
from tests.support.sync_questions import ASKS, DIMUON, FACTS, QUICK, ROW, at, error_of

pytestmark = pytest.mark.trust("S")

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"
#: 64 MiB of empty lines.
BOMB = gzip.compress(b"\n" * (64 * MIB))


@pytest.mark.parametrize(
    "reply",
    [
        Drip(HEAD + b"X: ", b"y"),
        Drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        Drip(stream_head(), chunk(b"\n")),
        Drip(stream_head(ROW), chunk(b" ")),
        Drip(stream_head(ROW) + b"1;", b"x"),
    ],
    ids=["a head", "never more than a promise", "empty lines", "half a row", "a chunk's size"],
)
def test_a_server_that_sends_something_now_and_then_without_progress_is_given_up(
    logged_in: Connect, scripted: ScriptedServer, reply: Drip
) -> None:
    scripted.answers = [reply]
    catalogue = logged_in(QUICK, **at(scripted))
    began = time.monotonic()
    assert "stopped answering" in error_of(lambda: list(catalogue.files(DIMUON)))[1]
    assert time.monotonic() - began < 10


def test_rows_that_come_slowly_are_progress(logged_in: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [Drip(stream_head(), chunk(f"{ROW}\n".encode()), every_s=0.2)]
    rows = logged_in(QUICK, **at(scripted)).files(DIMUON)
    assert [next(rows).size_bytes for _ in range(8)] == [1] * 8
    rows.close()


@pytest.mark.parametrize(
    "reply",
    [
        Drip(stream_head(), chunk(b"x" * MIB), every_s=0),
        answer(BOMB, Content_Encoding="gzip"),
        answer(BOMB, kind="application/json", Content_Encoding="gzip"),
        answer("[" * 100_000),
        answer('{"a":' * 100 + "1" + "}" * 100),
        answer("[" * 100 + "]" * 100, kind="application/json"),
    ],
    ids=["line", "unpacked lines", "unpacked value", "deep", "less deep", "deep value"],
)
def test_an_answer_that_exceeds_a_limit_is_refused_in_words(
    logged_in: Connect, scripted: ScriptedServer, reply: bytes | Drip
) -> None:
    scripted.answers = [reply]
    kind, words, *_ = error_of(lambda: list(logged_in(**at(scripted)).files(DIMUON)))
    assert kind == "RucioRefused"
    assert "exceeds the limits for a Rucio server" in words


def test_a_chunk_whose_size_never_ends_is_given_up(logged_in: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [Drip(stream_head() + b"1;", b"x" * MIB, every_s=0)]
    # urllib3 2 limits that line by itself, and calls the answer broken.
    assert error_of(lambda: list(logged_in(**at(scripted)).files(DIMUON)))[0] in ("RucioRefused", "Offline")


@pytest.mark.parametrize("ask", list(ASKS))
def test_the_words_of_a_refusal_are_limited_too(connect: Connect, scripted: ScriptedServer, ask: str) -> None:
    refusal = answer("x" * (2 * MIB), status="500 Fault")
    for answers in ([LOGIN, refusal], [answer(BOMB, status="500 Fault", Content_Encoding="gzip")]):
        scripted.answers = list(answers)
        kind, words, *_ = error_of(lambda: ASKS[ask](connect(**at(scripted)), DIMUON))
        assert kind == "RucioRefused"
        assert "exceeds the limits for a Rucio server" in words


@pytest.mark.parametrize(
    "reply",
    [Stall(), Stall(stream_head()), Drip(stream_head(), chunk(f"{ROW}\n".encode()))],
    ids=["no head", "no row", "rows without end"],
)
def test_a_request_for_which_nobody_waits_is_given_up(
    logged_in: Connect, scripted: ScriptedServer, reply: Stall | Drip
) -> None:
    scripted.answers = [reply]
    catalogue, given_up = logged_in(**at(scripted)), threading.Event()
    timer = threading.Timer(0.3, given_up.set)
    timer.start()
    began = time.monotonic()
    with until(given_up):
        kind, words, *_ = error_of(lambda: list(catalogue.files(DIMUON)))
    assert (kind, "was cancelled" in words) == ("Interrupted", True)
    assert time.monotonic() - began < 5
    timer.join()


def test_a_row_may_hold_many_values_side_by_side(logged_in: Connect, scripted: ScriptedServer) -> None:
    wide = FACTS[:-1] + ', "more": [' + ",".join(["{}"] * 1000) + "]}"
    scripted.answers = [answer(wide, kind="application/json")]
    assert logged_in(**at(scripted)).describe(DIMUON).open
