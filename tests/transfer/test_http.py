"""HTTP storage, well-behaved and hostile.

Without the comparison of sizes in `transfer.base.Sink.write`, an endless file is read on. Without `_check_range` and
`_check_version` in `transfer.http`, or the `restart` after a 200, parts of two versions become one file: 4 of these
tests fail.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.core.events import BytesArrived, FileRetried, SilentReporter
from nbrucio.core.files import FileEntry, Replica
from nbrucio.errors import CredentialsRejected, IntegrityError, MissingDependency, NbrucioError, TransferFailed
from nbrucio.store import Store
from nbrucio.transfer import curl_pool
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.scheduler import Scheduler, TransferJob
from nbrucio.transfer.types import Outcome, StorageAccess, Task, TransferLimits
from tests.support.faulty_disk import INSTANCE, entry, objects, partials
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.listener import Listener
from tests.transfer.conftest import QUICK

pytestmark = pytest.mark.trust("S")

Bring = Callable[..., Outcome]

HOSTILE = {
    "short": IntegrityError,
    "long": IntegrityError,
    "endless": IntegrityError,
    "wrong": IntegrityError,
    "cut": TransferFailed,
    "stall": TransferFailed,
    "mute": TransferFailed,
    "trickle": TransferFailed,
    "reset": TransferFailed,
    "loop": TransferFailed,
    "to/file:///etc/passwd": TransferFailed,
    "to/": TransferFailed,
    "status/404": TransferFailed,
    "status/503": TransferFailed,
    "status/401": CredentialsRejected,
    "status/403": CredentialsRejected,
    "status/204": TransferFailed,
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_server_ends_in_bounded_time_and_disk_with_the_right_error(
    server: Hostile, bring: Bring, store: Store, how: str
) -> None:
    start = time.monotonic()
    outcome = bring(server.url(how))
    assert type(outcome.error) is HOSTILE[how], outcome.error
    assert "RSE0" in str(outcome.error)
    assert "test:good.root" in str(outcome.error)
    assert time.monotonic() - start < 10
    assert objects(store.root) == []
    assert sum(path.stat().st_size for path in partials(store.root)) <= len(GOOD)


@pytest.mark.parametrize("how", HOSTILE)
def test_after_a_hostile_replica_the_next_one_delivers(server: Hostile, bring: Bring, how: str) -> None:
    outcome = bring(server.url(how), server.url("good"))
    assert outcome.stored is not None, outcome.error
    assert outcome.stored.path.read_bytes() == GOOD


@pytest.mark.parametrize("how", ["norange", "otherrange", "changed", "storm", "good"])
def test_a_server_that_can_be_lived_with_delivers(server: Hostile, bring: Bring, listener: Listener, how: str) -> None:
    outcome = bring(server.url(how))
    assert outcome.stored is not None, outcome.error
    assert outcome.stored.path.read_bytes() == GOOD
    arrived = sum(event.count for event in listener.events if isinstance(event, BytesArrived))
    assert arrived == len(GOOD), "progress is true in bytes whatever was sent twice"


@pytest.mark.parametrize("how", ["norange", "otherrange", "changed", "swapped"])
def test_bytes_of_other_ranges_and_versions_are_not_mixed_where_no_checksum_would_tell(
    server: Hostile, store: Store, access: StorageAccess, how: str
) -> None:
    unknown = FileEntry(Did("test", "x"), None)
    task = Task(INSTANCE, unknown, (Replica("R", server.url(how)),))
    (outcome,) = fetch([task], store, {INSTANCE: access}, SilentReporter(), limits=QUICK)
    assert outcome.stored is not None, outcome.error
    assert outcome.stored.path.read_bytes() == GOOD


@pytest.mark.parametrize(("how", "size"), [("short", "511,995"), ("long", "512,001")])
def test_a_file_whose_size_is_announced_wrong_is_not_read(
    server: Hostile, bring: Bring, listener: Listener, how: str, size: str
) -> None:
    assert f"it has {size} bytes instead of 512,000" in str(bring(server.url(how)).error)
    assert not any(isinstance(event, BytesArrived) for event in listener.events)


def test_a_lost_connection_is_resumed_where_it_ended(server: Hostile, bring: Bring) -> None:
    bring(server.url("cut"), server.url("good"))
    assert server.requests[-1].offset == 1000
    assert server.requests[-1].sent == len(GOOD) - 1000


def test_a_version_is_continued_only_if_it_is_the_same(server: Hostile, bring: Bring) -> None:
    bring(server.url("changed"))
    assert server.requests[1].headers["if-range"] == '"old"'


def test_a_stalled_transfer_is_ended_by_its_speed(server: Hostile, bring: Bring) -> None:
    assert "stalled" in str(bring(server.url("trickle"), limits=replace(QUICK, attempts=1)).error)


def test_a_server_of_another_protocol_is_called_that(server: Hostile, bring: Bring) -> None:
    assert "RSE0: it does not answer in HTTP." in str(bring(server.url("ssh")).error)


def test_a_slow_but_steady_transfer_is_left_alone(server: Hostile, bring: Bring) -> None:
    assert bring(server.url("slow")).stored is not None
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("good/a b", "/good/a%20b"),
        ("good/Zürich#1", "/good/Z%C3%BCrich%231"),
        ("good/50%", "/good/50%25"),
        ("good/50%25+a=b", "/good/50%25+a=b"),
        ("good//twice", "/good//twice"),
    ],
)
def test_every_name_of_a_file_is_asked_for_as_a_url(server: Hostile, bring: Bring, name: str, asked: str) -> None:
    assert bring(server.url(name)).stored is not None
    assert [request.path for request in server.requests] == [asked]


def test_nobody_is_logged_in_by_a_url(server: Hostile, bring: Bring, access: StorageAccess) -> None:
    url = server.url(f"to/{server.url('good', host='other:word@localhost')}", host="user:word@localhost")
    assert bring(url, access=replace(access, token=None)).stored is not None
    assert not any("authorization" in request.headers for request in server.requests)


@pytest.mark.parametrize("scheme", ["davs", "https"])
def test_dav_urls_are_http(server: Hostile, bring: Bring, scheme: str) -> None:
    assert bring(server.url("good").replace("https", scheme)).stored is not None


def test_connections_are_kept(
    server: Hostile, store: Store, access: StorageAccess, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curl_pool, "_IDLE_S", 60)  # on a busy machine one may be idle for long
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", server.url(f"good/{n}")),)) for n in range(40)]
    accepted: list[object] = []
    wrap = server._context.wrap_socket
    server._context.wrap_socket = lambda *a, **k: accepted.append(1) or wrap(*a, **k)  # type: ignore[method-assign,assignment,func-returns-value]
    assert all(one.stored for one in fetch(tasks, store, {INSTANCE: access}, listener))
    assert len(accepted) <= 4


@pytest.mark.parametrize(
    "pfn", ["https://[bad/x", "https://localhost:notaport/x", "https:///x", "https://", "http://localhost:1/x"]
)
def test_a_url_that_leads_nowhere_is_an_error_of_the_tree(bring: Bring, pfn: str) -> None:
    assert isinstance(bring(pfn).error, NbrucioError)


def test_without_pycurl_another_protocol_is_tried_and_the_error_says_what_to_install(
    server: Hostile, bring: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pycurl", None)
    error = bring(server.url("good")).error
    assert isinstance(error, MissingDependency)
    assert error.next_command == "pip install --force-reinstall pycurl"
    (tmp_path / "good").write_bytes(GOOD)
    assert bring(server.url("good"), f"file://{tmp_path}/good").stored is not None


def test_a_redirect_to_what_is_not_http_is_refused_in_words(server: Hostile, bring: Bring) -> None:
    assert "a URL that is not HTTP" in str(bring(server.url("to/file:///etc/passwd")).error)
    assert "a redirect without a target" in str(bring(server.url("to/")).error)


def test_an_error_behind_a_redirect_names_the_server(server: Hostile, bring: Bring) -> None:
    other = server.url("status/404/x", host="127.0.0.1")
    outcome = bring(server.url(f"to/{other}"))
    assert f"not found (HTTP 404) (at '127.0.0.1:{server.port}', where it redirects to)" in str(outcome.error)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        gone = f"127.0.0.1:{unused.getsockname()[1]}"
    outcome = bring(server.url(f"to/https://{gone}/x?authz=secret"))
    assert f"(at '{gone}', where it redirects to)" in str(outcome.error)
    assert "secret" not in str(outcome.error)
    assert "where it redirects" not in str(bring(server.url("status/404/x")).error)


def test_a_failure_that_a_trailer_reports_is_followed_by_the_next_replica(
    server: Hostile, bring: Bring, listener: Listener
) -> None:
    outcome = bring(server.url("late/500/x"), server.url("good/x"))
    assert outcome.stored is not None, outcome.error
    assert outcome.stored.path.read_bytes() == GOOD
    causes = [event.error.message for event in listener.events if isinstance(event, FileRetried)]
    assert any("its storage failed after it had begun: '500: Whatever'" in cause for cause in causes)


def test_a_trailer_that_reports_success_ends_a_file(server: Hostile, bring: Bring) -> None:
    outcome = bring(server.url("late/200/x"))
    assert outcome.stored is not None, outcome.error
    assert len(server.requests) == 1


@pytest.mark.parametrize(("how", "least", "most"), [("storm/9", 9.0, 13.5), ("storm/3600", 20.0, 30.0)])
def test_files_do_not_return_together_after_the_pause_that_a_storage_asks_for(
    how: str, least: float, most: float, server: Hostile, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    add = Scheduler.add

    def at_once(self: Scheduler, job: TransferJob, host: str, delay_s: float = 0.0) -> None:
        if delay_s:
            pauses.append(delay_s)
        add(self, job, host)

    monkeypatch.setattr(Scheduler, "add", at_once)
    assert bring(server.url(how), limits=TransferLimits()).stored
    assert len(set(pauses)) == 2
    assert all(least <= pause <= most for pause in pauses)
