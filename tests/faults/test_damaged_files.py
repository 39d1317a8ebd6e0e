"""Every kind of damage to every file of nbrucio: an error that names it, or a command that goes on without it.

With `except KeyError` only in `store.record.parse_record`, a record that is a list ends a sync with a TypeError.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.errors import NbrucioError
from nbrucio.operations.verify import verify
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from tests.support.damage import flip_silently, folder, listen, pipe, truncate
from tests.support.desk import Desk
from tests.support.trust import Rounds

pytestmark = pytest.mark.trust("X")


def empty(path: Path) -> None:
    _text(path, b"")


def garbage(path: Path) -> None:
    _text(path, random.Random(1).randbytes(500))


def wrong_type(path: Path) -> None:
    _text(path, b'[1, "two", {"three": null}]\n')


def other_version(path: Path) -> None:
    _text(path, b'{"version": 99, "format": 99, "requirements": {}, "lists": 7, "notebook": 3}\n')


def deep(path: Path) -> None:
    _text(path, b'{"version": 1, "lock": ' + b"[" * 100_000)


def huge(path: Path) -> None:
    path.chmod(0o600)
    os.truncate(path, 1 << 40)


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def gone(path: Path) -> None:
    path.unlink()


def _text(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


DAMAGES: list[Callable[[Path], object]] = [
    empty, garbage, wrong_type, other_version, deep, huge, device, loop, dangling, gone,
    truncate, flip_silently, folder, pipe, listen,
]  # fmt: skip


def _files(desk: Desk) -> list[Path]:
    """Every file that nbrucio wrote or reads here; of objects and their records two each."""
    found = [path for path in sorted(desk.folder.rglob("*")) if path.is_file() and path.stat().st_size]
    few: dict[tuple[str, str], int] = {}
    return [path for path in found if _number(few, path) < 2]


def _number(few: dict[tuple[str, str], int], path: Path) -> int:
    kind = (path.parents[2].name if "objects" in path.parts else str(path), path.suffix)
    few[kind] = few.get(kind, 0) + 1
    return few[kind] - 1


def test_no_damage_is_a_bug_loses_data_or_gives_wrong_bytes(desk: Desk, rounds: Rounds) -> None:
    files = [path.relative_to(desk.folder) for path in _files(desk)]
    cases = [(damage, path) for damage in DAMAGES for path in files]

    def holds(case: tuple[Callable[[Path], object], Path], place: Path) -> None:
        damage, name = case
        own = desk.copy(place / "desk")
        kept = (own.folder / name).read_bytes()
        damage(own.folder / name)
        errors = [error for act in (status, sync, verify) for error in _errors(own, act)]
        for error in errors:
            assert error.code != "internal", f"{damage.__name__} of {name}: {error.message}"
        _restore(own.folder / name, kept)
        own.check_whole()

    rounds.each(holds, cases, quick=20)


def _errors(desk: Desk, act: Callable[..., object]) -> tuple[NbrucioError, ...]:
    try:
        with desk.environment() as config:
            report = act(desk.notebooks, config)
    except NbrucioError as error:
        return (error,)
    return tuple(report.errors()) if hasattr(report, "errors") else ()


def _restore(path: Path, data: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
