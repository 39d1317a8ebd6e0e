"""D11: the hub exchanges a token, SWAN's swanoauthrenew writes it into a file, and nbrucio logs in with it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support.jupyter_server import declaring
from tests.swan.conftest import DEPLOYED
from tests.swan.session import Session
from tests.swan.stub_hub import Hub
from tests.swan.test_d12_browser import token
from tests.world.oidc.conftest import Provider, identity_provider_code, provider
from tests.world.oidc.test_oidc import environ as oidc_environ

__all__ = ["identity_provider_code", "oidc_environ", "provider", "token"]  # fixtures
pytestmark = pytest.mark.world

CELL = "import nbrucio\nprint(len(nbrucio.data['growing']), 'files')"


def test_d11_the_token_that_the_hub_exchanges_is_the_login(
    session: Session, provider: Provider, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "rucio_oauth.token"
    text = (DEPLOYED / "jupyter_server_config.py").read_text("utf-8")
    for there, here in {
        "https://vre-rucio.cern.ch": provider.url,
        "https://vre-rucio-auth.cern.ch": provider.url,
        "/cvmfs/sw.escape.eu/etc/ssl/certs/rucio_ca.pem": str(provider.ca),
        "/tmp/rucio_oauth.token": str(file),
        '"replica"': '"download"',
    }.items():
        assert there in text
        text = text.replace(there, here)
    with (session.local / "config" / "jupyter_server_config.py").open("a") as configuration:
        configuration.write(text)
    storage_ca = session.sandbox.root / "storage" / "ca.pem"
    own = session.home / ".config" / "nbrucio" / "config.toml"
    own.write_text(f"[instances.escape]\nstorage_ca = {json.dumps(str(storage_ca))}\n")
    exchanged = {"access_token": token, "exchanged_tokens": {"rucio": token}}
    with (
        Hub(exchanged) as hub,
        session.running(
            SWAN_RUCIO_INSTANCE="ESCAPE",
            JUPYTERHUB_API_URL=hub.environment()["JUPYTERHUB_API_URL"],
            JUPYTERHUB_API_TOKEN=hub.token,
        ) as server,
    ):
        end = time.monotonic() + 60
        while not (file.exists() and file.read_text() == token) and time.monotonic() < end:
            time.sleep(0.05)
        (login,) = server.ask("nbrucio/whoami?instance=escape")[1]["instances"]
        assert (login["state"], login["account"], login["by"]["file"]) == ("active", "sandbox", str(file)), login
        (server.root / "a.ipynb").write_text(json.dumps(declaring(CELL, growing="sandbox:growing")))
        assert server.sync("a.ipynb")["requirements"] == {"growing": "ready"}
        with server.kernel("a.ipynb") as kernel:
            assert kernel.run(CELL).text == "2 files\n"
            assert token not in kernel.run("import os; print(dict(os.environ))").text
        server.process.kill()  # swanoauthrenew's thread would go on
    assert token not in server.log.read_text()
