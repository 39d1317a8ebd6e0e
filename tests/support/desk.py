"""A user's folders as they are after some work, in any number of copies, and every command that writes to them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.core.report import SyncReport
from nbrucio.notebook import ipynb
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.support.faulty_disk import objects

#: The bytes of each file, by its name.
CONTENT = {f"desk.{name}{n}": f"{name}{n}".encode() * (1 + 9_000 * n) for name in "abc" for n in range(3)}
#: Exit codes that a command may end with when its disk fails; 1 would be a fault in nbrucio.
FAILURES = {2, 4, 5, 6, 7, 8, 9, 10}
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    text: str
    out: str


@dataclass(frozen=True)
class Desk:
    """``folder`` has all that nbrucio reads and writes for this user, except the sandbox."""

    folder: Path
    sandbox: Mapping[str, str] = field(repr=False)
    url: str
    password: str = field(repr=False)
    places: Mapping[str, Path] = field(default_factory=dict)
    own: str = ""

    def place(self, name: str) -> Path:
        """Return one of its folders: ``home``, ``work``, ``store`` or ``runtime``."""
        return self.places.get(name, self.folder / name)

    @property
    def notebooks(self) -> list[Path]:
        """The two notebooks: the data of ``synced`` is cached and locked, that of ``fresh`` is neither."""
        return [self.place("work") / "synced.ipynb", self.place("work") / "fresh.ipynb"]

    @property
    def env(self) -> dict[str, str]:
        """All of the environment of a command."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        own = {"HOME": "home", "NBRUCIO_STORE": "store", "NBRUCIO_RUNTIME_DIR": "runtime", "TMPDIR": "temporary"}
        policy = {"NBRUCIO_KEEP_FREE": "0"}  # on small disks the disk decides
        return {**kept, **policy, **self.sandbox, **{name: str(self.place(place)) for name, place in own.items()}}

    def copy(self, folder: Path) -> Desk:
        """Return a copy of this desk in ``folder``, with a file of a name of its own to upload."""
        self.copy_folder(self.folder, folder)
        made = replace(self, folder=folder, own=uuid.uuid4().hex[:12])
        (made.place("work") / f"{made.own}.dat").write_bytes(b"to upload")
        return made

    @staticmethod
    def copy_folder(source: Path, target: Path) -> None:
        """Copy one of its folders with links, modes and times."""
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)

    @staticmethod
    def limited(setting: str, *python: str) -> list[str]:
        """Return the prefix that runs Python, by default the command line, in a shell with this setting."""
        return ["/bin/sh", "-c", f'{setting}; exec "$@"', "sh", sys.executable, *(python or ("-m", "nbrucio_cli"))]

    def command(self, verb: str) -> tuple[list[str], str]:
        """Return the words of a command that writes, and its input."""
        words, stdin = COMMANDS[verb]
        values = {"url": self.url, "password": self.password, "own": self.own}
        return [word.format(**values) for word in words], stdin.format(**values)

    def run(
        self, words: Sequence[str], stdin: str = "", *, prefix: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> Ended:
        """Run the command line; ``prefix`` is the program that runs it, by default Python's module."""
        environ = self.env if env is None else env
        program = list(prefix) or [sys.executable, "-m", "nbrucio_cli"]
        done = subprocess.run(
            [*program, *words],
            cwd=self.place("work"),
            env={**environ, "PYTHONPATH": str(_ROOT)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr, done.stdout)

    def do(self, verb: str) -> Ended:
        """Run a command of `COMMANDS`."""
        words, stdin = self.command(verb)
        return self.run(words, stdin, env=self.env_of(verb))

    def env_of(self, verb: str) -> dict[str, str]:
        """Return the environment of a command; setting up and logging in are for the user's own file."""
        env = self.env
        if verb in ("config", "login"):
            del env["NBRUCIO_CONFIG"]
        return env

    def counted(self, verb: str, n: int, act: str) -> tuple[int, str, Ended]:
        """Run a command of `COMMANDS` that acts at its n-th call, as `counted_words` does."""
        words, stdin = self.command(verb)
        return self.counted_words(words, n, act, stdin, self.env_of(verb))

    def counted_words(
        self, words: Sequence[str], n: int, act: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> tuple[int, str, Ended]:
        """Run the command line, which acts at its n-th call, see `tests.support.nth_call`.

        Returns:
            The number of calls, the call that was met (empty without one), and how the command ended.
        """
        report = self.folder / "calls"
        prefix = [sys.executable, "-m", "tests.support.nth_call", str(self.folder), str(n), act, str(report), "--"]
        ended = self.run(words, stdin, prefix=prefix, env=env)
        count, met = report.read_text().splitlines()
        return int(count), met, ended

    @contextmanager
    def environment(self) -> Iterator[Config]:
        """Give this process the desk's environment, and its configuration."""
        with mock.patch.dict(os.environ, self.env):
            yield load()

    def sync(self) -> SyncReport:
        """Sync both notebooks in this process."""
        with self.environment() as config:
            return sync(self.notebooks, config)

    def check_files(self) -> None:
        """Fail unless every notebook is one, and every file under a final name has the right bytes."""
        for path in self.place("work").glob("*.ipynb"):
            assert json.loads(path.read_bytes())["nbformat"] == 4, path
            ipynb.load(path)
        for path in objects(self.place("store")):
            assert path.read_bytes() == CONTENT[path.name], f"wrong bytes under a final name: {path}"

    def check_whole(self) -> None:
        """Fail unless a sync completes now and gives the right bytes."""
        self.check_files()
        report = self.sync()
        errors = [str(error) for error in report.errors()]
        assert report.exit_code == 0, errors
        for notebook in report.notebooks:
            for requirement in notebook.requirements:
                for file in requirement.files:
                    assert file.path is not None
                    assert file.path.read_bytes() == CONTENT[file.entry.did.name], file
        self.check_files()


_LOGIN = ["--auth", "userpass", "--username", "sandbox", "--password-stdin"]

#: Every command that writes: its words, and its input.
COMMANDS: dict[str, tuple[list[str], str]] = {
    "sync": (["sync", "fresh.ipynb", "synced.ipynb"], ""),
    "add": (["add", "fresh.ipynb", "sandbox:desk.c", "--as", "c"], ""),
    "remove": (["remove", "synced.ipynb", "a"], ""),
    "lock": (["lock", "fresh.ipynb", "--upgrade"], ""),
    "store rm": (["store", "rm", "sandbox:desk.a"], ""),
    "store gc": (["store", "gc", "--to", "0", "--keep-days", "0"], ""),
    "init": (["init", "new.ipynb"], ""),
    "login": (["login", "sandbox", "--password-file", "-"], "{password}\n"),
    "config": (
        ["config", "init", "mine", "--host", "{url}", "--account", "sandbox", *_LOGIN],
        "{password}\n",
    ),
    "upload": (["upload", "{own}.dat", "--rse", "SANDBOX_SCRATCHDISK", "--scope", "user.sandbox"], ""),
}


def make_desk(folder: Path, sandbox: Sandbox) -> Desk:
    """Return a new desk in ``folder``, with one of its notebooks synced and locked."""
    _add_content(sandbox)
    environ = sandbox.env()
    password = re.search(r'password = "(.*)"', Path(environ["NBRUCIO_CONFIG"]).read_text())
    url = sandbox.status().server_url
    assert password
    assert url
    desk = Desk(folder, environ, url, password[1])
    for name in ("home/.config/nbrucio", "work", "temporary"):
        (folder / name).mkdir(parents=True)
    own = f'[instances.sandbox]\nhost = "{url}"\nauth_type = "userpass"\naccount = "sandbox"\n'
    (folder / "home/.config/nbrucio/config.toml").write_text(own)
    for path, name in zip(desk.notebooks, "ab", strict=True):
        value = {"version": 1, "requirements": [{"did": f"sandbox:desk.{name}", "handle": name}]}
        content = {"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}
        path.write_text(json.dumps(content, indent=1) + "\n")
    for words in (["lock", "synced.ipynb"], ["sync", "synced.ipynb"]):
        done = desk.run(words)
        assert done.code == 0, done.text
    return desk


def _add_content(sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        if list(client.list_dids("sandbox", {"name": "desk.a"}, did_type="dataset")):
            return
        files = [NewFile(Did("sandbox", name), data) for name, data in CONTENT.items()]
        add_files(client, files, ["SANDBOX_HTTPS"])
        for name in "abc":
            members = [file.did for file in files if file.did.name.startswith(f"desk.{name}")]
            add_dataset(client, "sandbox", f"desk.{name}", members, closed=True)
