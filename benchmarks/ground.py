"""The ground on which all run: a sandbox whose files are also shown by a real xrootd server, and the shapes on it."""

from __future__ import annotations

import compileall
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox, seed
from tests.support.xrootd_server import XrootdServer, free_port

if TYPE_CHECKING:
    from rucio.client import Client

PROTOCOLS = ("file", "root", "https")
SCOPE = "sandbox"
_DOMAIN = {"read": 1, "write": 1, "delete": 1}
_IMPLEMENTATIONS = {"file": "posix.Default", "root": "xrootd.Default", "https": "webdav.Default"}


@dataclass(frozen=True)
class Shape:
    """How much data a dataset (or a container of ``datasets``) has, and in what pieces."""

    name: str
    files: int
    size_bytes: int
    datasets: int = 1

    @property
    def total_bytes(self) -> int:
        return self.files * self.size_bytes


SHAPES = (
    Shape("1000x1MB", 1000, 1_000_000),
    Shape("1000x100kB", 1000, 100_000),
    Shape("10x500MB", 10, 500_000_000),
    Shape("5x200x1MB", 1000, 1_000_000, datasets=5),
    Shape("cold-4x1MB", 4, 1_000_000),
)


@dataclass(frozen=True)
class Ground:
    """Everything that is set up. What ends in memory counts for all peers alike.

    Attributes:
        ca: the file with the storage's CA, for programs that take a file.
        cas: the folder of CAs that X509_CERT_DIR names, as on the Grid's machines; it holds the same one.
        ports: where each protocol of ``server`` is reached, which may be a line before it.
    """

    folder: Path
    sandbox: Sandbox
    server: XrootdServer
    ca: Path
    cas: Path
    ports: Mapping[str, int]

    @property
    def environment(self) -> dict[str, str]:
        """In which nbrucio and the plain rucio client run."""
        # Reverse look-ups of local addresses are no part of what is measured.
        own = {"XRD_LOGLEVEL": "Error", "PYTHONWARNINGS": "ignore", "X509_CERT_DIR": str(self.cas)}
        return {**os.environ, **self.sandbox.env(), **own}

    def files(self, shape: Shape) -> list[Path]:
        """The source files of a shape; protocols share them."""
        return [self.folder / "files" / f"{shape.files}x{shape.size_bytes}" / f"{n}.dat" for n in range(shape.files)]

    def url(self, path: Path, protocol: str) -> str:
        """How a raw tool names a source file."""
        if protocol == "file":
            return str(path)
        return f"{protocol}://localhost:{self.ports[protocol]}{'//' if protocol == 'root' else ''}{path}"

    def behind(self) -> dict[int, int]:
        """Each of the ``ports``, and the server's own port."""
        return {self.ports["root"]: self.server.port, self.ports["https"]: self.server.https_port}

    def did(self, shape: Shape, protocol: str) -> Did:
        return Did(SCOPE, f"{shape.name}.{protocol}")


@contextmanager
def prepared(
    folder: Path,
    shapes: tuple[Shape, ...],
    protocols: tuple[str, ...],
    *,
    with_line: bool = False,
    with_own_ca: bool = False,
) -> Iterator[Ground]:
    """Start the servers and seed ``shapes``; stop them at the end.

    Args:
        with_line: whether the storage is reached through a line, which the caller opens.
        with_own_ca: whether the configuration of nbrucio names a file of CAs instead of the Grid's folder.
    """
    _compile()
    folder.chmod(0o755)  # the xrootd server runs as nobody
    sandbox = Sandbox(folder / "sandbox", tied=True)
    sandbox.start()
    certificate, ca = _certificates(folder)
    cas = _grid_folder(folder / "cas", ca)
    server = XrootdServer(folder / "files", folder / "xrootd", certificate)
    (folder / "files").mkdir(exist_ok=True)
    server.start()
    try:
        own = {"root": server.port, "https": server.https_port}
        ports = {one: free_port() for one in own} if with_line else own
        ground = Ground(folder, sandbox, server, ca, cas, ports)
        _trust(ground, ca if with_own_ca else cas)
        with sandbox.admin() as client:
            for protocol in protocols:
                _add_rse(client, ground, protocol)
            for shape in shapes:
                checksums = {path: _write(path, shape.size_bytes) for path in ground.files(shape)}
                for protocol in protocols:
                    _register(client, ground, shape, protocol, checksums)
        yield ground
    finally:
        server.stop()
        sandbox.stop()


