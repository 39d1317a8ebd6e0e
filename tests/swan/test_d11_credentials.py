"""D11: the token that a hub writes into one file, replaces in time, or does not; and the user's own X.509 proxy."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from nbrucio.catalogue.login_facts import login_facts
from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Instance, load
from nbrucio.core.did import Did
from nbrucio.errors import CredentialsRejected
from tests.catalogue.jwts import jwt
from tests.support.certificates import AFTER, DN, ENDED, UserAuthority


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a session whose folders are this test's."""
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "NBRUCIO_CONFIG": "/dev/null"}


ROW = {"name": "escape", "display_name": "ESCAPE", "rucio_base_url": "https://127.0.0.1:1", "mode": "download"}


def _configured(folder: Path, environ: dict[str, str], **settings: object) -> Instance:
    """The instance that the session's `RucioConfig` describes."""
    file = folder / "session.json"
    file.write_text(json.dumps(settings))
    return load({**environ, "NBRUCIO_SESSION_CONFIG": str(file)}, system_file=folder / "absent.toml").instance()


@pytest.fixture
def instance(environ: dict[str, str], tmp_path: Path) -> Instance:
    """The session's instance, with its token by file."""
    row = {**ROW, "oidc_auth": "file", "oidc_file_name": str(tmp_path / "rucio_oauth.token")}
    return _configured(tmp_path, environ, instances=[row])


@pytest.fixture
def by_proxy(environ: dict[str, str], tmp_path: Path) -> Instance:
    """The session's instance, with the login that SWAN's configuration has today."""
    return _configured(tmp_path, environ, instances=[ROW], default_auth_type="x509_proxy")


def replace_token(path: Path, token: str) -> None:
    """Replace the file of the token as a whole, as a hub does."""
    new = path.with_suffix(".new")
    new.write_text(token)
    new.chmod(0o600)
    new.replace(path)


def _write(instance: Instance, token: str) -> Path:
    path = instance.credentials.token_file
    assert path is not None
    replace_token(path, token)
    return path


def test_d11_a_token_that_is_replaced_counts_at_once(instance: Instance, environ: dict[str, str]) -> None:
    tokens = LoginTokens(instance, environ)
    assert tokens.current() is None
    for first in (jwt(jti="first"), jwt(jti="second")):
        _write(instance, first)
        assert tokens.current() == first
    _write(instance, jwt(jti="old", exp=time.time() - 60))
    assert tokens.current() is None
    _write(instance, renewed := jwt(jti="renewed"))
    assert tokens.current() == renewed


def test_d11_a_token_of_the_spawn_that_has_ended_is_named_with_its_file(
    instance: Instance, environ: dict[str, str]
) -> None:
    ended = jwt(jti="spawn", exp=time.time() - 3600)
    path = _write(instance, ended)
    with pytest.raises(CredentialsRejected) as caught:
        RucioCatalogue(instance, environ=environ).describe(Did("a", "b"))
    text = json.dumps(caught.value.as_json())
    assert str(path) in text
    assert "expired" in text
    assert ended not in text


def test_d11_a_proxy_of_the_session_is_shown_with_its_end(
    by_proxy: Instance, environ: dict[str, str], tmp_path: Path
) -> None:
    proxy = UserAuthority(tmp_path).proxy(ends=AFTER)
    facts = login_facts(by_proxy, environ | {"X509_USER_PROXY": str(proxy)}, None)
    assert (facts.kind, facts.file, facts.identity) == ("proxy", proxy, DN)
    assert facts.ends_at == AFTER.timestamp()
    assert facts.renewed_by == "voms-proxy-init"


@pytest.mark.parametrize("state", ["ended", "missing"])
def test_d11_a_proxy_of_no_use_is_named_with_what_renews_it(
    state: str, by_proxy: Instance, environ: dict[str, str], tmp_path: Path
) -> None:
    proxy = UserAuthority(tmp_path).proxy(ends=ENDED)
    if state == "missing":
        proxy.unlink()
    with pytest.raises(CredentialsRejected) as caught:
        RucioCatalogue(by_proxy, environ=environ | {"X509_USER_PROXY": str(proxy)}).describe(Did("a", "b"))
    error = caught.value
    assert str(proxy) in str(error)
    assert error.next_command == "nbrucio login escape", error.as_json()
