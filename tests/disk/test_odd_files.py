"""Whatever lies in the place of a file of ours: every verb ends soon, with a result or with an error that names it.

Without `O_NONBLOCK` in `store.objects.Objects._record`, a pipe in the place of a record is waited for. With the errors
of JSON not caught in `disk.read.parse_json` and `read_saved`, 4 of these tests fail.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.core.report import SyncReport
from nbrucio.errors import NbrucioError
from nbrucio.operations.adding import add
from nbrucio.operations.verify import verify
from nbrucio.pipeline.estimate import plan
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from nbrucio.sandbox import Sandbox

pytestmark = pytest.mark.trust("X")

_SOON_S = 10


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("")


def loop(path: Path) -> None:
    path.symlink_to(path)


def deep(path: Path) -> None:
    path.write_text('{"version": 1, "lock": ' + "[" * 100_000)


def nearly_deep(path: Path) -> None:
    path.write_text("[" * 700 + "]" * 700)


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 10)


def huge(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, 1 << 40)


ODD = [pipe, device, folder, loop, deep, nearly_deep, binary, huge]


class LateError(Exception):
    """What should have ended has not."""


@contextmanager
def soon() -> Iterator[None]:
    def late(*_: object) -> None:
        raise LateError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_SOON_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def ended(verb: Callable[..., Any], path: Path, config: Config) -> tuple[NbrucioError, ...]:
    """What went wrong when ``verb`` ran, within a few seconds."""
    with soon():
        try:
            report = verb([path], config)
        except NbrucioError as error:
            return (error,)
    return tuple(report.errors()) if isinstance(report, SyncReport) else ()


@pytest.fixture(scope="module")
def synced(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a notebook without a lock and one with a lock were synced."""
    root = tmp_path_factory.mktemp("odd")
    for name in ("locked.ipynb", "free.ipynb"):
        value = {"requirements": [{"did": "sandbox:dimuon", "handle": "dimuon"}]} if name == "free.ipynb" else {}
        content = {"cells": [], "metadata": {"nbrucio": value} if value else {}, "nbformat": 4, "nbformat_minor": 5}
        (root / name).write_text(json.dumps(content))
    config = configuration(sandbox, root)
    add(root / "locked.ipynb", [Did("sandbox", "dimuon")], config)
    for path in notebooks(root):
        assert sync([path], config).exit_code == 0
    return root


def configuration(sandbox: Sandbox, root: Path) -> Config:
    return load({**sandbox.env(), "HOME": str(root), "NBRUCIO_STORE": str(root / "store")})


def notebooks(root: Path) -> list[Path]:
    return [root / "free.ipynb", root / "locked.ipynb"]


def places(root: Path) -> Iterator[Path]:
    """A file of each kind that is kept, and where the lock file would be."""
    kinds: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb" and path.parent.name != "tokens":
            kind = "/".join(part for part in path.relative_to(root).parts[:2])
            kinds.setdefault(kind + ("-record" if path.suffix == ".json" else ""), path)
    yield from kinds.values()
    yield root / "locked.ipynb.nbrucio-lock.json"


@pytest.mark.parametrize("odd", ODD)
def test_no_verb_waits_for_or_ends_at_an_odd_file(
    sandbox: Sandbox,
    synced: Path,
    monkeypatch: pytest.MonkeyPatch,
    odd: Callable[[Path], None],
) -> None:
    root, config = synced, configuration(sandbox, synced)
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(root / "runtime"))
    for path in notebooks(root):
        assert sync([path], config).exit_code == 0
    tried = list(places(root))
    assert len(tried) > 6
    for place in tried:
        kept = place.read_bytes() if place.exists() else None
        place.unlink(missing_ok=True)
        odd(place)
        for verb in (status, plan, sync, verify):
            for path in notebooks(root):
                for error in ended(verb, path, config):
                    assert error.code != "internal", (verb.__name__, place, error.message)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        if kept is not None:
            place.write_bytes(kept)
