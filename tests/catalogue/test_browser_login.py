"""A login in the browser: its page, waiting, a pasted code, and answers that no Rucio server gives."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from nbrucio.catalogue import browser_login
from nbrucio.catalogue.browser_login import BrowserLogin
from nbrucio.config import Credentials, Instance, Policy
from nbrucio.core.cancellation import until
from nbrucio.errors import CredentialsRejected, Interrupted, NbrucioError, Offline, RucioRefused
from tests.support.scripted_server import LOGIN, ScriptedServer, answer
from tests.support.sync_questions import headers

#: Rucio names the host of its own configuration, which may be another one.
PAGE = "https://rucio.example.org/auth/oidc_redirect?abc_polling"
STARTED = answer("", X_Rucio_OIDC_Auth_URL=PAGE)
NOT_YET = answer("", "401 Unauthorized", ExceptionClass="CannotAuthenticate")

Begin = Callable[..., BrowserLogin]


@pytest.fixture
def begin(issued: ScriptedServer, oidc: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Starts a login at `issued`, which answers what is given."""
    monkeypatch.setattr(browser_login, "POLL_S", 0.01)

    def start(*answers: bytes, paste_code: bool = False, **settings: str) -> BrowserLogin:
        issued.answers = list(answers)
        instance = Instance("cern", "cern", "", "", "oidc", "jdoe", Credentials())._replace(**oidc)
        instance = instance._replace(credentials=Credentials(oidc=settings))
        return BrowserLogin(instance, Policy(connect_timeout_s=1, read_timeout_s=5), paste_code=paste_code)

    return start


def test_the_token_arrives_after_the_login_in_the_browser(begin: Begin, issued: ScriptedServer) -> None:
    login = begin(STARTED, NOT_YET, NOT_YET, LOGIN, audience="rucio", issuer="escape", scope="openid wlcg")
    assert login.url == PAGE
    assert login.wait() == "a-fresh-token"
    first, *polls = map(headers, issued.requests)
    assert first[""].split()[1] == "/auth/oidc"
    assert {name: value for name, value in first.items() if "Authorize" in name} == {
        "X-Rucio-Client-Authorize-Polling": "True",
        "X-Rucio-Client-Authorize-Scope": "openid wlcg",
        "X-Rucio-Client-Authorize-Audience": "rucio",
        "X-Rucio-Client-Authorize-Issuer": "escape",
    }
    assert first["X-Rucio-Account"] == "jdoe"
    # Only the configured server is asked, whatever host the page has.
    assert {poll[""].split()[1] for poll in polls} == {"/auth/oidc_redirect?abc_polling"}
    assert {poll["X-Rucio-Client-Fetch-Token"] for poll in polls} == {"True"}


class Pauses(threading.Event):
    """Notes the pauses of a poll, and ends each at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        return self.is_set()


def test_many_logins_do_not_poll_at_the_same_moments(begin: Begin) -> None:
    login, pauses = begin(STARTED, *[NOT_YET] * 5, LOGIN), Pauses()
    browser_login.POLL_S = 2.0  # put back by the fixture
    assert login.wait(pauses) == "a-fresh-token"
    assert len(set(pauses.seconds)) == 5
    assert all(1.5 <= pause <= 2.5 for pause in pauses.seconds)


def test_a_pasted_code_is_redeemed(begin: Begin, issued: ScriptedServer) -> None:
    login = begin(STARTED, NOT_YET, LOGIN, paste_code=True)
    assert headers(issued.requests[0])["X-Rucio-Client-Authorize-Polling"] == "False"
    assert login.redeem("wrong") is None
    assert login.redeem("the-code") == "a-fresh-token"
    assert headers(issued.requests[-1])[""].split()[1] == "/auth/oidc_redirect?the-code"


@pytest.mark.parametrize("code", ["", "two words", "a&b=c", "../../dids", "é", "x" * 1000])
def test_what_is_no_code_is_not_sent(begin: Begin, issued: ScriptedServer, code: str) -> None:
    assert begin(STARTED, LOGIN).redeem(code) is None
    assert len(issued.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://rucio.example.org/?abc", "https://h/\x1b[2J?abc", "https://h/", "https://h/?a&b", "javascript:1?a"]
)
def test_a_page_that_no_rucio_server_names_is_not_shown(begin: Begin, url: str) -> None:
    with pytest.raises(RucioRefused, match="did not answer like a Rucio server"):
        begin(answer("", X_Rucio_OIDC_Auth_URL=url))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Cannot get authentication URL for account jdoe", "Cannot get authentication URL for account jdoe"),
        ("NoneType: None", "the server offers no login in the browser for these settings"),
        ("Traceback (most recent call last): ...", "the server offers no login in the browser for these settings"),
        ("", "the server offers no login in the browser for these settings"),
    ],
)
def test_a_server_without_such_a_login_is_reported(begin: Begin, words: str, shown: str) -> None:
    with pytest.raises(CredentialsRejected, match=f"Login to cern failed: {shown}") as caught:
        begin(answer("", "401 Unauthorized", ExceptionMessage=words))
    assert "oidc_issuer" in str(caught.value.hint)


def test_nobody_at_the_page_ends_the_wait(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_login, "LIFETIME_S", 0.0)
    with pytest.raises(CredentialsRejected, match="nobody logged in") as caught:
        begin(STARTED, NOT_YET).wait()
    assert caught.value.next_command == "nbrucio login cern"


def test_a_cancelled_wait_ends_at_once(begin: Begin) -> None:
    login, stopped = begin(STARTED, NOT_YET), threading.Event()
    stopped.set()
    with pytest.raises(Interrupted, match="cancelled"), until(stopped):
        login.wait()


def test_a_server_that_is_down_when_the_login_starts_is_named(begin: Begin, issued: ScriptedServer) -> None:
    issued.answers = [STARTED]
    with pytest.raises(NbrucioError) as caught:
        begin(b"")
    assert isinstance(caught.value, Offline)


def test_a_broken_answer_while_waiting_does_not_end_the_login(begin: Begin) -> None:
    assert begin(STARTED, b"", b"", NOT_YET, LOGIN).wait() == "a-fresh-token"


@pytest.mark.parametrize("setting", ["host", "auth_host"])
def test_no_login_is_begun_at_a_server_without_tls(setting: str) -> None:
    safe = Instance("cern", "cern", "https://rucio.invalid", "https://rucio.invalid", "oidc", "jdoe", Credentials())
    instance = safe._replace(**{setting: "http://rucio.invalid"})  # type: ignore[arg-type]
    with pytest.raises(CredentialsRejected, match="tokens are sent over https only") as caught:
        BrowserLogin(instance, Policy(connect_timeout_s=1), paste_code=False)
    assert (caught.value.hint, caught.value.next_command) == ("Correct host and auth_host of the instance.", None)
