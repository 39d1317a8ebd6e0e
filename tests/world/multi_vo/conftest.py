"""A Rucio server with two VOs, each with a person, data of the same name and storage; started for the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox.rses import FOLDER_ATTRIBUTE
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from nbrucio.sandbox.servers import listen

ROOT = Path(__file__).parents[3]
#: Of each VO: the number of files in ``data:set``.
VOS = {"abc": 2, "xyz": 3}
#: A user name that both VOs know, one that only the first knows, and the password of each.
BOTH, ONE, PASSWORD = "jdoe", "one", "jane's own"
_ADMIN_PASSWORD = "password"  # Rucio's for new VOs

_CONFIG = """
[common]
logdir = {root}
loglevel = WARNING
multi_vo = true
[database]
default = sqlite:///{root}/server/rucio.db?timeout=60
[policy]
permission = generic_multi_vo
schema = generic_multi_vo
lfn2pfn_algorithm_default = hash
[bootstrap]
userpass_identity = super
userpass_pwd = secret
userpass_email = super@example.org
x509_identity =
gss_identity =
ssh_identity =
[trace]
tracedir = {root}
brokers = no..broker
port = 61613
topic = /topic/rucio.tracer
username = none
password = none
"""
_DOMAIN = {"read": 1, "write": 1, "delete": 1}
_DOMAINS = {"lan": _DOMAIN, "wan": {**_DOMAIN, "third_party_copy_read": 1, "third_party_copy_write": 1}}


@dataclass(frozen=True)
class TwoVos:
    """The running server.

    Attributes:
        url: its URL.
        storage: the folder of all RSEs.
        log: one line for each request.
    """

    url: str
    storage: Path
    log: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoVos]:
    """The server, until the end of the module."""
    root = tmp_path_factory.mktemp("vos")
    (root / "server").mkdir()
    (root / "rucio.cfg").write_text(_CONFIG.format(root=root))
    dropped = ("RUCIO_", "GUNICORN_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment |= {"PYTHONPATH": str(ROOT), "RUCIO_CONFIG": str(root / "rucio.cfg"), "RUCIO_HOME": str(root)}
    with listen(0) as listener:
        url, fd = f"http://127.0.0.1:{listener.getsockname()[1]}", listener.fileno()
        words = ["tests.world.multi_vo.rucio_of_vos", root, fd, os.getpid(), *VOS]
        with subprocess.Popen([sys.executable, "-m", *map(str, words)], env=environment, pass_fds=[fd]) as rucio:
            listener.close()
            try:
                with urllib.request.urlopen(f"{url}/ping", timeout=60) as answer:
                    assert answer.status == 200
                for vo, files in VOS.items():
                    _fill(url, root, vo, files)
                yield TwoVos(url, root / "storage", root / "server" / "access.log")
            finally:
                rucio.terminate()


def _fill(url: str, root: Path, vo: str, files: int) -> None:
    folder = root / "storage" / vo
    folder.mkdir(parents=True)
    with closing(_Admin(url, root / f"tokens-{vo}", vo)) as admin:
        client: Any = admin.client
        client.add_account("jane", "USER", "jane@example.org")
        for name in (BOTH, ONE) if vo == "abc" else (BOTH,):
            client.add_identity("jane", name, authtype="USERPASS", email="j@example.org", password=PASSWORD)
        client.add_scope("jane", "data")
        client.add_rse("DISK", deterministic=True)
        client.add_rse_attribute("DISK", FOLDER_ATTRIBUTE, str(folder))
        where = {"hostname": "localhost", "port": 0, "prefix": f"{folder}/", "domains": _DOMAINS}
        client.add_protocol("DISK", {"scheme": "file", "impl": "rucio.rse.protocols.posix.Default", **where})
        made = [NewFile(Did("data", f"file.{number}"), f"{vo} {number}".encode()) for number in range(files)]
        add_files(client, made, ["DISK"])
        add_dataset(client, "data", "set", [file.did for file in made], closed=True)


class _Admin:
    """rucio-clients as the administrator of a VO, with saved tokens of its own."""

    def __init__(self, url: str, tokens: Path, vo: str) -> None:
        from rucio.client import Client

        tokens.mkdir()
        paths = (None, str(tokens / "expires"), str(tokens / "token"), str(tokens))
        private: Any = type("VoClient", (Client,), {"_get_auth_tokens": lambda _self: paths})
        creds = {"username": f"root@{vo}", "password": _ADMIN_PASSWORD}
        self.client = private(rucio_host=url, auth_host=url, account="root", auth_type="userpass", creds=creds, vo=vo)

    def close(self) -> None:
        """Close its connections."""
        self.client.session.close()
