"""A large file over root:// is read in parts, each over a connection of its own, on real xrootd servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import trustme

from nbrucio.core.events import BytesArrived, FileRetried
from nbrucio.core.files import Replica
from nbrucio.errors import IntegrityError, TransferFailed
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.parts import PartSink
from nbrucio.transfer.types import Outcome, StorageAccess
from nbrucio.transfer.xrootd import Xrootd
from nbrucio.transfer.xrootd_handles import Handles
from tests.support.faulty_disk import INSTANCE, entry
from tests.support.hostile_storage import GOOD, write_ca
from tests.support.listener import Listener
from tests.support.xrootd_server import XrootdServer
from tests.transfer.conftest import PATIENT, task

#: The good file has 32 parts.
PARTS = replace(PATIENT, part_bytes=16_000)

Bring = Callable[..., Outcome]


@pytest.fixture(scope="module")
def door(xrootd: XrootdServer) -> Iterator[XrootdServer]:
    """A server that redirects each request to `xrootd`."""
    door = XrootdServer(xrootd.folder, xrootd.run.parent / "door", redirects_to=xrootd.port)
    door.start()
    yield door
    door.stop()


@pytest.fixture
def bring(store: Store, listener: Listener) -> Bring:
    """Bring the good file from these PFNs, in this order, in this process."""

    def bring(*pfns: str) -> Outcome:
        (outcome,) = fetch([task(*pfns)], store, {INSTANCE: StorageAccess()}, listener, limits=PARTS)
        return outcome

    return bring


def _pfn(server: XrootdServer, name: str = "good") -> str:
    return server.pfn(server.folder / f"{name}.root")


def _connections(port: int) -> int:
    """The connections of this machine to a port of it."""
    tables = [Path(f"/proc/{os.getpid()}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [row.split() for table in tables for row in table]
    return sum(int(row[2].rpartition(":")[2], 16) == port and row[3] == "01" for row in rows)


class _Part:
    """A sink for a span of the good file, which can do something when its bytes arrive."""

    def __init__(self, start: int, end: int, then: Callable[[], None] = lambda: None) -> None:
        self.offset, self.end, self.entry = start, end, entry("x", GOOD)
        self.content = b""
        self._then = then

    def write(self, chunk: bytes) -> None:
        self._then()
        self.content += chunk
        self.offset += len(chunk)

    def check(self) -> None:
        pass


def test_parts_at_the_same_time_have_connections_of_their_own_also_behind_a_door(
    xrootd: XrootdServer, door: XrootdServer
) -> None:
    source = Xrootd(StorageAccess(), PARTS)
    replica = Replica("R", _pfn(door))
    inner = _Part(100_000, 200_000)
    outer = _Part(0, 100_000, lambda: source.read_part(replica, cast(PartSink, inner)) if not inner.content else None)
    before = _connections(xrootd.port)
    source.read_part(replica, cast(PartSink, outer))
    assert (outer.content, inner.content) == (GOOD[:100_000], GOOD[100_000:200_000])
    opened = _connections(xrootd.port) - before
    assert opened == 2
    again = _Part(200_000, 300_000)
    source.read_part(replica, cast(PartSink, again))
    assert again.content == GOOD[200_000:300_000]
    assert _connections(xrootd.port) - before == opened, "an idle one is used again"
    source.finish(replica)
    source.close()


def test_a_handle_gets_the_lowest_free_number_of_its_host() -> None:
    handles = Handles()
    one, two, other = handles.take("root://a:1//x"), handles.take("root://A:1//y"), handles.take("root://b:1//x")
    assert [one.url, two.url, other.url] == ["root://a:1//x", "root://nbrucio1@A:1//y", "root://b:1//x"]
    handles.drop(one)
    assert handles.take("root://a:1//z").number == 0
    handles.give_back(two)
    assert handles.take("root://A:1//y") is two
    handles.give_back(two)
    assert handles.end("root://A:1//y") == [two]
    assert handles.take("root://a:1//y").number == 1


@pytest.mark.parametrize("scheme", ["root", "roots"])
def test_a_large_file_in_parts_is_whole_and_each_byte_is_counted_once(
    xrootd: XrootdServer, store: Store, ca: trustme.CA, tmp_path: Path, scheme: str
) -> None:
    """Over roots, with CAs of its own, a child reads the parts."""
    access = StorageAccess() if scheme == "root" else StorageAccess(ca=write_ca(ca, tmp_path))
    listener = Listener()
    one = task(_pfn(xrootd).replace("root:", f"{scheme}:", 1))
    partial = store.session().begin(INSTANCE, one.entry, lambda: None)
    partial.write(GOOD[:100_000])
    partial.keep()
    (outcome,) = fetch([one], store, {INSTANCE: access}, listener, limits=PARTS)
    assert outcome.stored is not None, outcome.error
    assert Path(outcome.stored.where).read_bytes() == GOOD
    counted = sum(event.count for event in listener.events if isinstance(event, BytesArrived))
    assert counted == len(GOOD) - 100_000


def test_a_user_name_in_a_pfn_stays(xrootd: XrootdServer, bring: Bring) -> None:
    outcome = bring(_pfn(xrootd).replace("root://", "root://somebody@", 1))
    assert outcome.stored is not None, outcome.error
    assert Path(outcome.stored.where).read_bytes() == GOOD


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("long", f"it has {len(GOOD) + 1:,} bytes instead of {len(GOOD):,}"),
        ("short", f"it has {len(GOOD) - 1:,} bytes instead of {len(GOOD):,}"),
        ("wrong", "adler32"),
    ],
)
def test_another_file_in_parts_is_refused_and_the_next_replica_is_tried(
    xrootd: XrootdServer, bring: Bring, listener: Listener, name: str, cause: str
) -> None:
    outcome = bring(_pfn(xrootd, name), _pfn(xrootd))
    assert outcome.stored is not None, outcome.error
    retried = [event.error.message for event in listener.events if isinstance(event, FileRetried)]
    assert len(retried) == 1
    assert cause in retried[0]


def test_a_wrong_size_ends_the_attempt_before_a_byte(xrootd: XrootdServer, bring: Bring, listener: Listener) -> None:
    outcome = bring(_pfn(xrootd, "long"))
    assert isinstance(outcome.error, IntegrityError)
    assert not any(isinstance(event, BytesArrived) for event in listener.events)


def test_an_error_behind_a_door_names_the_server(xrootd: XrootdServer, door: XrootdServer, bring: Bring) -> None:
    outcome = bring(_pfn(door, "absent"))
    assert isinstance(outcome.error, TransferFailed)
    assert f"(at 'localhost:{xrootd.port}', where it redirects to)" in outcome.error.message
    direct = bring(_pfn(xrootd, "absent"))
    assert "where it redirects" not in str(direct.error)
