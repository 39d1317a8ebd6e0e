"""What the tests of the catalogue share."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Credentials, Instance, Policy, load
from nbrucio.sandbox import Sandbox
from tests.support.scripted_server import ScriptedServer
from tests.support.sync_questions import DIMUON

Connect = Callable[..., RucioCatalogue]


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of its own, where tokens are kept; rucio-clients finds no rucio.cfg in the process's either."""
    for name in ("RUCIO_HOME", "RUCIO_CONFIG", "RUCIO_ACCOUNT", "RUCIO_AUTH_TYPE", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path / "none")}


@pytest.fixture
def instance(sandbox: Sandbox, tmp_path: Path) -> Instance:
    """The sandbox as an instance."""
    return load({**sandbox.env(), "HOME": str(tmp_path)}, system_file=tmp_path / "none").instance("sandbox")


@pytest.fixture
def connect(instance: Instance, environ: dict[str, str]) -> Iterator[Connect]:
    """Open catalogues of the sandbox, changed as the arguments say; they are closed at the end."""
    opened: list[RucioCatalogue] = []

    def open_one(policy: Policy | None = None, **changes: object) -> RucioCatalogue:
        changed = instance._replace(**changes)  # type: ignore[arg-type]
        opened.append(RucioCatalogue(changed, policy, environ=environ))
        return opened[-1]

    yield open_one
    for catalogue in opened:
        catalogue.close()


@pytest.fixture
def catalogue(connect: Connect) -> RucioCatalogue:
    """The sandbox's catalogue."""
    return connect()


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that answers what a test tells it to: faults that a real one does not produce on demand."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def issued(tmp_path: Path) -> Iterator[ScriptedServer]:
    """The same over TLS."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "issued-ca.pem")
    with ScriptedServer(tls=context) as server:
        yield server


@pytest.fixture
def oidc(issued: ScriptedServer, tmp_path: Path) -> dict[str, object]:
    """What makes an instance one of `issued` with an OIDC login."""
    url = {"host": issued.url, "auth_host": issued.url, "ca_cert": tmp_path / "issued-ca.pem"}
    return {**url, "auth_type": "oidc", "credentials": Credentials()}


@pytest.fixture
def logged_in(connect: Connect, instance: Instance, environ: dict[str, str]) -> Callable[..., RucioCatalogue]:
    """Opens catalogues for whose login a token is kept: the sandbox's, which is good, and any one for another host."""
    connect().describe(DIMUON)

    def open_one(policy: Policy | None = None, **changes: object) -> RucioCatalogue:
        changed = instance._replace(**changes)  # type: ignore[arg-type]
        path = token_file(changed, environ)
        if not path.exists():
            path.write_text("a-kept-token")
        return connect(policy, **changes)

    return open_one
