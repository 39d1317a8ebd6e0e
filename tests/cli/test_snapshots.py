"""The texts of the command line in two files, which a reviewer reads in one sitting."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from nbrucio_cli.app import help_text, root

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_file, add_files, attach
from tests.support.snapshots import Snapshots

#: What differs from run to run, and what stands for it.
_VOLATILE = (
    (r"\b[0-9a-f]{32}\b", "<rule>"),
    (r"(https?://)?(127\.0\.0\.1|localhost):\d+", "<host>"),
    (r"in [\d.]+ m?s, [\d.]+ [kMG]?B/s", "in <time>, <rate>"),
    (r"[\d.]+ [kMG]?B/s", "<rate>"),
    (r"(?m)^(Free.*?)[\d.]+ [MGT]B(.*?)[\d.]+ [MGT]B", r"\1<space>\2<space>"),
    (r"[\d.]+ [MGT]B free", "<space> free"),
    (r"used \d+ \w+ ago +", "used <time> ago  "),
    (r"\r?Executing:[^\n]*\n?", ""),  # papermill's bar
    (r"begins_at = \d+", "begins_at = <depth>"),
    (r"\d{4}-\d\d-\d\d", "<date>"),
)


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield f"{context.command_path} --help", command.get_help(context)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, click.Context(inner, parent=context, info_name=name, terminal_width=100))


def _helps() -> Iterator[tuple[str, str]]:
    yield "nbrucio --help", help_text()
    top = click.Context(root, info_name="nbrucio", terminal_width=100, **root.context_settings)
    for name in root.list_commands(top):
        verb = root.get_command(top, name)
        assert verb is not None
        yield from _commands(verb, click.Context(verb, parent=top, info_name=name, terminal_width=100))


def test_help_as_in_the_snapshots(snapshots: Snapshots) -> None:
    snapshots.check("cli-help.txt", _helps())


class Terminal:
    """Runs commands in this process and keeps what each printed, stdout before stderr."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self.texts: list[tuple[str, str]] = []

    def __call__(self, line: str, exit_code: int = 0) -> None:
        result = CliRunner().invoke(root, shlex.split(line), prog_name="nbrucio")
        assert result.exit_code == exit_code, (line, result.output, result.exception)
        end = f"(exit code {exit_code})\n" if exit_code else ""
        self.texts.append((self._steady(f"nbrucio {line}"), self._steady(result.stdout + result.stderr) + end))

    def _steady(self, text: str) -> str:
        for name, stands in self._names.items():
            text = text.replace(name, stands)
        for pattern, stands in _VOLATILE:
            text = re.sub(pattern, stands, text)
        return text


@pytest.fixture
def terminal(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A folder, a home and a store of the test, connected to the sandbox."""
    work = tmp_path / "analysis"
    work.mkdir()
    monkeypatch.chdir(work)
    own = {"HOME": tmp_path, "NBRUCIO_STORE": tmp_path / "store", "NBRUCIO_RUNTIME_DIR": tmp_path / "runtime"}
    for name, value in (sandbox.env() | own).items():
        monkeypatch.setenv(name, str(value))
    return Terminal({str(sandbox.root): "SANDBOX", str(tmp_path): "HOME"})


@pytest.fixture
def growing(sandbox: Sandbox) -> Did:
    """An open dataset of two files, to which `grow` adds a third."""
    with sandbox.admin() as client:
        files = [NewFile(Did("sandbox", f"shown.{n}.dat"), bytes([n]) * 1_500_000) for n in (1, 2)]
        add_files(client, files, ["SANDBOX_HTTPS"])
        mounted = add_file(client, "sandbox", "shown.mounted.dat", b"m" * 7_000, ["SANDBOX_MOUNT"])
        add_dataset(client, "sandbox", "shown.small", [mounted], closed=True)
        return add_dataset(client, "sandbox", "shown", [file.did for file in files])


def _grow(sandbox: Sandbox, did: Did) -> None:
    with sandbox.admin() as client:
        attach(client, did.scope, did.name, [add_file(client, "sandbox", "shown.3.dat", b"3" * 500, ["SANDBOX_HTTPS"])])


def _set_up(terminal: Terminal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that are about no notebook, or about the cache of all."""
    terminal("store")
    terminal("store pin 'my notebook.ipynb'")
    terminal("store unpin 'my notebook.ipynb'")
    terminal("store gc --dry-run")
    terminal("store rm sandbox:shown.1.dat")
    terminal("whoami")
    terminal("login")
    terminal("logout")
    shutil.copy(os.environ["NBRUCIO_CONFIG"], "config.toml")
    monkeypatch.setenv("NBRUCIO_CONFIG", "config.toml")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    terminal("config init cms --host cms-rucio.cern.ch --auth x509_proxy --account jdoe --no-test")
    terminal(f"config import {shlex.quote(os.environ['RUCIO_CONFIG'])} --dry-run")
    terminal("config show")
    terminal("config check")
    root = f"--root {shlex.quote(str(sandbox.root))}"
    for verb in ("start", "status", "env", "transfer", "chaos"):
        terminal(f"sandbox {verb} {root}")
    terminal("sandbox stop --root another")
    terminal("sandbox reset --root another")
    terminal(f"demo {root}")


def test_outputs_as_in_the_snapshots(
    terminal: Terminal, growing: Did, sandbox: Sandbox, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    nb = Path("my notebook.ipynb")
    name = shlex.quote(str(nb))
    terminal("search 'sandbox:shown*' --type all")
    terminal("show sandbox:shown --files")
    terminal(f"init {name}")
    terminal(f"add {name} sandbox:shown")
    terminal(f"add {name} sandbox:shown.small --as small")
    terminal(f"add {name} sandbox:nowhere", exit_code=4)
    terminal(f"status {name}")
    terminal(f"plan {name}")
    terminal(f"sync {name} --offline", exit_code=8)
    terminal(f"sync {name}")
    terminal(f"sync {name}")
    terminal(f"status {name}")
    terminal(f"paths {name} shown --folder")
    terminal(f"paths {name} --variant none", exit_code=2)
    terminal(f"verify {name}")
    terminal(f"lock {name}")
    old = Path("old.ipynb")
    old.write_bytes(nb.read_bytes())
    _grow(sandbox, growing)
    terminal(f"lock {name}")
    terminal(f"status {name} --check")
    terminal(f"sync {name} --locked", exit_code=10)
    terminal(f"check {name}", exit_code=3)
    terminal(f"lock {name} --upgrade shown")
    terminal(f"lock {name} --upgrade")
    terminal(f"diff old.ipynb {name}", exit_code=3)
    terminal(f"plan {name}")
    terminal(f"check {name}")
    declared = json.loads(nb.read_text())
    declared["metadata"]["nbrucio"]["requirements"][0]["access"] = "rule"
    Path("rule.ipynb").write_text(json.dumps(declared))
    terminal("stage rule.ipynb")
    terminal("stage rule.ipynb --list")
    terminal("sync rule.ipynb", exit_code=4)
    Path("hist.dat").write_bytes(b"h" * 2_000)
    upload = "upload hist.dat --rse SANDBOX_HTTPS_SCRATCHDISK --scope user.sandbox --dataset shown.results"
    terminal(upload)
    terminal(upload)
    terminal(f"remove {name} small")
    terminal(f"export {name} --format metalink -o data.meta4")
    terminal(f"run {name}")
    _set_up(terminal, sandbox, monkeypatch)
    snapshots.check("cli-outputs.txt", terminal.texts)
