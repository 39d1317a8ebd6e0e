"""A login that ends soon is named before work is lost to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nbrucio.catalogue.token_cache import save_token
from nbrucio.config import Config, Instance
from nbrucio.config.values import Credentials
from nbrucio.errors import CredentialsRejected
from nbrucio.jupyter import queries
from nbrucio.pipeline import login_ends
from nbrucio.pipeline.login_ends import ending_login, ending_logins
from tests.catalogue.jwts import jwt
from tests.support.certificates import UserAuthority
from tests.support.jupyter_server import declaring


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a user whose folders are this test's."""
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "X509_USER_PROXY": "/nowhere"}


def _config(auth_type: str, tmp_path: Path, **credentials: object) -> Config:
    host = "https://cms.example"
    login = Credentials(**credentials)  # type: ignore[arg-type]
    instance = Instance("cms", "cms.example", host, host, auth_type, "jdoe", login)
    return Config((instance,), instance, tmp_path / "store")


def _warning(config: Config, environ: Mapping[str, str]) -> str | None:
    assert config.default is not None
    found = ending_login(config.default, config, environ)
    return None if found is None else found.as_line()


@pytest.mark.parametrize(("minutes", "words"), [(40, "ends in 40 min"), (-30, "ended 30 min ago"), (90, None)])
def test_a_proxy_is_named_in_its_last_hour(
    environ: dict[str, str], tmp_path: Path, minutes: int, words: str | None
) -> None:
    proxy = UserAuthority(tmp_path).proxy(ends=datetime.now(timezone.utc) + timedelta(minutes=minutes, seconds=20))
    found = _warning(_config("x509_proxy", tmp_path), environ | {"X509_USER_PROXY": str(proxy)})
    if words is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith(f"The proxy {proxy} for cms {words} (")
        assert found.endswith("Run: nbrucio login cms")


@pytest.mark.parametrize(("minutes", "soon"), [(5, True), (30, False)])
@pytest.mark.parametrize("place", ["file", "variable", "saved"])
def test_a_token_is_named_in_its_last_minutes_with_what_renews_it(
    environ: dict[str, str], tmp_path: Path, minutes: int, soon: bool, place: str
) -> None:
    token = jwt(exp=time.time() + minutes * 60 + 20)
    file = tmp_path / "token"
    if place == "file":
        file.write_text(token)
        config = _config("oidc", tmp_path, token_file=file)
    elif place == "variable":
        config = _config("oidc", tmp_path, token_env="RUCIO_ACCESS_TOKEN")
        environ["RUCIO_ACCESS_TOKEN"] = token
    else:
        config = _config("oidc", tmp_path)
        assert config.default is not None
        save_token(config.default, environ, token)
    found = _warning(config, environ)
    assert (found is not None) is soon
    if found is not None:
        assert " cms ends in 5 min (" in found
        assert token not in found
        ends = {
            "file": "nbrucio reads the file again when it is replaced; if nothing does that, start a new session.",
            "variable": "A running session keeps the value of RUCIO_ACCESS_TOKEN: start a new session.",
            "saved": "Run: nbrucio login cms",
        }
        assert found.endswith(ends[place])


def test_a_token_that_is_renewed_by_itself_is_not_named(environ: dict[str, str], tmp_path: Path) -> None:
    config = _config("oidc", tmp_path, oidc={"scope": "openid offline_access"})
    assert config.default is not None
    save_token(config.default, environ, jwt(exp=time.time() + 300))
    assert _warning(config, environ) is None


def test_each_instance_of_the_notebooks_is_named_once(environ: dict[str, str], tmp_path: Path) -> None:
    proxy = UserAuthority(tmp_path).proxy(ends=datetime.now(timezone.utc) + timedelta(minutes=10))
    config = _config("x509_proxy", tmp_path)
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).write_text(json.dumps(declaring("", one="s:one", two="s:two")))
    notebooks = [tmp_path / "a.ipynb", tmp_path / "b.ipynb"]
    (found,) = ending_logins(notebooks, config, environ | {"X509_USER_PROXY": str(proxy)})
    assert isinstance(found, CredentialsRejected)
    assert list(ending_logins([tmp_path / "none.ipynb"], config, environ)) == []


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook whose instance has a login by a proxy that ends in 20 minutes; returns the notebook."""
    proxy = UserAuthority(tmp_path).proxy(ends=datetime.now(timezone.utc) + timedelta(minutes=20, seconds=20))
    own = tmp_path / "config.toml"
    own.write_text('[instances.cms]\nhost = "https://127.0.0.1:1"\nauth_type = "x509_proxy"\n')
    for name, value in {"NBRUCIO_CONFIG": own, "HOME": tmp_path, "X509_USER_PROXY": proxy}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("NBRUCIO_STORE", str(tmp_path / "store"))
    notebook = tmp_path / "a.ipynb"
    notebook.write_text(json.dumps(declaring("", one="s:one")))
    return notebook


def test_status_panel_and_sync_name_it_before_the_first_request(ending: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "for cms ends in 20 min"
    for verb in ("status", "status", "sync"):  # the second answers from the cache
        command = [sys.executable, "-m", "nbrucio_cli", verb, str(ending)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr.count(words) == 1, (verb, done.stderr)
        assert verb == "status" or done.stderr.index(words) < done.stderr.index("cannot be reached")
    monkeypatch.delattr(login_ends, "read_declared")  # the panel's status has read the notebook
    (shown,) = queries.status(ending, None, with_files=False)["ending_logins"]  # type: ignore[misc]
    assert words in shown["message"]
    assert shown["next_command"] == "nbrucio login cms"
