"""``as_completed`` in a kernel that is told what has arrived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nbrucio.kernel import Data, DataNotHere
from nbrucio.pipeline.manifest import ManifestEntry, ManifestError, ManifestFile, row_of
from nbrucio.pipeline.manifest_files import arrivals_path, write
from tests.support.manifests import local_entry, of

COMING = ManifestEntry("muons", "s:muons", None, "syncing")
BROKEN = ManifestError("offline", "s:c: the storage does not answer.")


class Syncing:
    """A notebook whose sync this test carries out, and the `Data` of its kernel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebook = folder / "nb.ipynb"
        self.environ = {"NBRUCIO_RUNTIME_DIR": str(folder / "run")}
        self.data = Data(self.notebook, self.environ)
        self.path = self.publish(COMING)
        self.lines = arrivals_path(self.path)
        self.lines.touch()

    def publish(self, *entries: ManifestEntry, run: str | None = "one") -> Path:
        """Write the manifest."""
        return write(of(self.notebook, *entries)._replace(arrivals=run), self.environ)

    def file(self, name: str) -> ManifestFile:
        return local_entry(self.folder, "any", name).files[0]

    def line(self, name: str, handle: str = "muons", run: str = "one") -> None:
        """Append the line of a file that is here now."""
        with self.lines.open("a") as lines:
            lines.write(json.dumps({"run": run, "handle": handle, "file": row_of(self.file(name))}) + "\n")

    def names(self, count: int | None = None) -> list[str]:
        """The names of the first ``count`` files that code gets; of all without a count."""
        files = self.data.as_completed("muons")
        return [Path(path).name for path in (files if count is None else (next(files) for _ in range(count)))]


@pytest.fixture
def syncing(tmp_path: Path) -> Syncing:
    return Syncing(tmp_path)


def test_files_come_as_they_arrive_and_the_rest_at_the_end(syncing: Syncing) -> None:
    syncing.publish(COMING._replace(files=(syncing.file("here"),)))
    files = syncing.data.as_completed("muons")
    assert Path(next(files)).name == "here"
    syncing.line("b")
    assert Path(next(files)).name == "b"
    syncing.line("a")
    assert Path(next(files)).name == "a"
    syncing.publish(local_entry(syncing.folder, "muons", "a", "b", "here", "late"), run=None)
    assert not syncing.lines.exists(), "the manifest lists all files"
    assert [Path(path).name for path in files] == ["late"]


def test_code_waits_for_the_next_file(syncing: Syncing) -> None:
    done = local_entry(syncing.folder, "muons", "a", "b")
    threading.Timer(0.3, syncing.line, ("b",)).start()
    files = syncing.data.as_completed("muons")
    assert Path(next(files)).name == "b"
    threading.Timer(0.3, syncing.publish, (done,), {"run": None}).start()
    assert [Path(path).name for path in files] == ["a"]


def test_what_is_here_comes_in_the_order_of_the_list(syncing: Syncing) -> None:
    syncing.publish(local_entry(syncing.folder, "muons", "b", "a"), run=None)
    assert syncing.names() == ["b", "a"]
    assert [Path(path).name for path in syncing.data["muons"].as_completed()] == ["b", "a"]


def test_a_file_is_found_by_its_did_and_has_the_attributes_of_a_path(syncing: Syncing) -> None:
    syncing.line("a")
    path = next(syncing.data.as_completed(did="s:muons"))
    assert (path, Path(path).read_bytes()) == (str(syncing.folder / "a"), b"0123456789")
    assert path.storage_options == {}  # type: ignore[attr-defined]


def test_the_files_that_are_here_come_before_the_error(syncing: Syncing) -> None:
    syncing.line("b")
    syncing.publish(COMING._replace(state="failed", files=(syncing.file("a"),), error=BROKEN), run=None)
    files = syncing.data.as_completed("muons")
    assert Path(next(files)).name == "a"
    with pytest.raises(DataNotHere, match=r"'muons' \(s:muons\) is missing: s:c: the storage does not answer\."):
        next(files)


def test_a_sync_that_is_killed_ends_the_loop(syncing: Syncing) -> None:
    syncing.line("a")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    syncing.path.write_text(syncing.path.read_text().replace(f'"pid":{os.getpid()}', f'"pid":{ended.pid}'))
    files = syncing.data.as_completed("muons")
    assert Path(next(files)).name == "a"
    with pytest.raises(DataNotHere, match="the sync was stopped before its end") as caught:
        next(files)
    assert caught.value.next_command == f"nbrucio sync {syncing.notebook}"


def test_lines_of_another_run_of_other_data_and_half_lines_are_passed_over(syncing: Syncing) -> None:
    syncing.line("old", run="none")
    syncing.line("other", handle="jets")
    syncing.lines.write_bytes(syncing.lines.read_bytes() + b'{"run": "one", "han\n[]\n')
    syncing.line("a")
    assert syncing.names(1) == ["a"]


def test_the_next_run_goes_on_where_the_last_one_stopped(syncing: Syncing) -> None:
    syncing.line("a")
    files = syncing.data.as_completed("muons")
    assert Path(next(files)).name == "a"
    syncing.publish(COMING._replace(files=(syncing.file("a"),)), run="two")
    syncing.line("a", run="two")
    syncing.line("b", run="two")
    assert Path(next(files)).name == "b"


def test_a_file_that_is_gone_at_its_turn_does_not_stop_the_others(syncing: Syncing) -> None:
    syncing.publish(local_entry(syncing.folder, "muons", "a", "b", "c"), run=None)
    files = syncing.data.as_completed("muons")
    assert Path(next(files)).name == "a"
    (syncing.folder / "b").unlink()
    assert Path(next(files)).name == "c"
    with pytest.raises(DataNotHere, match=rf"must be synced again: {syncing.folder / 'b'} is gone"):
        next(files)


def test_other_data_under_the_same_handle_is_not_mixed_in(syncing: Syncing) -> None:
    syncing.line("a")
    files = syncing.data.as_completed("muons")
    assert Path(next(files)).name == "a"
    syncing.publish(local_entry(syncing.folder, "muons", "x", did="s:others"), run=None)
    with pytest.raises(DataNotHere, match="'muons' was changed in the notebook while this code read its files"):
        next(files)


def test_mistakes_are_told(syncing: Syncing) -> None:
    with pytest.raises(DataNotHere, match="declares no data as 'jets'"):
        next(syncing.data.as_completed("jets"))
    for wrong in ({}, {"handle": "muons", "did": "s:muons"}):
        with pytest.raises(TypeError, match="takes a handle, or the DID"):
            syncing.data.as_completed(**wrong)
