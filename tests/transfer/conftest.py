"""A hostile server, a good disk, and a store."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from nbrucio.core.files import Replica
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import Outcome, StorageAccess, Task, TransferLimits
from tests.support.faulty_disk import INSTANCE, entry
from tests.support.hostile_storage import GOOD, Hostile, write_ca
from tests.support.listener import Listener
from tests.support.xrootd_server import XrootdServer

#: Quick to lose patience, so that tests end.
QUICK = TransferLimits(backoff_s=0.01, max_wait_s=0.1, stall_s=0.6, stall_bytes_per_s=1000, connect_s=2.0, host_s=0.05)
#: Quick to try again, and as patient as with users: for a storage that works, on a machine that may be busy.
PATIENT = TransferLimits(backoff_s=0.01, max_wait_s=1.0, host_s=0.05)


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(ca: trustme.CA) -> Iterator[Hostile]:
    server = Hostile(ca)
    yield server
    server.close()


@pytest.fixture
def access(ca: trustme.CA, tmp_path: Path) -> StorageAccess:
    return StorageAccess(ca=write_ca(ca, tmp_path), token="secret", file_roots=(tmp_path,))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def bring(store: Store, access: StorageAccess, listener: Listener) -> Callable[..., Outcome]:
    """Bring the good file from these PFNs, in this order."""

    def bring(*pfns: str, limits: TransferLimits = QUICK, access: StorageAccess = access) -> Outcome:
        (outcome,) = fetch([task(*pfns)], store, {INSTANCE: access}, listener, limits=limits)
        return outcome

    return bring


def task(*pfns: str) -> Task:
    """A task for the good file with a replica at each of these PFNs."""
    return Task(INSTANCE, entry("good.root", GOOD), tuple(Replica(f"RSE{n}", pfn) for n, pfn in enumerate(pfns)))


@pytest.fixture(scope="module")
def xrootd(ca: trustme.CA) -> Iterator[XrootdServer]:
    """A server with the good file, and others that are not as the catalogue says."""
    # Not below pytest's folder, which only its owner may enter: the server runs as nobody.
    root = Path(tempfile.mkdtemp(prefix="nbrucio-xrootd-"))
    root.chmod(0o755)
    files = root / "files"
    (files / "folder").mkdir(parents=True)
    for name, content in (("good", GOOD), ("wrong", bytes(len(GOOD))), ("long", GOOD + b"!"), ("short", GOOD[:-1])):
        (files / f"{name}.root").write_bytes(content)
    certificate = root / "server.pem"
    certificate.touch(0o600)
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    server = XrootdServer(files, root / "run", certificate)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(root)
