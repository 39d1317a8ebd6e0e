"""300 notebooks in the shapes of public ones: nothing outside our key ever changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbrucio.config import Config
from nbrucio.core.declaration import Declaration
from nbrucio.core.did import Did, DidType
from nbrucio.core.lockentry import LockEntry
from nbrucio.jupyter.save_hook import update_metadata
from nbrucio.notebook.declared import read_declared
from nbrucio.notebook.ipynb import load, parse, save, with_value
from nbrucio.operations.adding import Wish, add
from nbrucio.operations.edit import remove
from tests.support.notebook_shapes import shapes

COUNT = 300
LOCK = LockEntry(Did("s", "n"), None, DidType.DATASET, False, 2, 20, "sha256:" + "0" * 64, "2026-11-23T10:00:00Z")


def is_insertion(before: bytes, after: bytes) -> bool:
    """Whether ``after`` is ``before`` with one piece inserted, in which our key is."""
    start = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    end = len(before) - start
    return after.endswith(before[start:]) and b'"nbrucio"' in after[start - 10 : len(after) - end + 10]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config((), None, tmp_path_factory.mktemp("store"))


def everyone(folder: Path) -> Iterator[tuple[str, Path, bytes]]:
    for name, raw in shapes(COUNT):
        path = folder / f"{name}.ipynb"
        path.write_bytes(raw)
        yield name, path, raw


def test_the_shapes_are_valid_and_differ() -> None:
    texts = dict(shapes(COUNT))
    assert len(set(texts.values())) == COUNT
    for raw in texts.values():
        content = json.loads(raw.decode("utf-8-sig"))
        assert (content["nbformat"], isinstance(content["cells"], list)) == (4, True)
    some = texts.values()
    for mark in (b"\xef\xbb\xbf", b"\r\n", b"\t", b"\\ud800", b'"nbformat_minor":5', b"1E+2"):
        assert any(mark in raw for raw in some), mark
    nbformat.reads(next(iter(texts.values())).decode("utf-8-sig"), as_version=4)


@pytest.mark.real
def test_init_add_lock_and_remove_change_our_key_only(tmp_path: Path, offline: Config) -> None:
    for name, path, raw in everyone(tmp_path):
        save(load(path), Declaration().as_json())
        states = [path.read_bytes()]
        add(path, [Did("s", "n")], offline, wish=Wish("data", offline=True))
        states.append(path.read_bytes())
        declared = read_declared(path)
        save(declared.notebook, declared.declaration.with_lock("data", LOCK).as_json())
        states.append(path.read_bytes())
        assert read_declared(path).declaration.lock == {"data": LOCK}
        remove(path, ["data"])
        states.append(path.read_bytes())
        assert states[3] == states[0], name
        assert len({*states}) == 3
        assert all(is_insertion(raw, state) for state in states), name
        assert with_value(load(path), None) == raw, name


def test_a_save_changes_our_key_only() -> None:
    declared = 0
    for name, raw in shapes(COUNT):
        content: dict[str, Any] = json.loads(raw.decode("utf-8-sig"))
        before = copy.deepcopy(content)
        changed = update_metadata(content, {"muons": LOCK})
        assert changed == (content != before), name
        written = content["metadata"].pop("nbrucio", None)
        assert content == before, name
        if written is not None:
            declared += 1
            content["metadata"]["nbrucio"] = written
            assert not update_metadata(content, {"muons": LOCK}), name
            again = parse(with_value(parse(raw, Path("nb.ipynb")), written), Path("nb.ipynb"))
            assert (again.value(), is_insertion(raw, again.raw)) == (written, True), name
    assert declared > 50
