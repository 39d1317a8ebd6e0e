"""What the store remembers of notebooks goes when they are gone, and not before."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nbrucio.config import load
from nbrucio.core.did import Did
from nbrucio.pipeline.run import sync
from nbrucio.state import expiry
from nbrucio.state.expiry import PERIOD_S, prune
from nbrucio.state.staged_rules import StagedRule, StagedRules
from nbrucio.state.status_cache import CacheEntry, StatusCache

NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)
SEEN = CacheEntry("question", (), {})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    root.mkdir()
    return root


@pytest.fixture
def here(tmp_path: Path) -> Path:
    path = tmp_path / "here.ipynb"
    path.write_text("{}")
    return path


@pytest.fixture
def away(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "away.ipynb"


def look(root: Path, notebook: Path) -> None:
    cache = StatusCache(root)
    snapshot = cache.snapshot()
    assert snapshot is not None
    cache.save(notebook, snapshot, SEEN, [])
    assert cache.find(notebook, SEEN.question) == SEEN


def rule(expires: datetime, lifetime: timedelta = 14 * DAY, name: str = "n") -> StagedRule:
    return StagedRule("x", Did("s", name), "RSE", int(lifetime.total_seconds()), expires)


def test_what_was_seen_of_a_notebook_goes_with_it(root: Path, here: Path, away: Path) -> None:
    for notebook in (here, away):
        look(root, notebook)
    prune(root)
    assert StatusCache(root).find(here, SEEN.question) == SEEN
    assert len(list((root / "seen").iterdir())) == 1


def test_a_notebook_behind_a_link_is_there(root: Path, here: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.ipynb"
    link.symlink_to(here)
    look(root, link)
    prune(root)
    assert StatusCache(root).find(link, SEEN.question) == SEEN


def test_rules_of_a_notebook_that_is_gone_stay_while_one_may_live(
    root: Path, here: Path, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {
        here: [rule(NOW - 100 * DAY)],
        away: [rule(NOW - 15 * DAY), rule(NOW - 15 * DAY, name="other")],
        away.with_name("alive.ipynb"): [rule(NOW - 100 * DAY), rule(NOW + DAY, name="other")],
        away.with_name("renewed-elsewhere.ipynb"): [rule(NOW - 13 * DAY)],
    }
    staged = StagedRules(root)
    for notebook, kept in rules.items():
        # As from the command line, which is given names in its folder.
        monkeypatch.chdir(here.parent)
        staged.save(notebook.relative_to(here.parent), kept)
    monkeypatch.chdir("/")
    prune(root)
    assert {notebook.name for notebook in rules if not staged.read(notebook)} == {"away.ipynb"}
    assert len(list((root / "staged").iterdir())) == 3


def test_what_tells_nothing_of_a_notebook_stays(root: Path, away: Path) -> None:
    StagedRules(root).save(away, [rule(NOW - 100 * DAY)])
    look(root, away)
    (staged,), (seen,) = (root / "staged").iterdir(), (root / "seen").iterdir()
    newer = staged.read_bytes().replace(b'"version": 1', b'"version": 2')
    staged.write_bytes(newer)
    copy = seen.rename(seen.with_name("0" * 64))  # not the name of the notebook that it speaks of
    for number, text in enumerate((b"", b"[1]", b'{"notebook": 1}', b"\xff")):
        (root / "seen" / str(number)).write_bytes(text)
        (root / "staged" / f"{number}.json").write_bytes(text)
    prune(root)
    assert staged.read_bytes() == newer
    assert copy.exists()
    assert (len(list((root / "seen").iterdir())), len(list((root / "staged").iterdir()))) == (5, 5)


def test_a_file_system_that_fails_or_hangs_keeps_its_notebooks(
    root: Path, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(root, away)

    def fails(path: str) -> os.stat_result:
        raise OSError(5, "Input/output error", path)

    answer = threading.Event()

    def hangs(path: str) -> os.stat_result:
        answer.wait()
        raise FileNotFoundError(path)

    for lstat in (fails, hangs):
        with monkeypatch.context() as patch:
            patch.setattr(expiry.os, "lstat", lstat)
            prune(root)
            assert len(list((root / "seen").iterdir())) == 1
            (root / "swept").unlink()
    answer.set()
    for thread in threading.enumerate():
        if thread.name == "nbrucio-prune":
            thread.join()


def test_a_sync_looks_for_notebooks_once_a_day(root: Path, here: Path, away: Path) -> None:
    config = load({"NBRUCIO_STORE": str(root), "HOME": str(root.parent), "NBRUCIO_CONFIG": "/dev/null"})
    sync([here], config)
    look(root, away)
    sync([here], config)
    assert len(list((root / "seen").iterdir())) == 1, "it was looked today"
    yesterday = time.time() - PERIOD_S - 1
    os.utime(root / "swept", (yesterday, yesterday))
    sync([here], config)
    assert list((root / "seen").iterdir()) == []


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    prune(tmp_path / "store")
    assert not (tmp_path / "store").exists()
