"""An identity provider, and the sandbox's Rucio with it over TLS; real parts, started for the tests that use them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
import trustme

from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.servers import listen

ROOT = Path(__file__).parents[3]
#: The user that Rucio knows as the sandbox's account.
USER = "jdoe"


@dataclass(frozen=True)
class Provider:
    """Rucio over TLS with an identity provider.

    Attributes:
        url: Rucio's URL.
        issuer: the identity provider's.
        ca: the CA of Rucio's certificate.
        access_log: one line for each request to Rucio.
        database: of the sandbox, to which Rucio's tokens belong.
    """

    url: str
    issuer: str
    ca: Path
    access_log: Path
    database: Path

    def log_in(self, page: str, user: str = USER) -> requests.Response:
        """Log in at ``page`` as a person does in a browser; the last page that they see."""
        with requests.Session() as browser:
            browser.trust_env = False  # variables with CAs would go before `verify`
            browser.verify = str(self.ca)
            shown = browser.get(page)
            for typed in ({"login": user, "password": "any"}, {}):  # the login, and the consent
                action = re.search(r'action="([^"]+)"', shown.text)
                assert action is not None, shown.text
                hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', shown.text))
                shown = browser.post(urljoin(shown.url, action[1]), data={**hidden, **typed})
                if shown.url.startswith(self.url):
                    break
            return shown

    def requests(self) -> list[str]:
        """The paths that Rucio was asked for, without their queries."""
        return [line.split()[1].partition("?")[0] for line in self.access_log.read_text().splitlines()]


@pytest.fixture(scope="session")
def identity_provider_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """oidc-provider from npm, with our settings."""
    folder = tmp_path_factory.mktemp("idp")
    for name in ("package.json", "provider.mjs"):
        shutil.copy(Path(__file__).parent / "idp" / name, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(install, cwd=folder, env=_with_node(), check=True, timeout=300)
    return folder / "provider.mjs"


@pytest.fixture(scope="module")
def provider(
    identity_provider_code: Path, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Provider]:
    """Rucio with an identity provider, until the end of the module."""
    folder = tmp_path_factory.mktemp("oidc")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    with listen(0) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        command = ["node", identity_provider_code, f"{url}/auth/oidc_code", "3600"]
        with subprocess.Popen(
            command, env=_with_node(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as idp:
            assert idp.stdout is not None
            issuer = idp.stdout.readline().strip()
            found = Provider(
                url, issuer, folder / "ca.pem", folder / "access.log", sandbox.root / "server" / "rucio.db"
            )
            found.access_log.touch()
            rucio = _start_rucio(sandbox, folder, found, listener.fileno())
            listener.close()
            try:
                with sandbox.admin() as client:
                    email = f"{USER}@example.org"
                    client.add_identity("sandbox", f"SUB={USER}, ISS={issuer}", "OIDC", email, default=True)
                requests.get(f"{url}/ping", verify=str(found.ca), timeout=60, proxies={"https": ""}).raise_for_status()
                yield found
            finally:
                for process in (rucio, idp):
                    process.terminate()
                    process.wait(30)


def _start_rucio(sandbox: Sandbox, folder: Path, found: Provider, fd: int) -> subprocess.Popen[bytes]:
    client = {
        "issuer": found.issuer,
        "client_id": "rucio",
        "client_secret": "rucio-secret",
        "redirect_uris": [f"{found.url}/auth/oidc_code"],
    }
    (folder / "idpsecrets.json").write_text(json.dumps({"idp": {**client, "SCIM": client}}))
    oidc = {
        "idpsecrets": folder / "idpsecrets.json",
        "admin_issuer": "idp",
        "expected_audience": "rucio",
        "expected_scope": "openid profile",
    }
    own = (sandbox.root / "server" / "etc" / "rucio.cfg").read_text()
    section = "\n".join(["", "[oidc]", *(f"{key} = {value}" for key, value in oidc.items()), ""])
    (folder / "rucio.cfg").write_text(own + section)
    words = [sandbox.root, fd, folder / "server.pem", folder / "rucio.cfg", found.access_log, os.getpid()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RUCIO_", "GUNICORN_"))}
    # Its requests to the identity provider go straight to loopback.
    environment |= {"RUCIO_HOME": str(sandbox.root / "server"), "PYTHONPATH": str(ROOT), "no_proxy": "127.0.0.1"}
    command = [sys.executable, "-m", "tests.world.oidc.rucio_over_tls", *map(str, words)]
    with (folder / "server.log").open("w") as log:
        return subprocess.Popen(command, env=environment, pass_fds=[fd], stdout=log, stderr=log)


def _with_node() -> dict[str, str]:
    """The environment of node, which may be in our own environment of Python (`tools/need-node.sh`)."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
