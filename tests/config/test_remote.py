"""rucio-jupyterlab's ``$url``: remote settings over https, cached, with the last copy when the server is away."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from nbrucio.config import remote
from nbrucio.config.remote import MAX_BYTES, remote_settings
from nbrucio.errors import BadConfig
from tests.config.conftest import Load
from tests.support.scripted_server import ScriptedServer, answer

SETTINGS = {"rucio_base_url": "https://rucio.escape.example", "vo": "esc", "mode": "download", "$url": "https://again"}


def _json(value: object) -> bytes:
    return answer(json.dumps(value), kind="application/json")


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def web(ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A web server over https whose CA this machine trusts."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with ScriptedServer([_json(SETTINGS)], tls=tls) as server:
        yield server


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def _pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the clock of the module go on."""
    before = remote.time.time()
    monkeypatch.setattr(remote.time, "time", lambda: before + seconds)


def test_settings_are_read_once_a_day(
    web: ScriptedServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{web.url}/rucio.json?x=1"
    expected = {name: value for name, value in SETTINGS.items() if name != "$url"}
    for _ in range(3):
        assert remote_settings(url, environ, offline=False) == (expected, None)
    assert len(web.requests) == 1
    assert web.requests[0].startswith("GET /rucio.json?x=1 ")
    _pass(monkeypatch, 24 * 3600 + 1)
    assert remote_settings(url, environ, offline=False) == (expected, None)
    assert len(web.requests) == 2
    (copy,) = (Path(environ["XDG_CACHE_HOME"]) / "nbrucio" / "remote").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600


def test_cache_expires_at_is_the_end_of_a_copy(
    web: ScriptedServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = remote.time.time() + 1000
    remote_settings(web.url, environ, offline=False, expires_at=end)
    _pass(monkeypatch, 900)
    remote_settings(web.url, environ, offline=False, expires_at=end)
    assert len(web.requests) == 1
    _pass(monkeypatch, 200)
    remote_settings(web.url, environ, offline=False, expires_at=end)
    assert len(web.requests) == 2


def test_the_last_copy_serves_while_the_server_is_away_and_it_is_not_asked_at_each_command(
    web: ScriptedServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    remote_settings(web.url, environ, offline=False)
    web.answers[:] = [answer("", "503 Service Unavailable")]
    _pass(monkeypatch, 25 * 3600)
    for _ in range(2):
        found = remote_settings(web.url, environ, offline=False)
        assert found.settings["vo"] == "esc"
        assert found.notice is not None
        assert found.notice.startswith(f"{web.url} cannot be read (HTTP status 503); the copy of ")
    assert len(web.requests) == 2
    _pass(monkeypatch, 301)
    web.answers[:] = [_json({"vo": "new"})]
    assert remote_settings(web.url, environ, offline=False) == ({"vo": "new"}, None)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (answer("[]", kind="application/json"), "it is not a JSON object"),
        (answer("<html>", kind="text/html"), "it is not JSON"),
        (answer("", "404 Not Found"), "HTTP status 404"),
        (answer("", "302 Found", Location="https://elsewhere.example"), "HTTP status 302"),
        (answer('{"x": "' + "x" * MAX_BYTES + '"}', kind="application/json"), "an answer of more than 1 MiB"),
    ],
)
def test_what_is_no_settings_is_named(web: ScriptedServer, environ: dict[str, str], body: bytes, why: str) -> None:
    web.answers[:] = [body]
    found = remote_settings(web.url, environ, offline=False)
    assert found == ({}, f"{web.url} cannot be read ({why}); there is no earlier copy.")


def test_an_unknown_ca_is_refused(
    web: ScriptedServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    assert "its TLS certificate is not accepted" in (remote_settings(web.url, environ, offline=False).notice or "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "file:///etc/passwd", "https://me:pw@127.0.0.1/x", "x", ""])
def test_only_https_is_read(environ: dict[str, str], url: str) -> None:
    assert "it must be an https URL without a login" in (remote_settings(url, environ, offline=False).notice or "")


def test_offline_uses_the_copy_and_no_network(
    web: ScriptedServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remote_settings(web.url, environ, offline=True).settings == {}
    assert web.requests == []
    remote_settings(web.url, environ, offline=False)
    _pass(monkeypatch, 25 * 3600)
    found = remote_settings(web.url, environ, offline=True)
    assert found.settings["vo"] == "esc"
    assert "nbrucio works offline" in (found.notice or "")
    assert len(web.requests) == 1


def _session(tmp_path: Path, **row: object) -> dict[str, str]:
    file = tmp_path / "session.json"
    file.write_text(json.dumps({"instances": [{"name": "escape", "display_name": "ESCAPE", **row}]}))
    return {"NBRUCIO_SESSION_CONFIG": str(file)}


def test_a_session_has_the_remote_settings_below_its_own(web: ScriptedServer, configured: Load, tmp_path: Path) -> None:
    instance = configured(**_session(tmp_path, **{"$url": web.url, "vo": "mine"})).instance("escape")
    assert (instance.host, instance.vo) == ("https://rucio.escape.example", "mine")


def test_a_session_whose_settings_are_away_says_why(web: ScriptedServer, configured: Load, tmp_path: Path) -> None:
    web.answers[:] = [answer("", "503 Service Unavailable")]
    config = configured(**_session(tmp_path, **{"$url": web.url}))
    assert "HTTP status 503" in config.warnings[0]
    with pytest.raises(BadConfig, match="host is missing") as caught:
        config.instance("escape")
    assert caught.value.hint is not None
    assert f"{web.url} cannot be read (HTTP status 503)" in caught.value.hint


def test_nbrucio_safe_reads_no_remote_settings(web: ScriptedServer, configured: Load, tmp_path: Path) -> None:
    config = configured(**_session(tmp_path, **{"$url": web.url}), NBRUCIO_SAFE="1")
    assert web.requests == []
    assert "nbrucio works offline" in config.warnings[0]
