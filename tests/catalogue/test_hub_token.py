"""The token for Rucio from JupyterHub's API, which is asked only where the configuration says so."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.catalogue.login_facts import login_facts
from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.catalogue.renewal import Renewal
from nbrucio.catalogue.token_cache import save_token, saved_token, token_file
from nbrucio.config import Credentials, Instance, Policy, load
from nbrucio.errors import BadConfig, CredentialsRejected, UsageError
from nbrucio.operations.configure import draft
from tests.catalogue.jwts import jwt
from tests.support.scripted_server import ScriptedServer, answer
from tests.support.sync_questions import headers

PATH = "exchanged_tokens.rucio"


@pytest.fixture
def hub() -> Iterator[ScriptedServer]:
    """A hub's API; a real hub is in `tests/swan/test_jupyterhub.py`."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def session(hub: ScriptedServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a session of the hub."""
    variables = {
        "JUPYTERHUB_API_URL": f"{hub.url}/hub/api",
        "JUPYTERHUB_API_TOKEN": "session",
        "JUPYTERHUB_USER": "a/b",
    }
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), **variables}


def _instance(url: str = "https://rucio.example", **oidc: str) -> Instance:
    return Instance("escape", "escape", url, url, "oidc", None, Credentials(hub_token=PATH, oidc=oidc))


def _user(token: object) -> bytes:
    return answer(json.dumps({"name": "a", "auth_state": {"exchanged_tokens": {"rucio": token}}}))


def test_the_hub_is_asked_once_for_the_users_token(hub: ScriptedServer, session: dict[str, str]) -> None:
    token = jwt(aud="rucio")
    hub.answers = [_user(token)]
    instance = _instance()
    tokens = LoginTokens(instance, session, renew=Renewal(instance, session, Policy()))
    assert [tokens.current() for _ in range(2)] == [token, token]
    (request,) = hub.requests
    assert headers(request)[""] == "GET /hub/api/users/a%2Fb HTTP/1.1"
    assert headers(request)["Authorization"] == "token session"
    facts = login_facts(instance, session, tokens.in_use())
    assert (facts.renewed_by, facts.ends_at) == ("JupyterHub, which nbrucio asks for it", None)


def test_a_token_is_replaced_before_it_ends_and_stays_while_the_hub_is_away(
    hub: ScriptedServer, session: dict[str, str]
) -> None:
    instance, old, new = _instance(), jwt(jti="old", exp=time.time() + 600), jwt(jti="new")
    save_token(instance, session, old)
    then = time.time() - 3600
    os.utime(token_file(instance, session), (then, then))
    hub.answers = [answer("", "503 Service Unavailable"), _user(new)]
    Renewal(instance, session, Policy())()
    assert saved_token(instance, session) == old
    Renewal(instance, session, Policy())()
    assert saved_token(instance, session) == new


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer("", "403 Forbidden"), "refuses this session its user (HTTP status 403)"),
        (answer(json.dumps({"name": "a", "auth_state": None})), "gives this session no auth_state"),
        (answer("[]"), "gives this session no auth_state"),
        (answer("<html>"), "is not JSON"),
        (_user(None), f"no token at {PATH}"),
        (_user({"a": 1}), f"no token at {PATH}"),
        (_user("two words"), f"no token at {PATH}"),
        (_user(jwt(exp=1)), "expired"),
        (_user(jwt(aud="eos")), "is for the audience eos, not rucio"),
    ],
)
def test_each_reason_for_no_token_is_named(
    hub: ScriptedServer, session: dict[str, str], reply: bytes, words: str
) -> None:
    hub.answers = [reply]
    with pytest.raises(CredentialsRejected) as caught:
        Renewal(_instance(audience="rucio"), session, Policy())()
    assert words in str(caught.value)
    assert caught.value.hint
    assert "session" not in str(caught.value).replace("this session", "")


def test_nothing_is_asked_outside_a_hub_offline_over_http_or_by_default(
    hub: ScriptedServer, session: dict[str, str]
) -> None:
    hub.answers = [_user(jwt())]
    with pytest.raises(CredentialsRejected, match="not a session of JupyterHub"):
        Renewal(_instance(), {**session, "JUPYTERHUB_API_TOKEN": ""}, Policy())()
    with pytest.raises(CredentialsRejected, match="https only"):
        Renewal(_instance("http://rucio.example"), session, Policy())()
    Renewal(_instance(), session, Policy(offline=True))()
    Renewal(_instance()._replace(credentials=Credentials()), session, Policy())()
    assert hub.requests == []


def test_only_a_configuration_file_turns_it_on(tmp_path: Path) -> None:
    def configured(lines: str) -> Instance:
        (tmp_path / "c.toml").write_text(f'[instances.i]\nhost = "https://h"\n{lines}')
        environ = {"HOME": str(tmp_path), "NBRUCIO_CONFIG": str(tmp_path / "c.toml")}
        return load(environ, system_file=tmp_path / "none").instance("i")

    assert configured('auth_type = "oidc"\n').credentials.hub_token is None
    assert configured(f'auth_type = "oidc"\nhub_token = "{PATH}"\n').credentials.hub_token == PATH
    for lines in ('auth_type = "gss"\nhub_token = "a"\n', 'auth_type = "oidc"\nhub_token = "a..b"\n'):
        with pytest.raises(BadConfig, match="hub_token"):
            configured(lines)
    with pytest.raises(UsageError, match=r"hub_token can only be written in config\.toml"):
        draft({"name": "i", "settings": {"host": "https://h", "auth_type": "oidc", "hub_token": PATH}})
