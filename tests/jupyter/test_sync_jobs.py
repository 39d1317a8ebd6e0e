"""Who asks for a sync while one is under way gets that one's end, unless it was allowed less."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nbrucio.config import Config, load
from nbrucio.errors import Interrupted
from nbrucio.jupyter.sync_job import SyncJob, SyncRequest
from nbrucio.jupyter.sync_jobs import SyncJobs
from nbrucio.operations.grants import Grants
from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.jupyter.test_open_policy import DIMUON, put
from tests.support.jupyter_server import declaring
from tests.support.slow_rucio import slow_rucio

LOOK, FETCH, ALL = SyncRequest(budget_bytes=0), SyncRequest(budget_bytes=100), SyncRequest()
READ = replace(LOOK, offline=True)
ONCE, ASKED = SyncRequest(explicit=True, once=True), SyncRequest(explicit=True)
ANEW = replace(ASKED, refresh=True)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (READ, LOOK, LOOK),
        (LOOK, FETCH, FETCH),
        (FETCH, ALL, ALL),
        (ALL, ONCE, ONCE),
        (ONCE, ASKED, ASKED),
        (ASKED, ANEW, ANEW),
        (replace(ONCE, refresh=True), ASKED, ANEW),
        (replace(READ, budget_bytes=100), LOOK, FETCH),
    ],
)
def test_a_wish_covers_what_allows_less(one: SyncRequest, other: SyncRequest, both: SyncRequest) -> None:
    assert not one.covers(other)
    assert one.merge(other) == other.merge(one) == both
    assert both.covers(one)
    assert both.covers(other)
    assert one.covers(one)


def test_consent_that_comes_while_a_notebook_opens_counts(start: Start, sandbox: Sandbox, tmp_path: Path) -> None:
    body = {"path": "a.ipynb"}
    with slow_rucio(sandbox, tmp_path, 1.5) as config, start(NBRUCIO_CONFIG=str(config)) as server:
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.open("a.ipynb")
        assert server.state("a.ipynb")["state"] == "syncing"
        assert server.ask("nbrucio/sync", {**body, "once": True})[1]["sync"]["state"] == "syncing"
        # Those that come until it begins have one sync together, which is allowed what they are.
        assert server.ask("nbrucio/sync", body)[1]["sync"]["state"] == "syncing"
        assert server.ask("nbrucio/sync", {**body, "open": True})[1]["sync"]["state"] == "syncing"
        assert server.settled("a.ipynb")["requirements"] == {"dimuon": "ready"}
        assert [grant["did"] for grant in server.ask("nbrucio/grants")[1]["grants"]] == [DIMUON]
        assert "Traceback" not in server.log.read_text()


class Held:
    """Syncs of a notebook that declares nothing, which go on when ``go`` is set; ``told`` is what was said of runs."""

    def __init__(self, folder: Path) -> None:
        self.go, self.told = threading.Event(), list[tuple[SyncJob, str]]()
        self.path = folder / "a.ipynb"
        self.path.write_text(json.dumps(declaring()))
        config = load()

        def configure() -> Config:
            assert self.go.wait(30)
            return config

        grants = Grants(folder / "grants.json")
        self.sync_jobs = SyncJobs(
            lambda run: self.told.append((run, run.state)), logging.getLogger(), grants, configure
        )

    def start(self, request: SyncRequest) -> SyncJob:
        return self.sync_jobs.start(self.path, request)

    def ends(self) -> list[SyncJob]:
        """The runs of which an end was told, once all are over."""
        self.go.set()
        self.sync_jobs.close()
        return [run for run, state in self.told if state != "syncing"]


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    own = {"NBRUCIO_STORE": "store", "NBRUCIO_RUNTIME_DIR": "runtime", "HOME": "."}
    for name, path in own.items():
        monkeypatch.setenv(name, str(tmp_path / path))
    monkeypatch.setenv("NBRUCIO_CONFIG", "/dev/null")
    held = Held(tmp_path)
    yield held
    held.ends()


def test_only_the_last_of_several_syncs_is_the_end(held: Held) -> None:
    looks, asked = held.start(LOOK), held.start(ASKED)
    assert looks is not asked
    assert held.start(ALL) is held.start(ONCE) is held.sync_jobs.last(held.path) is asked
    held.go.set()
    asked.future.result(30)
    assert looks.state == "done"
    assert held.ends() == [asked]


def test_who_may_do_less_joins(held: Held) -> None:
    asked = held.start(ASKED)
    assert [held.start(request) for request in (ONCE, LOOK, ALL)] == [asked] * 3
    held.go.set()
    asked.future.result(30)
    assert held.start(ALL) is asked, "it was a moment ago"


def test_what_waits_is_stopped_with_what_it_waits_for(held: Held) -> None:
    runs = held.start(LOOK), held.start(ASKED)
    assert held.sync_jobs.cancel(held.path)
    held.go.set()
    for run in runs:
        with pytest.raises(Interrupted):
            run.future.result(30)


def test_who_asks_again_after_a_stop_is_heard(held: Held) -> None:
    stopped = held.start(ASKED)
    held.sync_jobs.cancel(held.path)
    again = held.start(ASKED)
    held.go.set()
    with pytest.raises(Interrupted):
        stopped.future.result(30)
    assert again.future.result(30).states == {}
