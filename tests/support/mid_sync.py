"""A sync of `nbrucio sync` whose Rucio token ends in the middle, when the first files are downloaded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import add_dataset
from tests.support.certificates import UserAuthority
from tests.support.ending_front import EndingFront, ending_front
from tests.support.noting_storage import noting_storage
from tests.support.odd_rses import DOMAINS, forget_rses

#: So many files that a sync downloads the first ones before it has the replicas of all.
FILES = 24


def one_byte_files(sandbox: Sandbox, name: str, port: int, files: int, *, closed: bool) -> None:
    """Add an RSE at this port, and an equally named dataset whose files have the only byte of `noting_storage`."""
    dids = [Did("sandbox", f"{name}/{number}") for number in range(files)]
    where = {"hostname": "127.0.0.1", "port": port, "prefix": "/", "domains": DOMAINS}
    with sandbox.admin() as client:
        client.add_rse(name, deterministic=True)
        client.add_protocol(name, {"scheme": "https", "impl": "rucio.rse.protocols.webdav.Default", **where})
        rows = [{"scope": did.scope, "name": did.name, "bytes": 1, "adler32": "00790079"} for did in dids]
        client.add_replicas(name, rows)
        add_dataset(client, "sandbox", name, dids, closed=closed)


def notebook_of(folder: Path, name: str) -> Path:
    """Write a notebook that declares that dataset; return its path."""
    path = folder / "nb.ipynb"
    declared = {"version": 1, "requirements": [{"did": f"sandbox:{name}", "handle": "mid"}]}
    path.write_text(json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}))
    return path


@dataclass(frozen=True)
class Ended:
    """A command at its end: its exit code, and what it printed."""

    exit_code: int
    out: str
    err: str

    @property
    def downloaded(self) -> int:
        """The number of files that a sync downloaded, by the last line that it prints."""
        found = re.search(r", (\d+) files? downloaded", self.out)
        return int(found[1]) if found else 0


@dataclass
class MidSync:
    """A user in ``folder`` with a notebook, whose Rucio is behind `front`."""

    folder: Path
    front: EndingFront
    env: dict[str, str] = field(repr=False)
    _asked: threading.Event = field(default_factory=threading.Event)

    def sync_that_loses_its_token(self, at_the_end: Callable[[], object] = lambda: None) -> Ended:
        """Sync; call ``at_the_end`` when a file was downloaded, and let the token end."""
        with self._start("sync", "nb.ipynb") as process:
            assert self._asked.wait(60), "no file was asked for"
            at_the_end()
            self.front.end_tokens()
            return _end(process)

    def run(self, *words: object) -> Ended:
        """Run a command of nbrucio."""
        with self._start(*words) as process:
            return _end(process)

    def _start(self, *words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "nbrucio_cli", *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=pipe, stderr=pipe, text=True)


def _end(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return Ended(process.returncode, out, err)


@contextmanager
def mid_sync(
    sandbox: Sandbox,
    name: str,
    folder: Path,
    login: str,
    *,
    rucio: str | None = None,
    users: UserAuthority | None = None,
    env: dict[str, str] | None = None,
) -> Iterator[MidSync]:
    """Have such a user during the block.

    Args:
        name: of the RSE and the dataset; it serves once, because Rucio never forgets a name.
        login: the lines of the instance's configuration that are about the login.
        rucio: the URL of Rucio behind the front; None for the sandbox's.
        users: the CA of the people that log in over TLS; None for a front without TLS.
        env: variables of the user's environment.
    """
    asked = threading.Event()

    def accept(*_: object) -> bool:
        asked.set()
        return True

    with ExitStack() as held:
        storage = held.enter_context(noting_storage(name, folder, users or UserAuthority(folder), accept))
        backend = rucio or str(sandbox.status().server_url)
        front = held.enter_context(ending_front(backend, FILES // 2, folder if users else None, users))
        one_byte_files(sandbox, name, int(storage.url.rpartition(":")[2]), FILES, closed=False)
        held.callback(forget_rses, sandbox, name)
        notebook_of(folder, name)
        settings = ["[instances.cern]", f'host = "{front.url}"', 'account = "sandbox"', "traces = false"]
        settings += [f'storage_ca = "{storage.ca}"', *([f'ca_cert = "{front.ca}"'] if front.ca else []), login]
        config = folder / "config.toml"
        config.touch(mode=0o600)
        config.write_text("\n".join(settings))
        (folder / "run").mkdir(mode=0o700)
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        own = {"HOME": folder, "XDG_RUNTIME_DIR": folder / "run", "NBRUCIO_RUNTIME_DIR": folder / "kernels"}
        own |= {"NBRUCIO_CONFIG": config, "NBRUCIO_STORE": folder / "store"}
        yield MidSync(folder, front, {**kept, **{key: str(path) for key, path in own.items()}, **(env or {})}, asked)


def renewed(user: MidSync, path: str, at_the_end: Callable[[], object] = lambda: None) -> None:
    """Make sure that a sync gets a new token by a second login at ``path``, and saves it for the next command."""
    done = user.sync_that_loses_its_token(at_the_end)
    assert (done.exit_code, done.downloaded) == (0, FILES), done
    assert user.front.logins == [path] * 2
    assert user.run("whoami").exit_code == 0
    assert user.front.logins == [path] * 2


def left_off(
    user: MidSync, at_the_end: Callable[[], object], words: str, action: str, log_in: Callable[[], object]
) -> None:
    """Make sure that a sync without a new login keeps its files, names the fault and the next action, and goes on.

    Args:
        at_the_end: takes the credential away.
        words: about the fault.
        action: of the user.
        log_in: carries the action out.
    """
    done = user.sync_that_loses_its_token(at_the_end)
    assert done.exit_code == 7, done
    assert words in done.err
    assert action in done.err
    assert 1 <= done.downloaded < FILES
    assert re.search(rf"partial +mid .* {done.downloaded} of {FILES} files", done.out), done.out
    log_in()
    again = user.run("sync", "nb.ipynb")
    assert (again.exit_code, again.downloaded) == (0, FILES - done.downloaded), again