def _compile() -> None:
    """Write the bytecode of nbrucio, which an installed program has; some environments keep Python from writing it."""
    for module in ("nbrucio", "nbrucio_cli"):
        (folder,) = importlib.util.find_spec(module).submodule_search_locations  # type: ignore[union-attr,misc]
        compileall.compile_dir(folder, quiet=1)


def room_for(shapes: Sequence[Shape], wanted: Path | None) -> Path:
    """Return the folder for files: ``wanted``, else memory if it has room for ``shapes`` and one output."""
    if wanted is not None:
        return wanted
    need_bytes = (
        sum({shape.total_bytes for shape in shapes}) + max(shape.total_bytes for shape in shapes) + 1_000_000_000
    )
    memory = Path("/dev/shm")  # noqa: S108 a folder of our own is made in it
    if memory.is_dir() and min(shutil.disk_usage(memory).free, _available_bytes()) > 1.3 * need_bytes:
        return memory
    return Path(tempfile.gettempdir())


def _available_bytes() -> int:
    """Memory that programs can still have; 0 where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return 0
    return int(text.partition("MemAvailable:")[2].split()[0]) * 1024


def _certificates(folder: Path) -> tuple[Path, Path]:
    import trustme

    authority = trustme.CA()
    ca, certificate = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(ca))
    certificate.touch(0o600)
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    return certificate, ca


def _grid_folder(folder: Path, ca: Path) -> Path:
    """Return a new folder with ``ca`` under the name by which OpenSSL finds it."""
    folder.mkdir()
    shutil.copy(ca, folder)
    subprocess.run(["openssl", "rehash", folder], check=True)  # noqa: S607
    return folder


def _trust(ground: Ground, cas: Path) -> None:
    """Let nbrucio verify the xrootd server's certificate and read its files, instead of the sandbox's own storage."""
    configuration = Path(ground.sandbox.env()["NBRUCIO_CONFIG"])
    lines = configuration.read_text().splitlines()
    ours = {
        "storage_ca": f"storage_ca = {json.dumps(str(cas))}",
        "file_roots": f"file_roots = {json.dumps([str(ground.folder / 'files')])}",
    }
    configuration.write_text("".join(ours.get(line.partition(" ")[0], line) + "\n" for line in lines))


def _write(path: Path, size_bytes: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.stat().st_size != size_bytes:
        block = os.urandom(min(size_bytes, 1_000_000))
        path.write_bytes((block * (size_bytes // len(block) + 1))[:size_bytes])
        path.chmod(0o644)
    return f"{zlib.adler32(path.read_bytes()):08x}"


def _add_rse(client: Client, ground: Ground, protocol: str) -> None:
    rse = rse_name(protocol)
    hosts = {
        "file": {"hostname": "localhost", "port": 0, "prefix": f"{ground.folder}/files/"},
        "root": {"hostname": "localhost", "port": ground.ports["root"], "prefix": f"//{ground.folder}/files/"},
        "https": {"hostname": "localhost", "port": ground.ports["https"], "prefix": f"{ground.folder}/files/"},
    }
    client.add_rse(rse, deterministic=False, volatile=False)
    options: dict[str, Any] = {**hosts[protocol], "domains": {"lan": _DOMAIN, "wan": _DOMAIN}}
    client.add_protocol(
        rse, {"scheme": protocol, "impl": f"rucio.rse.protocols.{_IMPLEMENTATIONS[protocol]}", **options}
    )


def rse_name(protocol: str) -> str:
    """The RSE whose only protocol this is."""
    return f"BENCH_{protocol.upper()}"


def _register(client: Client, ground: Ground, shape: Shape, protocol: str, checksums: Mapping[Path, str]) -> None:
    did = ground.did(shape, protocol)
    names = [f"{did.name}.{path.stem}.dat" for path in checksums]
    rows = [
        {
            "scope": SCOPE,
            "name": name,
            "bytes": shape.size_bytes,
            "adler32": adler32,
            "pfn": f"file://localhost:0{path}" if protocol == "file" else ground.url(path, protocol),
        }
        for name, (path, adler32) in zip(names, checksums.items(), strict=True)
    ]
    for first in range(0, len(rows), 500):
        client.add_replicas(rse_name(protocol), rows[first : first + 500])
    dids = [Did(SCOPE, name) for name in names]
    if shape.datasets == 1:
        seed.add_dataset(client, SCOPE, did.name, dids, closed=True)
        return
    each = len(dids) // shape.datasets
    parts = [
        seed.add_dataset(client, SCOPE, f"{did.name}.part{n}", dids[n * each : (n + 1) * each], closed=True)
        for n in range(shape.datasets)
    ]
    seed.add_container(client, SCOPE, did.name, parts, closed=True)
