"""D2: SWAN installs with ``--no-deps``. Whatever library is missing, what can work works, and one sentence names it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from nbrucio_cli.progress import PlainLines, reporting

from nbrucio.disk import libraries
from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.jupyter.conftest import start as start  # a fixture
from tests.support.absent_libraries import without
from tests.support.jupyter_server import base_environment, declaring, notebook

MISSING_IN_SWAN = ("click", "filelock", "pycurl", "rich", "zlib-ng")


def _nbrucio(folder: Path, sandbox: Sandbox, missing: tuple[str, ...], *words: str) -> subprocess.CompletedProcess[str]:
    path = folder / "nb.ipynb"
    path.write_text(json.dumps(declaring(mounted="sandbox:mounted", growing="sandbox:growing")))
    env = base_environment(folder) | dict(sandbox.env()) | without(folder, *missing)
    command = [sys.executable, "-m", "nbrucio_cli", *words, str(path)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_d2_the_command_line_says_in_one_sentence_that_click_is_missing(tmp_path: Path, sandbox: Sandbox) -> None:
    done = _nbrucio(tmp_path, sandbox, ("click",), "sync")
    assert done.returncode == 2
    assert done.stderr.startswith("error: nbrucio needs click, which is not installed.\n\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_d2_a_sync_without_filelock_remembers_no_consent(tmp_path: Path, sandbox: Sandbox) -> None:
    done = _nbrucio(tmp_path, sandbox, ("filelock", "rich", "zlib-ng", "cryptography"), "sync")
    assert done.returncode == 0, done.stderr
    assert "needs filelock, which is not installed." in done.stderr
    assert "2 of 2 ready, 2 files downloaded" in done.stdout


def test_d2_any_other_missing_library_is_no_bug(tmp_path: Path, sandbox: Sandbox) -> None:
    done = _nbrucio(tmp_path, sandbox, ("platformdirs",), "sync", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["subject"]) == ("missing-dependency", "platformdirs")
    assert error["message"] == "nbrucio needs platformdirs, which is not installed."


@pytest.mark.parametrize("missing", ["jsonschema", "nbformat"])
def test_d2_a_check_without_a_validator_says_so_once(tmp_path: Path, sandbox: Sandbox, missing: str) -> None:
    done = _nbrucio(tmp_path, sandbox, (missing,), "check", "--offline")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].endswith(f" cannot be checked: {missing} is not installed."), done.stderr
    assert done.stderr.count("error:") == 1


def test_d2_an_edit_without_jsonschema_warns_and_edits(tmp_path: Path, sandbox: Sandbox) -> None:
    done = _nbrucio(tmp_path, sandbox, ("jsonschema", "nbformat"), "lock")
    assert done.returncode == 0, done.stderr
    assert "warning: Declarations cannot be checked: jsonschema is not installed." in done.stderr
    assert '"digest"' in (tmp_path / "nb.ipynb").read_text()


def test_d2_lines_replace_the_bar_where_rich_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("nbrucio_cli.progress.find_spec", lambda _: None)
    with reporting(quiet=False, events=False) as reporter:
        assert isinstance(reporter, PlainLines)


def test_d2_a_bug_stays_a_bug() -> None:
    own = ModuleNotFoundError("No module named 'nbrucio.gone'", name="nbrucio.gone")
    assert libraries.unexpected(own).code == libraries.unexpected(ValueError("x")).code == "internal"
    assert libraries.unexpected(ModuleNotFoundError("x", name="rucio.client")).subject == "rucio-clients"


@pytest.mark.parametrize(("writable", "act"), [(True, "Run: pip install filelock pycurl"), (False, "Ask whoever runs")])
def test_d2_the_missing_ones_are_named_with_what_this_user_can_do(
    writable: bool, act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = metadata.distribution

    def distribution(name: str) -> metadata.Distribution:
        if name in ("pycurl", "filelock", "zlib-ng"):
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / ("" if writable else "absent")))
    assert libraries.absent_libraries() == ("filelock", "pycurl")  # zlib-ng is not for every machine
    assert f"not installed: filelock, pycurl. {act}" in libraries.absence(("filelock", "pycurl"))


def test_d2_the_extension_works_without_what_swan_lacks(start: Start, tmp_path: Path) -> None:
    with start(**without(tmp_path, *MISSING_IN_SWAN)) as server:
        content = declaring("1 + 1", mounted="sandbox:mounted", growing="sandbox:growing")
        (server.root / "a.ipynb").write_text(json.dumps(content))
        server.open("a.ipynb")
        ended = server.sync("a.ipynb")
        assert ended["requirements"]["mounted"] == "ready", ended
        assert "pycurl" in json.dumps(ended), ended
        saved = server.save("b.ipynb", notebook("import nbrucio\nnbrucio.data('sandbox:mounted')"))
        assert saved["metadata"]["nbrucio"]["requirements"][0]["did"] == "sandbox:mounted"
    log = server.log.read_text()
    assert "libraries are not installed: click, filelock, pycurl, rich. " in log
    assert "Traceback" not in log
    assert "bug" not in log
