"""What kernels get while a sync downloads."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import jsonschema
import nbrucio_schemas
import pytest

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.events import ApplyStarted, Event, FileFinished
from nbrucio.kernel import Data, DataNotHere
from nbrucio.pipeline import download
from nbrucio.pipeline.manifest_files import arrivals_path
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.chaos import Chaos
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from nbrucio.transfer import commit_queue
from tests.pipeline.test_download import Recorder, notebook, pause

SCHEMA = nbrucio_schemas.load("manifest-1")


class Kernel(Recorder):
    """Takes the first of the files of ``handle`` when the first one has arrived, as a cell in a loop does."""

    def __init__(self, path: Path, handle: str = "dimuon") -> None:
        super().__init__()
        self.data = Data(path)
        self.files = self.data.as_completed(handle)
        self.got: list[str] = []
        self.states: list[str] = []
        self.lines: list[object] = []

    def report(self, event: Event) -> None:
        """Take a file."""
        if isinstance(event, FileFinished) and not self.got:
            self.got.append(next(self.files))
            self.states.append(self.data.manifest().state)
            manifest = self.data.path()
            assert manifest is not None
            self.lines = [json.loads(line) for line in arrivals_path(manifest).read_text().splitlines()]
        super().report(event)


@pytest.mark.parametrize("early", [True, False])
def test_a_kernel_gets_a_file_before_the_sync_ends(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    monkeypatch.setattr(download, "FEW", 0 if early else 20)
    path = notebook(tmp_path)
    kernel, came = Kernel(path), [True]
    if early:  # while the catalogue still answers, which waits for it
        came = pause(monkeypatch, kernel)
    report = sync([path], config, reporter=kernel)
    assert (came, kernel.states) == ([True], ["syncing"])
    for line in kernel.lines:
        jsonschema.validate(line, {**SCHEMA, "$ref": "#/$defs/arrival", "required": []})
    rest = list(kernel.files)
    (requirement,) = report.notebooks[0].requirements
    assert sorted([*kernel.got, *rest]) == sorted(file.where for file in requirement.here if file.where)
    assert report.notebooks[0].manifest is not None
    assert not arrivals_path(report.notebooks[0].manifest).exists()


def test_each_notebook_that_shares_a_file_gets_it(config: Config, tmp_path: Path) -> None:
    paths = []
    for name, handle in (("a", "dimuon"), ("b", "other")):
        (tmp_path / name).mkdir()
        paths.append(notebook(tmp_path / name, handle=handle))
    first, second = Kernel(paths[0]), Kernel(paths[1], "other")

    class Both:
        def report(self, event: Event) -> None:
            first.report(event)
            second.report(event)

    sync(paths, config, reporter=Both())
    assert first.got == second.got
    assert first.states == second.states == ["syncing"]


@pytest.fixture
def one_lost(sandbox: Sandbox) -> str:
    """A dataset of three files, of which the storage has lost one."""
    files = [NewFile(Did("sandbox", f"lost.{number}"), b"x" * (10 + number)) for number in range(3)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_POSIX"])
        did = str(add_dataset(client, "sandbox", "lost", [file.did for file in files], closed=True))
        (replica,) = client.list_replicas([{"scope": "sandbox", "name": "lost.1"}])
    pfn = Path(next(iter(replica["pfns"])).partition("://")[2].partition("/")[2])
    ("/" / pfn).unlink()
    return did


def test_one_file_that_fails_is_named_after_the_others(config: Config, tmp_path: Path, one_lost: str) -> None:
    path = notebook(tmp_path, did=one_lost, handle="lost")
    assert sync([path], config).exit_code != 0
    files = Data(path).as_completed("lost")
    assert [Path(next(files)).stat().st_size for _ in range(2)] == [10, 12]
    with pytest.raises(DataNotHere, match=r"'lost' \(sandbox:lost\) is missing: sandbox:lost\.1"):
        next(files)


def test_files_that_code_waits_for_go_before_larger_ones(config: Config, tmp_path: Path, sandbox: Sandbox) -> None:
    requirements = []
    for handle, size, count in (("large", 60_000, 8), ("small", 50_000, 2)):
        name = f"waited-for-{handle}"
        files = [NewFile(Did("sandbox", f"{name}.{number}"), b"x" * size) for number in range(count)]
        with sandbox.admin() as client:
            add_files(client, files, ["SANDBOX_HTTPS"])
            did = add_dataset(client, "sandbox", name, [file.did for file in files], closed=True)
        requirements.append({"did": str(did), "handle": handle})
    path = notebook(tmp_path)
    value = json.loads(path.read_text())
    value["metadata"]["nbrucio"]["requirements"] = requirements
    path.write_text(json.dumps(value))
    finished: list[str] = []

    class Asking:
        def report(self, event: Event) -> None:
            if isinstance(event, ApplyStarted):
                threading.Thread(target=lambda: next(Data(path).as_completed("small")), daemon=True).start()
            elif isinstance(event, FileFinished):
                finished.append(event.did.name)

    sandbox.cause(Chaos({"slow": 1.0}))
    try:
        one = config._replace(policy=config.policy._replace(parallel=1))
        assert sync([path], one, reporter=Asking()).exit_code == 0
    finally:
        sandbox.cause(Chaos())
    assert len(finished) == 10
    assert max(finished.index(f"waited-for-small.{number}") for number in range(2)) < 8, finished


def test_a_sync_that_is_stopped_says_so_to_kernels(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "FEW", 0)
    recorder, path = Recorder(), notebook(tmp_path)
    pause(monkeypatch, recorder, then=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        sync([path], config, reporter=recorder)
    files = Data(path).as_completed("dimuon")
    assert Path(next(files)).is_file()
    with pytest.raises(DataNotHere, match=r"'dimuon' .* is missing: the last sync failed"):
        list(files)


def test_files_that_arrive_together_have_a_line_each(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_queue, "_GATHER_S", 5.0)  # the commit of the first waits for the others
    seen: list[set[str]] = []

    class Listener:
        def report(self, event: Event) -> None:
            if isinstance(event, FileFinished):
                lines = next((tmp_path / "runtime").glob("*.arrivals")).read_text().splitlines()
                seen.append({json.loads(line)["file"]["did"] for line in lines})

    assert sync([notebook(tmp_path)], config, reporter=Listener()).exit_code == 0
    assert seen[-1] == {f"sandbox:dimuon.{number}.root" for number in range(1, 5)}


def test_lines_that_cannot_be_written_delay_the_files_only(config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path)

    class Lost:
        def report(self, event: Event) -> None:
            if isinstance(event, ApplyStarted):
                next((tmp_path / "runtime").glob("*.arrivals")).unlink()

    assert sync([path], config, reporter=Lost()).exit_code == 0
    assert len(list(Data(path).as_completed("dimuon"))) == 4
