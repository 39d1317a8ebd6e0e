"""The functions for programs, on the sandbox: same results as the commands, and what docs/python.md promises."""

from __future__ import annotations

import errno
import inspect
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import nbrucio
from nbrucio import api
from nbrucio.errors import BadDid, BadNotebook, Interrupted, UsageError
from nbrucio.sandbox import Sandbox

PAGE = (Path(__file__).parents[1] / "docs/python.md").read_text("utf-8")
FUNCTIONS = [name for name in api.__all__ if inspect.isfunction(getattr(api, name))]


@pytest.fixture
def machine(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on a machine that is configured for the sandbox."""
    own = {"HOME": tmp_path, "NBRUCIO_STORE": tmp_path / "store", "NBRUCIO_RUNTIME_DIR": tmp_path / "run"}
    for name, value in {**sandbox.env(), **own}.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


@pytest.fixture
def notebook(machine: Path) -> Path:
    """A notebook without data."""
    path = machine / "nb.ipynb"
    path.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n')
    return path


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbrucio", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_the_public_names_are_those_of_the_page() -> None:
    assert {*nbrucio.__all__} == {*api.__all__, "DataNotHere", "__version__", "data", "filesets"}
    rows = set(re.findall(r"`(\w+)\(", "".join(re.findall(r"^\| `\w+\(.*", PAGE, re.MULTILINE))))
    assert rows == {*FUNCTIONS}
    for name in nbrucio.__all__:
        assert getattr(nbrucio, name) is getattr(api, name, getattr(nbrucio, name)), name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_typed_documented_and_returns_a_result(name: str) -> None:
    function = getattr(api, name)
    parameters = inspect.signature(function).parameters.values()
    assert function.__doc__
    assert all(one.annotation is not inspect.Parameter.empty for one in parameters)
    assert all(one.kind is not inspect.Parameter.VAR_KEYWORD for one in parameters), "options are named"
    result = inspect.signature(function).return_annotation
    if name != "load_config":
        assert re.search(rf"`{name}\([^`]*\)`.* \| `{result}` \|", PAGE)


@pytest.mark.parametrize("name", ["sync", "plan", "status", "verify", "check", "stage", "lock", "upload"])
def test_an_empty_name_is_not_the_working_folder(name: str, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machine)
    (machine / "nb.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n')
    options = {"rse": "A", "scope": "b"} if name == "upload" else {}
    for given in ("", ["nb.ipynb", ""]) if name != "lock" else ("",):
        with pytest.raises(UsageError, match="is empty"):
            getattr(nbrucio, name)(given, **options)


@pytest.mark.parametrize("name", ["sync", "plan", "status", "verify", "check"])
def test_a_name_that_is_too_long_is_in_the_errors(name: str, machine: Path) -> None:
    (error,) = getattr(nbrucio, name)(machine / f"{'x' * 300}.ipynb").errors()
    assert isinstance(error, BadNotebook)


def test_a_name_that_is_too_long_cannot_be_compared(notebook: Path) -> None:
    with pytest.raises(BadNotebook, match="file name too long"):
        nbrucio.diff(notebook.with_name("x" * 300), notebook)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("limit", [-1, 0, 10**30])
def test_a_search_has_a_limit_between_one_and_a_billion(limit: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 1,000,000,000 DIDs"):
        nbrucio.search("sandbox:*", limit=limit)


def test_data_is_declared_planned_downloaded_compared_and_removed(notebook: Path) -> None:
    added = nbrucio.add(notebook, "sandbox:dimuon", handle="muons")
    assert (added.exit_code, added.changed, added.requirements[0].requirement.handle) == (0, True, "muons")
    estimate = nbrucio.plan(notebook)
    (missing,) = nbrucio.status(notebook).notebooks[0].requirements
    assert (missing.state, missing.handle, str(missing.did)) == ("missing", "muons", "sandbox:dimuon")
    assert (estimate.downloads.files, estimate.exit_code) == (len(missing.files), 0)
    report = nbrucio.sync(str(notebook))
    assert (report.exit_code, report.downloaded_files) == (0, estimate.downloads.files)
    assert all(file.path is not None and file.path.exists() for file in report.notebooks[0].requirements[0].files)
    assert nbrucio.verify([notebook]).files == estimate.downloads.files
    assert nbrucio.check(notebook).exit_code == nbrucio.check(notebook, offline=True).exit_code == 0
    assert nbrucio.lock(notebook, upgrade="muons").acts == {"muons": "checksums added"}
    assert nbrucio.lock(notebook, upgrade=[]).changed is False
    copy = notebook.with_name("copy.ipynb")
    copy.write_bytes(notebook.read_bytes())
    assert nbrucio.diff(notebook, copy).differences == ()
    assert nbrucio.remove(copy, "muons").changed
    assert [change.kind for change in nbrucio.diff(notebook, copy).differences] == ["removed"]
    assert nbrucio.status(notebook.parent).exit_code == 0, "a folder stands for its notebooks"


def test_a_result_is_the_json_of_its_command(notebook: Path) -> None:
    nbrucio.add(notebook, ["sandbox:dimuon"])
    nbrucio.sync(notebook)
    copy = notebook.with_name("copy.ipynb")
    copy.write_bytes(notebook.read_bytes())
    pairs: list[tuple[nbrucio.Result, tuple[object, ...]]] = [
        (nbrucio.status(notebook), ("status", notebook)),
        (nbrucio.verify(notebook), ("verify", notebook)),
        (nbrucio.check(notebook), ("check", notebook)),
        (nbrucio.diff(notebook, copy), ("diff", notebook, copy)),
        (nbrucio.search("sandbox:*", limit=2), ("search", "sandbox:*", "--limit", 2)),
    ]
    for result, words in pairs:
        printed = json.loads(command(*words, "--json").stdout)
        ours = result.as_json()
        assert {**printed, "elapsed_s": 0} == {**json.loads(json.dumps(ours)), "elapsed_s": 0}, words
        assert (printed["version"], printed["exit_code"]) == (1, result.exit_code)


def test_the_program_of_the_page_asks_downloads_and_reads(notebook: Path) -> None:
    nbrucio.add(notebook, "sandbox:dimuon", handle="muons")
    program = notebook.with_name("program.py")
    program.write_text(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0])

    def run(answer: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, str(program), str(notebook)]
        return subprocess.run(words, input=answer, capture_output=True, text=True, check=False)

    refused = run("n\n")
    assert (refused.returncode, refused.stderr) == (1, "Nothing was downloaded.\n")
    done = run("y\n")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    paths = [line.split()[-1] for line in lines if line.startswith("muons ")]
    assert paths
    assert all(Path(path).read_bytes() for path in paths)
    assert f"{len(paths)} of {len(paths)} files" in done.stdout
    assert run("").stdout.startswith("0 files to download"), "it asks only where something is missing"


@pytest.mark.parametrize("kind", [ZeroDivisionError, OSError])
def test_an_exception_of_the_progress_ends_the_run_and_is_raised(notebook: Path, kind: type[Exception]) -> None:
    nbrucio.add(notebook, "sandbox:dimuon")

    def fail(_now: nbrucio.Progress) -> None:
        raise kind(errno.ENOSPC, "the program's own disk")

    with pytest.raises(kind):
        nbrucio.sync(notebook, progress=fail)
    assert nbrucio.sync(notebook).exit_code == 0, "the next sync continues"


def test_a_cancelled_run_raises_interrupted(notebook: Path) -> None:
    nbrucio.add(notebook, "sandbox:dimuon")
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Interrupted):
        nbrucio.sync(notebook, cancel=cancel)


def test_the_last_progress_is_the_whole(notebook: Path) -> None:
    nbrucio.add(notebook, "sandbox:dimuon", handle="muons")
    calls: list[nbrucio.Progress] = []
    report = nbrucio.sync(notebook, progress=calls.append)
    last = calls[-1]
    assert (last.files_done, last.bytes_done) == (last.files_total, last.bytes_total)
    assert last.files_done == report.downloaded_files == last.handles["muons"].files_done


def test_wrong_arguments_are_errors_of_ours(notebook: Path, machine: Path) -> None:
    cases: list[tuple[type[nbrucio.NbrucioError], Callable[[], object]]] = [
        (UsageError, lambda: nbrucio.sync(notebook, locked=True, frozen=True)),
        (BadDid, lambda: nbrucio.add(notebook, "sandbox:dim*")),
        (BadDid, lambda: nbrucio.search("no-scope")),
        (UsageError, lambda: nbrucio.load_config(instance="elsewhere")),
        (BadNotebook, lambda: nbrucio.remove(machine / "none.ipynb", "muons")),
        (BadNotebook, lambda: nbrucio.sync(machine / "store")),
    ]
    (machine / "store").mkdir(exist_ok=True)
    for kind, call in cases:
        with pytest.raises(kind):
            call()
    assert nbrucio.sync(machine / "none.ipynb").exit_code == 2, "one notebook of several does not end the others"


FULL_PROCESS = """
import os, resource, sys
import nbrucio
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(256 - int(sys.argv[2]) - len(os.listdir("/dev/fd")) + 1)]
try:
    errors = nbrucio.sync(sys.argv[1]).errors()
