"""Small things that the command line owes its users."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from nbrucio_cli import completing
from nbrucio_cli.common import expand, tell_errors
from nbrucio_cli.progress import PlainLines

from nbrucio.core.did import Did
from nbrucio.core.events import ApplyStarted, Planned
from nbrucio.core.plan import Plan
from nbrucio.errors import BadNotebook, CredentialsRejected
from nbrucio.notebook.folders import check_findable
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.cli.conftest import Cli

Write = Callable[..., Path]
ACCESS = Path(__file__).parents[2] / "docs" / "access.md"


def test_the_example_of_staging_works_in_a_sandbox_as_written(connected: Cli, sandbox: Sandbox) -> None:
    block = next(text for text in re.findall(r"```console\n(.*?)```", ACCESS.read_text(), re.DOTALL) if "stage" in text)
    commands = [shlex.split(line.removeprefix("$ nbrucio ")) for line in block.splitlines() if "eval" not in line]
    assert len(commands) == 8
    with sandbox.admin() as client:  # other tests use the replicas of the dataset in the example
        file = NewFile(Did("sandbox", "cli.example/0"), b"example")
        add_files(client, [file], ["SANDBOX_POSIX"])
        did = str(add_dataset(client, "sandbox", "cli.example", [file.did], closed=True))
    for written in commands[1:]:  # the sandbox runs
        words = [did if word == "sandbox:odd.names" else word for word in written]
        where = ["--root", sandbox.root] if words[0] == "sandbox" else []
        done = connected(*words, *where)
        assert done.exit_code == 0, (words, done.err)
        if "--list" in words:
            assert "OK, 1 of 1 file OK" in done.out
    assert "rule removed" in done.out


def test_a_lock_says_what_it_did_and_what_failed(connected: Cli, notebook: Write) -> None:
    path = notebook(
        {"did": "sandbox:dimuon", "handle": "good"}, {"did": "sandbox:no.such", "handle": "bad"}, name="a b.ipynb"
    )
    done = connected("lock", path)
    assert done.exit_code == 4
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["'good' locked", "'bad' failed", f"Wrote {path}."]
    assert done.err.splitlines()[-1] != ""
    assert "sandbox:no.such" in done.err


def test_a_folder_leaves_out_an_unreadable_notebook_of_others(
    notebook: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    good = notebook(name="in/good.ipynb")
    foreign, ours = good.with_name("foreign.ipynb"), good.with_name("ours.ipynb")
    foreign.write_text("{")
    ours.write_text('{"metadata": {"nbrucio": ')
    assert expand([good.parent]) == [good, ours]
    assert f"warning: '{foreign}' is not valid JSON" in capsys.readouterr().err
    assert expand([foreign]) == [foreign], "a named file is always reported"


@pytest.mark.parametrize("name", ["data.txt", "analysis", ".ipynb_checkpoints/a.ipynb", "node_modules/x/a.ipynb"])
def test_no_notebook_is_made_that_a_folder_run_would_not_find(name: str) -> None:
    with pytest.raises(BadNotebook):
        check_findable(Path(name))


def test_a_text_beside_its_notebook_is_not_made_a_notebook_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{}")
    with pytest.raises(BadNotebook) as refused:
        check_findable(tmp_path / "a.py")
    assert refused.value.next_command == f"nbrucio init {tmp_path / 'a.ipynb'}"
    check_findable(tmp_path / "b.py")


def test_one_error_of_many_notebooks_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [Path(f"my {number}.ipynb") for number in range(3)]
    tell_errors(
        (
            CredentialsRejected(
                "Login to a failed.", subject="a", next_command=f"nbrucio sync {shlex.quote(str(path))}"
            )
            for path in paths
        ),
        notebooks=paths,
    )
    printed = capsys.readouterr().err
    assert printed.splitlines()[0] == "error: Login to a failed. The same for 2 more; --json lists them."
    assert printed.count("next: nbrucio sync 'my 0.ipynb'") == printed.count("next:") == 1


def test_downloads_that_start_before_the_plan_say_how_much_they_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines()
    for event in (ApplyStarted(4, 4_000_000), Planned(Plan((), (), None)), ApplyStarted(2, 2_000_000)):
        lines.report(event)
    assert capsys.readouterr().err.splitlines() == ["Downloading up to 4 files, 4.0 MB", "Downloading 2 files, 2.0 MB"]


def test_the_shell_completes_handles_and_instances(
    notebook: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook({"did": "a:b", "handle": "muons"}, {"did": "a:c", "handle": "jets"})
    context = click.Context(click.Command("lock"))
    parameter = click.Argument(["handles"])
    assert completing.handles(context, parameter, "") == []
    context.params = {"notebook": path}
    assert completing.handles(context, parameter, "m") == ["muons"]
    context.params = {"notebook": tmp_path / "no.ipynb"}
    assert completing.handles(context, parameter, "m") == []
    config = tmp_path / "config.toml"
    monkeypatch.setenv("NBRUCIO_CONFIG", str(config))
    config.write_text('[instances.atlas]\nhost = "https://a.example"\nauth_type = "x509_proxy"\n')
    assert completing.instances(context, parameter, "at") == ["atlas"]
    config.write_text("[")
    assert completing.instances(context, parameter, "at") == []


def test_python_runs_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "nbrucio", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("nbrucio ")


def test_a_metalink_has_no_paths_of_this_machine_unless_asked(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "muons"})
    assert "file://" not in connected("export", path, "--format", "metalink").out
    assert "<metalink" in connected("export", path, "--format", "metalink", "--file-urls").out


@pytest.mark.real
def test_init_lists_what_the_code_names_and_adds_nothing(cli: Cli) -> None:
    path = cli.folder / "my nb.ipynb"
    cell = {"cell_type": "code", "source": "!rucio download a:b", "metadata": {}, "outputs": []}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    done = cli("init", path, "--from-code")
    assert done.out.splitlines()[:2] == ["Code cell 1 names a:b (rucio download).", f"next: nbrucio add '{path}' a:b"]
    assert json.loads(path.read_text())["metadata"]["nbrucio"]["requirements"] == []
    assert cli("init", path, "--from-code", "--json").facts["notes"][0]["did"] == "a:b"
    shown = cli("check", path, "--offline").out
    assert f"  note: Code cell 1 names a:b (rucio download).\n    next: nbrucio add '{path}' a:b\n" in shown


def test_errors_of_a_sandbox_elsewhere_suggest_commands_for_it(cli: Cli) -> None:
    stopped = cli("sandbox", "transfer", "--root", "my box")
    assert stopped.exit_code != 0
    assert stopped.err.splitlines()[-1] == "next: nbrucio sandbox start --root 'my box'"
