"""Pages of the server in front of Rucio: busy, redirecting, or with limits on requests."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from nbrucio.catalogue import refusals
from nbrucio.catalogue.errors import ServerRefusal, error_for
from nbrucio.catalogue.refusals import retry_after_s
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.errors import BadConfig, NbrucioError, Offline, RucioRefused
from tests.catalogue.conftest import Connect
from tests.support.scripted_server import ScriptedServer, answer
from tests.support.sync_questions import DIMUON, FACTS, at

HERE = Instance("cern", "cern", "http://rucio.cern.ch:8080/vo", "http://rucio.cern.ch:8080/vo", "x509", "jdoe")


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("0", 0, 0),
        (" 120 ", 120, 120),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0, 0),
    ],
)
def test_a_pause_is_seconds_or_a_moment(text: str, least: float, most: float) -> None:
    found = retry_after_s({"Retry-After": text})
    assert found is not None
    assert least <= found <= most


def test_a_moment_that_is_still_to_be_is_a_pause() -> None:
    later = datetime.now(timezone.utc) + timedelta(hours=2)
    found = retry_after_s({"Retry-After": later.strftime("%a, %d %b %Y %H:%M:%S GMT")})
    assert found is not None
    assert 6000 < found <= 7200


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e9", "9" * 30, "١٢"])
def test_a_pause_that_is_none_is_ignored(text: str) -> None:
    assert retry_after_s({"Retry-After": text}) is None


def _busy(**headers: str) -> bytes:
    page = "<html><head><title>503 Service &amp; Co</title></head></html>"
    return answer(page, status="503 Service Unavailable", kind="text/html", **headers)


def test_a_busy_front_is_asked_again_after_its_pause_and_not_by_all_at_the_same_moment(
    logged_in: Connect, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(refusals, "_pause", waited.append)
    for _ in range(4):
        scripted.answers = [_busy(Retry_After="2"), _busy(), answer(FACTS, kind="application/json")]
        assert logged_in(**at(scripted)).describe(DIMUON).open
    asked, usual = waited[::2], waited[1::2]
    assert all(2.0 <= pause <= 3.0 for pause in asked)
    assert all(0.375 <= pause <= 0.625 for pause in usual)
    assert len(set(waited)) == 8


@pytest.mark.parametrize("body", ["", "<title>429 Too Many Requests</title>"])
def test_a_front_that_limits_its_clients_is_busy(
    body: str, logged_in: Connect, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(refusals, "_pause", waited.append)
    limited = answer(body, status="429 Too Many Requests", kind="text/html", Retry_After="3")
    scripted.answers = [limited, answer(FACTS, kind="application/json")]
    assert logged_in(**at(scripted)).describe(DIMUON).open
    assert len(waited) == 1
    assert 3.0 <= waited[0] <= 4.5
    scripted.answers = [limited]
    with pytest.raises(Offline, match=r"is temporarily unavailable: .*429") as caught:
        logged_in(**at(scripted)).describe(DIMUON)
    assert caught.value.hint == "Try again in 3 s, as the server asks."


def test_a_front_that_asks_for_a_long_pause_is_not_asked_again(logged_in: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [_busy(Retry_After="7200")]
    with pytest.raises(NbrucioError) as caught:
        logged_in(**at(scripted)).describe(DIMUON)
    assert len(scripted.requests) == 1
    assert "is temporarily unavailable: 503 Service & Co." in caught.value.message
    assert caught.value.hint == "Try again in 2.0 h, as the server asks."


def _refused(status: int, words: str = "", location: str | None = None) -> NbrucioError:
    return error_for(ServerRefusal("", words, status, location=location), HERE)


def test_a_redirect_to_https_is_a_setting_to_correct() -> None:
    error = _refused(301, location="https://rucio.cern.ch/vo/auth/x509")
    assert isinstance(error, BadConfig)
    assert error.hint == "Set its host, and auth_host if there is one, to https://rucio.cern.ch/vo."


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://sso.cern.ch/login?secret=1", "https://sso.cern.ch"),
        ("//me:secret@evil.example/", "http://evil.example"),
        ("/login", "http://rucio.cern.ch:8080"),
        ("https://x\x1b31m.example/", "https://x31m.example"),
    ],
)
def test_other_redirects_are_named_without_their_secrets(location: str, shown: str) -> None:
    error = _refused(302, location=location)
    assert isinstance(error, RucioRefused)
    assert f"redirects to {shown}, which nbrucio does not follow" in error.message
    assert "secret" not in error.message


def test_a_redirect_that_cannot_be_read_is_not_that_of_a_rucio() -> None:
    assert "did not answer like a Rucio server" in _refused(302, location="https://[x/").message


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (414, "414 Request-URI Too Large", "refused a request as too long: 414 Request-URI Too Large"),
        (431, "", "refused a request as too long: HTTP status 431"),
        (400, "400 Request Header Or Cookie Too Large", "refused a request as too long"),
        (400, "400 The SSL certificate error", "the server does not accept the certificate"),
    ],
)
def test_the_limits_of_a_front_are_told_from_a_refused_certificate(status: int, words: str, expected: str) -> None:
    assert expected in _refused(status, words).message


def test_a_request_that_is_too_long_is_sent_in_parts(logged_in: Connect, scripted: ScriptedServer) -> None:
    def row(number: int) -> str:
        return json.dumps({"scope": "s", "name": str(number), "pfns": {}})

    too_long = answer("", status="413 Request Entity Too Large", kind="text/html")
    scripted.answers = [too_long, answer(f"{row(0)}\n{row(1)}\n"), answer(f"{row(2)}\n"), answer(f"{row(0)}\n")]
    catalogue = logged_in(**at(scripted))
    asked = [Did("s", str(number)) for number in range(4)]
    assert [did.name for did, _ in catalogue.replicas(asked)] == ["0", "1", "2"]
    sizes = [len(json.loads(body)["dids"]) for body in scripted.bodies]
    assert sizes == [4, 2, 2]
    list(catalogue.replicas(asked[:3]))
    assert [len(json.loads(body)["dids"]) for body in scripted.bodies[3:]] == [2, 1]


def test_one_file_that_is_too_long_is_an_error(logged_in: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [answer("", status="413 Request Entity Too Large", kind="text/html")]
    with pytest.raises(RucioRefused, match="as too long"):
        list(logged_in(**at(scripted)).replicas([DIMUON]))
    assert len(scripted.requests) == 1