except nbrucio.NbrucioError as error:
    errors = [error]
os.close(held.pop())
print(*{f"{error.exit_code} {error.message}" for error in errors}, sep="\\n")
"""


@pytest.mark.parametrize("files", [4, 6, 8, 10, 12])
def test_a_program_that_keeps_too_many_files_open_gets_an_error_of_ours_or_its_data(notebook: Path, files: int) -> None:
    nbrucio.add(notebook, "sandbox:dimuon")
    done = subprocess.run(
        [sys.executable, "-c", FULL_PROCESS, str(notebook), str(files)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    known = r"4 (\S+ was not downloaded: )?nbrucio cannot open more files: this process has too many open\.|"
    assert all(re.fullmatch(known, line) for line in done.stdout.splitlines()), done.stdout


def test_an_unreadable_notebook_without_data_is_left_out_with_a_warning(notebook: Path) -> None:
    notebook.with_name("broken.ipynb").write_text("{")
    with pytest.warns(UserWarning, match=r"broken\.ipynb.*left out") as found:
        assert len(nbrucio.status(notebook.parent).notebooks) == 1
    assert found[0].filename == __file__, "it points to the caller"


def test_files_are_uploaded_and_staged(machine: Path, notebook: Path) -> None:
    file = machine / "api.bin"
    file.write_bytes(b"made by a program")
    sent = nbrucio.upload(file, rse="SANDBOX_SCRATCHDISK", scope="user.sandbox", dataset="api.made")
    assert ([one.state for one in sent.files], sent.exit_code) == (["uploaded"], 0), list(sent.errors())
    nbrucio.add(notebook, "user.sandbox:api.made", handle="made")
    staged = nbrucio.stage(notebook, "made")
    assert ([each.act for each in staged.rules], staged.exit_code) == (["made"], 0)
