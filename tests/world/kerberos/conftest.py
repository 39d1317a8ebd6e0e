"""A KDC, and the sandbox's Rucio behind SPNEGO; real parts, started for the tests that use them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.servers import listen

ROOT = Path(__file__).parents[3]
REALM = "EXAMPLE.ORG"
#: The user that Rucio knows as the sandbox's account, one that it does not know, and their password.
USER, STRANGER, PASSWORD = f"jdoe@{REALM}", f"stranger@{REALM}", "jane's own"

_KRB5 = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {realm}
"""
_KDC = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  max_life = 10h
 }}
"""


@dataclass(frozen=True)
class Kerberos:
    """A realm with a KDC, and the folder of Python's Kerberos libraries."""

    environ: dict[str, str]
    libraries: Path

    def run(self, *words: object, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a program in this realm."""
        command = list(map(str, words))
        return subprocess.run(
            command, env={**self.environ, **extra}, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture(scope="session")
def kerberos_libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Kerberos libraries that ``rucio-clients[kerberos]`` needs, in a folder of their own."""
    folder = tmp_path_factory.mktemp("kerberos") / "libraries"
    wanted = ["requests-kerberos", "pyspnego", "gssapi", "krb5", "decorator"]  # the rest is there
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *wanted]
    subprocess.run(install, check=True, timeout=900)
    return folder


@pytest.fixture(scope="module")
def kerberos(kerberos_libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kerberos]:
    """A realm whose KDC runs until the end of the module."""
    folder = tmp_path_factory.mktemp("kdc")
    found = Kerberos({"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **_files(folder)}, kerberos_libraries)
    for attempt in range(5):  # another process may take a port that was free
        _configure(folder, _free_port())
        if attempt == 0:
            _fill(found, folder)
        with subprocess.Popen(["krb5kdc", "-n"], env=found.environ) as kdc:
            try:
                if _answers(found, kdc):
                    yield found
                    return
            finally:
                kdc.terminate()
    pytest.fail("the KDC did not start")


@pytest.fixture(scope="module")
def guarded(kerberos: Kerberos, sandbox: Sandbox) -> Iterator[str]:
    """The URL of Rucio behind SPNEGO."""
    dropped = ("RUCIO_", "GUNICORN_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment |= {**kerberos.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, kerberos.libraries)))}
    environment["RUCIO_CONFIG"] = str(sandbox.root / "server" / "etc" / "rucio.cfg")
    with sandbox.admin() as client:
        client.add_identity("sandbox", USER, "GSS", "jdoe@example.org", default=True)
    with listen(0) as listener:
        port, fd = listener.getsockname()[1], listener.fileno()
        words = ["tests.world.kerberos.rucio_behind_spnego", str(sandbox.root), str(fd), str(os.getpid())]
        with subprocess.Popen([sys.executable, "-m", *words], env=environment, pass_fds=[fd]) as server:
            listener.close()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=60) as answer:
                    assert answer.status == 200
                yield f"http://localhost:{port}"
            finally:
                server.terminate()


def _files(folder: Path) -> dict[str, str]:
    return {
        "KRB5_CONFIG": str(folder / "krb5.conf"),
        "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        "KRB5_KTNAME": str(folder / "keytab"),
        "KRB5CCNAME": str(folder / "no-tickets"),
    }


def _configure(folder: Path, port: int) -> None:
    (folder / "krb5.conf").write_text(_KRB5.format(realm=REALM, port=port))
    (folder / "kdc.conf").write_text(_KDC.format(realm=REALM, port=port, folder=folder))


def _fill(kerberos: Kerberos, folder: Path) -> None:
    commands: list[list[object]] = [["kdb5_util", "create", "-s", "-r", REALM, "-P", "master"]]
    admin = ["kadmin.local", "-r", REALM, "-q"]
    commands += [[*admin, f'addprinc -pw "{PASSWORD}" {user}'] for user in (USER, STRANGER)]
    commands += [[*admin, "addprinc -randkey HTTP/localhost"], [*admin, f"ktadd -k {folder}/keytab HTTP/localhost"]]
    for command in commands:
        done = kerberos.run(*command)
        assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(kerberos: Kerberos, kdc: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + 30
    while kdc.poll() is None and time.monotonic() < end:
        if kerberos.run("kinit", USER, stdin=f"{PASSWORD}\n").returncode == 0:
            kerberos.run("kdestroy")
            return True
        time.sleep(0.1)
    return False
