"""D11: the token that a hub writes into one file, replaces in time, or does not."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Instance, load
from nbrucio.core.did import Did
from nbrucio.errors import CredentialsRejected
from tests.catalogue.jwts import jwt


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a session whose folders are this test's."""
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "NBRUCIO_CONFIG": "/dev/null"}


@pytest.fixture
def instance(environ: dict[str, str], tmp_path: Path) -> Instance:
    """The instance that the session's `RucioConfig` describes, with its token by file."""
    row = {
        "name": "escape",
        "display_name": "ESCAPE",
        "rucio_base_url": "https://127.0.0.1:1",
        "mode": "download",
        "oidc_auth": "file",
        "oidc_file_name": str(tmp_path / "rucio_oauth.token"),
    }
    file = tmp_path / "session.json"
    file.write_text(json.dumps({"instances": [row]}))
    return load({**environ, "NBRUCIO_SESSION_CONFIG": str(file)}, system_file=tmp_path / "absent.toml").instance()


def _write(instance: Instance, token: str) -> Path:
    path = instance.credentials.token_file
    assert path is not None
    new = path.with_suffix(".new")
    new.write_text(token)
    new.chmod(0o600)
    new.replace(path)
    return path


def test_a_token_that_is_replaced_counts_at_once(instance: Instance, environ: dict[str, str]) -> None:
    tokens = LoginTokens(instance, environ)
    assert tokens.current() is None
    for first in (jwt(jti="first"), jwt(jti="second")):
        _write(instance, first)
        assert tokens.current() == first
    _write(instance, jwt(jti="old", exp=time.time() - 60))
    assert tokens.current() is None
    _write(instance, renewed := jwt(jti="renewed"))
    assert tokens.current() == renewed


def test_a_token_of_the_spawn_that_has_ended_is_named_with_its_file(
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
