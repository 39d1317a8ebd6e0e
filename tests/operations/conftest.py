"""Users who log in: their programs, their certificates and the server."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from nbrucio.catalogue import browser_login
from nbrucio.config import Credentials, Instance
from tests.support.certificates import UserAuthority
from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of its own, with a folder of programs and nothing else on its path."""
    monkeypatch.setattr(browser_login, "POLL_S", 0.01)
    (tmp_path / "bin").mkdir()
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    return {**home, "PATH": str(tmp_path / "bin"), "X509_USER_PROXY": str(tmp_path / "x509up")}


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], None]:
    """Installs a program: a shell script that notes its arguments in ``NAME.words``."""

    def install(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/{name}.words\n{script}\n')
        path.chmod(0o755)

    return install


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedServer]:
    """A server over TLS that knows the users of `users`."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with ScriptedServer(tls=context) as running:
        yield running


@pytest.fixture
def users(tmp_path: Path) -> UserAuthority:
    (tmp_path / "users").mkdir()
    return UserAuthority(tmp_path / "users")


@pytest.fixture
def at(server: ScriptedServer, tmp_path: Path) -> Callable[..., Instance]:
    """An instance of `server` with this kind of login."""

    def make(auth_type: str, **credentials: object) -> Instance:
        login = Credentials(**credentials)  # type: ignore[arg-type]
        ca = tmp_path / "ca.pem"
        return Instance("cern", "cern", server.url, server.url, auth_type, "jdoe", login, ca_cert=ca)

    return make
