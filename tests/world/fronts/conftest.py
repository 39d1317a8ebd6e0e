"""nginx and haproxy in front of the sandbox's Rucio and storage, configured as sites do, started for the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import trustme
from rucio.common.exception import Duplicate
from urllib3.exceptions import InsecureRequestWarning

from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.servers import listen
from tests.support.certificates import DN, UserAuthority

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
_BIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Front:
    """A running front.

    Attributes:
        kind: nginx or haproxy.
        url: where it ends TLS.
        plain: its port without TLS, which redirects there.
        narrow: the same with small limits for headers.
        through: a port that passes TLS on; haproxy's only.
        ca: the CA of its certificate.
        log: one line for each request.
    """

    kind: str
    url: str
    plain: str
    narrow: str
    through: str
    ca: Path
    log: Path


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> UserAuthority:
    """The CA of the people that the fronts know."""
    return UserAuthority(tmp_path_factory.mktemp("users"))


@dataclass(frozen=True)
class Backend:
    """A Rucio that knows the person of `users`, for fronts only.

    Attributes:
        port: of a process that trusts the header of the front.
        tls_port: of one that ends TLS itself, for a front that passes it on.
        folder: with the certificate of all fronts, and its CA in ``ca.pem``.
    """

    port: int
    tls_port: int
    folder: Path


@pytest.fixture(scope="module")
def backend(sandbox: Sandbox, users: UserAuthority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Both processes, until the end of the module."""
    folder = tmp_path_factory.mktemp("backend")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ca.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(folder / "front.pem")
    with suppress(Duplicate), sandbox.admin() as client:
        client.add_identity("sandbox", DN, "X509", "jane.doe@example.org", default=True)
    with rucio_process(sandbox) as port, rucio_process(sandbox, folder / "front.pem", users.ca_file()) as tls_port:
        yield Backend(port, tls_port, folder)


@contextmanager
def rucio_process(sandbox: Sandbox, *tls: Path) -> Iterator[int]:
    """Run the sandbox's Rucio once more; return its port.

    Args:
        tls: its certificate, and the CA of accepted certificates and proxies; without, a front names them.
    """
    dropped = ("RUCIO_", "GUNICORN_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment |= {"PYTHONPATH": str(ROOT), "RUCIO_CONFIG": str(sandbox.root / "server" / "etc" / "rucio.cfg")}
    with listen(0) as listener:
        port, fd = listener.getsockname()[1], listener.fileno()
        words = ["tests.world.fronts.rucio_behind_front", sandbox.root, fd, os.getpid(), *tls]
        with subprocess.Popen([sys.executable, "-m", *map(str, words)], env=environment, pass_fds=[fd]) as server:
            listener.close()
            try:
                url = f"http{'s' if tls else ''}://127.0.0.1:{port}/ping"
                with warnings.catch_warnings():  # nothing secret is asked for
                    warnings.simplefilter("ignore", InsecureRequestWarning)
                    requests.get(url, verify=False, timeout=60, proxies={"https": ""}).raise_for_status()
                yield port
            finally:
                server.terminate()


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def front(
    request: pytest.FixtureRequest,
    backend: Backend,
    sandbox: Sandbox,
    users: UserAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    """Each front in turn."""
    with _front(request.param, backend, sandbox, users, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@contextmanager
def _front(kind: str, backend: Backend, sandbox: Sandbox, users: UserAuthority, folder: Path) -> Iterator[Front]:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:  # accepts, and never answers
        values = {
            "FOLDER": folder,
            "BACKEND": backend.port,
            "BACKEND_TLS": backend.tls_port,
            "CERTIFICATE": backend.folder / "front.pem",
            "SILENT": silent.getsockname()[1],
            "STORAGE": sandbox.status().storage_url,
            "STORAGE_ADDRESS": str(sandbox.status().storage_url).partition("//")[2],
            "USERS": users.ca_file(),
        }
        for _ in range(5):  # another process may take a port that was free
            ports = {name: _free_port() for name in ("TLS", "PLAIN", "NARROW", "NOBODY", "THROUGH")}
            text = (HERE / f"{kind}.conf").read_text()
            for name, value in {**values, **ports}.items():
                text = text.replace(f"@{name}@", str(value))
            (folder / "front.conf").write_text(text)
            with _started(kind, folder) as process:
                if _answers(ports["TLS"], process) and _answers(ports["NARROW"], process):
                    tls, plain, narrow, through = (ports[name] for name in ("TLS", "PLAIN", "NARROW", "THROUGH"))
                    yield Front(
                        kind,
                        f"https://127.0.0.1:{tls}",
                        f"http://127.0.0.1:{plain}",
                        f"https://127.0.0.1:{narrow}",
                        f"https://127.0.0.1:{through}",
                        backend.folder / "ca.pem",
                        folder / ("access.log" if kind == "nginx" else "error.log"),
                    )
                    return
    pytest.fail(f"{kind} did not start: {(folder / 'error.log').read_text()}")


@contextmanager
def _started(kind: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    config = str(folder / "front.conf")
    command = {
        "nginx": ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", config],
        "haproxy": ["haproxy", "-db", "-f", config],
    }[kind]
    with (folder / "error.log").open("a") as log:
        process = subprocess.Popen(command, env={**os.environ, "PATH": _BIN}, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])
