"""Consent is kept when downloads begin, for what is downloaded; consent for once ends with its run."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from nbrucio.config import load
from nbrucio.core.did import Did
from nbrucio.core.planner import Wanted
from nbrucio.jupyter import underway
from nbrucio.jupyter.sync_job import SyncRequest
from nbrucio.jupyter.sync_jobs import SyncJobs
from nbrucio.jupyter.underway import UnderWay
from nbrucio.operations.grants import Grants
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.jupyter.test_open_policy import DIMUON, put
from tests.support.jupyter_server import Server, declaring

ONCE, ASKED, OPENED = SyncRequest(explicit=True, once=True), SyncRequest(explicit=True), SyncRequest(budget_bytes=1000)
#: So many files that none of the machines on which this runs downloads all of them before the first is reported.
MANY = "sandbox:consent.many"
#: A server of its own, in which a sync is ended once its first byte was told of.
ENDED = """
import logging, os, signal, sys, threading
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from nbrucio.operations.grants import Grants
from nbrucio.pipeline import progress
from nbrucio.jupyter.sync_job import SyncRequest
from nbrucio.jupyter.sync_jobs import SyncJobs
path, grants, once, end = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "once", sys.argv[4]
progress.INTERVAL_S = 0
def tell(run):
    if run.progress.bytes_done and not run.cancel.is_set():
        if end == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Thread(target=jobs.close if end == "server" else partial(jobs.cancel, path)).start()
        run.cancel.wait(60)
jobs = SyncJobs(tell, logging.getLogger(), Grants(grants))
future = jobs.start(path, SyncRequest(explicit=True, once=once)).future
wait([future])
os._exit(0 if future.exception() else 1)
"""


class Home:
    """One user's folder, in which servers start and end."""

    def __init__(self, folder: Path) -> None:
        self.store, self.grants = folder / "store", Grants(folder / "grants.json")
        self.under_way = folder / "under-way"
        self.path = folder / "a.ipynb"
        self.path.write_text(json.dumps(declaring(many=MANY)))

    def server(self) -> SyncJobs:
        """The syncs of a server that was just started."""
        return SyncJobs(lambda _run: None, logging.getLogger(), self.grants, load)

    def sync(self, request: SyncRequest) -> str:
        """How the dataset is after a sync of a new server."""
        server = self.server()
        try:
            return server.start(self.path, request).future.result(120).states["many"]
        finally:
            server.close()

    def end_in_mid_sync(self, kind: str = "once", by: str = "killed") -> None:
        """Let a server begin a sync that the user asks for, and end it by a signal, the server or the user."""
        grants = str(self.grants.folder / "grants.json")
        words = [sys.executable, "-c", ENDED, str(self.path), grants, kind, by]
        done = subprocess.run(words, env=dict(os.environ), check=False, timeout=120)
        assert done.returncode == (-signal.SIGKILL if by == "killed" else 0)

    def evict(self) -> None:
        """Forget all files."""
        for file in self.store.glob("objects/*/*/*"):
            file.parent.chmod(0o700)
            file.unlink()


@pytest.fixture(scope="module", autouse=True)
def _many(sandbox: Sandbox) -> None:
    files = [NewFile(Did("sandbox", f"consent/{n:03}.dat"), b"%03d" % n * 3_000) for n in range(300)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        add_dataset(client, "sandbox", "consent.many", [file.did for file in files], closed=True)


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name, value in {**sandbox.env(), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NBRUCIO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    return Home(tmp_path)


def test_a_sync_of_what_was_fetched_once_is_no_consent_for_later(home: Home) -> None:
    assert home.sync(ONCE) == "ready"
    assert home.sync(ASKED) == "ready"  # and downloads nothing
    assert home.grants.all() == ()
    home.evict()
    assert home.sync(OPENED) == "missing"


def test_consent_is_for_what_is_downloaded_and_adds_up_to_what_there_is(home: Home) -> None:
    assert home.sync(ONCE) == "ready"
    first = next(home.store.glob("objects/*/*/*"))
    size = first.stat().st_size
    first.parent.chmod(0o700)
    first.unlink()
    assert home.sync(ASKED) == "ready"
    assert [grant.max_bytes for grant in home.grants.all()] == [size]
    home.evict()
    assert home.sync(OPENED) == "missing"
    assert home.sync(ASKED) == "ready"
    (grant,) = home.grants.all()
    assert grant.max_bytes == sum(file.stat().st_size for file in home.store.glob("objects/*/*/*"))


@pytest.mark.parametrize("kind", ["once", "always"])
def test_what_a_killed_server_was_asked_for_is_resumed_by_the_next_one_and_ends_then(home: Home, kind: str) -> None:
    home.end_in_mid_sync(kind)
    assert [grant.did.name for grant in home.grants.all()] == ([] if kind == "once" else ["consent.many"])
    (kept,) = home.under_way.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    home.evict()  # what had arrived before it was killed
    assert home.sync(SyncRequest(budget_bytes=0)) == "missing"  # opening is to download nothing
    # More than opening may download, since somebody asked for it.
    assert home.sync(OPENED) == "ready"
    assert not list(home.under_way.iterdir())
    home.evict()
    assert home.sync(OPENED) == "missing"


def test_another_declaration_in_place_of_one_under_way_is_asked_for(home: Home) -> None:
    home.end_in_mid_sync()
    home.path.write_text(json.dumps(declaring(many="sandbox:odd.names")))
    assert home.sync(OPENED) == "missing"


@pytest.mark.parametrize(("by", "then"), [("server", "ready"), ("user", "missing")])
def test_a_run_that_the_server_stops_goes_on_and_one_that_the_user_stops_does_not(
    home: Home, by: str, then: str
) -> None:
    home.end_in_mid_sync(by=by)
    home.evict()
    assert home.sync(OPENED) == then
    assert home.grants.all() == ()


def test_consent_for_once_follows_a_notebook_that_is_renamed(home: Home) -> None:
    server = home.server()
    home.end_in_mid_sync()
    new = home.path.with_name("b.ipynb")
    home.path.rename(new)
    server.moved({home.path: new})
    server.close()
    home.path = new
    home.evict()
    assert home.sync(OPENED) == "ready"


def test_a_record_that_cannot_be_read_is_no_consent(home: Home) -> None:
    home.end_in_mid_sync()
    (kept,) = home.under_way.iterdir()
    home.evict()
    kept.write_text("{")
    assert home.sync(OPENED) == "missing"
    shutil.rmtree(home.under_way)


def test_a_record_from_a_clock_that_was_ahead_is_no_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=30)

    kept, did = UnderWay(tmp_path / "under-way"), Did.parse(DIMUON)
    with monkeypatch.context() as patched:
        patched.setattr(underway, "datetime", Ahead)
        kept.keep(tmp_path / "a.ipynb", [Wanted("rucio.example.org", did, 1, 1)])
    kept.keep(tmp_path / "b.ipynb", [Wanted("rucio.example.org", did, 1, 1)])
    assert [len(kept.of(tmp_path / name)) for name in ("a.ipynb", "b.ipynb")] == [0, 1]


def test_consent_of_a_server_is_kept_before_the_first_byte(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.sync("a.ipynb")
    assert [grant["did"] for grant in server.ask("nbrucio/grants")[1]["grants"]] == [DIMUON]
    server.sync("a.ipynb")
    assert not list((server.folder / "under-way").iterdir())
