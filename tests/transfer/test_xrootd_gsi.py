"""root:// storage that asks for a certificate of the Grid: two instances with CAs and people of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.core.events import SilentReporter
from nbrucio.core.files import Replica
from nbrucio.errors import CredentialsRejected
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import Outcome, StorageAccess, Task
from tests.support.faulty_disk import entry
from tests.support.grid import GridAuthority
from tests.support.hostile_storage import GOOD
from tests.support.xrootd_server import XrootdServer
from tests.transfer.conftest import PATIENT


class Site:
    """A CA, one person, and a storage that lets in people of this CA."""

    def __init__(self, folder: Path, name: str, person: str) -> None:
        folder.mkdir(mode=0o755)
        self.authority = GridAuthority(folder / "cas", name)
        self.certificate, self.key = self.authority.person(folder, person)
        (folder / "files").mkdir(mode=0o755)
        (folder / "files" / "good.root").write_bytes(GOOD)
        grid = (self.authority.folder, self.authority.host(folder / "host.pem"))
        self.server = XrootdServer(folder / "files", folder / "run", grid=grid)

    def access(self) -> StorageAccess:
        """What an instance with this person's certificate and this CA has."""
        return StorageAccess(ca=self.authority.folder, proxy=self.certificate, key=self.key)

    def task(self, instance: str) -> Task:
        """The task to download its file for an instance."""
        replica = Replica("R", self.server.pfn(self.server.folder / "good.root"))
        return Task(instance, entry(f"{instance}.root", GOOD), (replica,))


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[Site, Site]]:
    # Not below pytest's folder, which only its owner may enter: the servers run as nobody.
    root = Path(tempfile.mkdtemp(prefix="nbrucio-gsi-"))
    root.chmod(0o755)
    found = (Site(root / "one", "first authority", "Alice"), Site(root / "two", "second authority", "Bob"))
    for site in found:
        site.server.start()
    yield found
    for site in found:
        site.server.stop()
    shutil.rmtree(root)


def by_instance(store: Store, access: dict[str, StorageAccess], tasks: list[Task]) -> dict[str, Outcome]:
    outcomes = fetch(tasks, store, access, SilentReporter(), limits=PATIENT)
    return {outcome.task.instance: outcome for outcome in outcomes}


def test_each_of_two_instances_shows_its_own_certificate_as_a_proxy(
    sites: tuple[Site, Site], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    one, two = sites
    found = by_instance(store, {"a": one.access(), "b": two.access()}, [one.task("a"), two.task("b")])
    assert [found[name].error for name in ("a", "b")] == [None, None]
    assert "login as /CN=Alice" in one.server.log()
    assert "login as /CN=Bob" in two.server.log()
    assert "Bob" not in one.server.log()
    assert "Alice" not in two.server.log()
    assert list(tmp_path.glob("nbrucio-*")) == []  # a proxy that was made is removed


def test_a_person_of_another_ca_is_refused(sites: tuple[Site, Site], store: Store) -> None:
    one, two = sites
    stranger = StorageAccess(ca=one.authority.folder, proxy=two.certificate, key=two.key)
    found = by_instance(store, {"a": stranger}, [one.task("a")])
    assert isinstance(found["a"].error, CredentialsRejected)


def test_a_certificate_of_which_no_proxy_can_be_made_is_named(
    sites: tuple[Site, Site], store: Store, tmp_path: Path
) -> None:
    one, _ = sites
    (tmp_path / "broken.pem").write_text("garbage")
    access = StorageAccess(ca=one.authority.folder, proxy=tmp_path / "broken.pem", key=one.key)
    error = by_instance(store, {"a": access}, [one.task("a")])["a"].error
    assert isinstance(error, CredentialsRejected)
    assert "a proxy cannot be made of" in str(error)
