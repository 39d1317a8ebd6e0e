"""Whether a manifest still answers what a notebook asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nbrucio.kernel import Data, DataNotHere
from nbrucio.kernel.asked import Asked
from nbrucio.pipeline.manifest import Manifest
from nbrucio.pipeline.manifest_files import write
from nbrucio.pipeline.outdate import outdate
from tests.support.manifests import local_entry

MUONS: dict[str, Any] = {"did": "s:muons", "handle": "muons"}


def asked(*requirements: object, **more: object) -> Asked:
    """What a notebook with this declaration asks for."""
    return Asked({"nbrucio": {"version": 1, "requirements": list(requirements), **more}})


ANSWER = asked(MUONS, lock={"muons": {"digest": "old"}}).answer("muons", "muons", "used", "rucio.example.org")


@pytest.mark.parametrize(
    "now",
    [
        asked(MUONS),
        asked(MUONS, lock={"muons": {"digest": "old"}}),
        asked(MUONS, lock={"muons": {"digest": "used"}}),
        asked({**MUONS, "instance": "rucio.example.org"}),
        asked({**MUONS, "source": "code", "unused": True, "bind": True}),
        asked({"did": "s:x", "handle": "x"}, MUONS, "no requirement", lock={"x": {"digest": "new"}}),
        Asked({"rucio_attachments": [{"did": "s:muons", "variableName": "muons", "type": "collection"}, None]}),
    ],
)
def test_what_a_sync_or_a_save_fills_in_asks_for_the_same(now: Asked) -> None:
    assert now.answered("muons", ANSWER)


@pytest.mark.parametrize(
    "now",
    [
        asked(MUONS, lock={"muons": {"digest": "new"}}),
        asked({**MUONS, "did": "s:other"}),
        asked({**MUONS, "did": {"parameter": "sample"}}),
        asked({**MUONS, "select": {"first": 2}}),
        asked({**MUONS, "access": "stream"}),
        asked({**MUONS, "instance": "elsewhere.example.org"}),
        asked(MUONS, variant="small", variants={"small": {"muons": {"first": 1}}}),
        asked({**MUONS, "handle": "mu"}),
        asked(),
        Asked({}),
        Asked({"nbrucio": "nonsense"}),
    ],
)
def test_another_requirement_lock_instance_or_variant_asks_for_something_else(now: Asked) -> None:
    assert not now.answered("muons", ANSWER)


def test_a_manifest_of_an_older_nbrucio_is_believed() -> None:
    assert asked(MUONS).answered("muons", None)


def write_notebook(path: Path, *requirements: object, lock: object = None) -> dict[str, Any]:
    """A notebook with this declaration; returns its metadata."""
    metadata = {"nbrucio": {"version": 1, "requirements": list(requirements), "lock": lock or {}}}
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return metadata


def test_data_refuses_what_the_notebook_asks_otherwise_and_nothing_else(tmp_path: Path) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")}
    notebook = tmp_path / "a.ipynb"
    taus = {"did": "s:taus", "handle": "taus"}
    asks = Asked(write_notebook(notebook, MUONS, taus))
    entries = [
        local_entry(tmp_path, handle, "x")._replace(answers=asks.answer(handle, handle, f"{handle}-1", None))
        for handle in ("muons", "taus")
    ]
    manifest = write(Manifest.of(notebook, entries), environ)
    data = Data(notebook, environ)
    assert len(data["muons"]) == len(data["taus"]) == 1
    changed = write_notebook(
        notebook, MUONS, {"did": "s:jets", "handle": "jets"}, lock={"muons": {"digest": "muons-2"}}
    )
    for handle in ("muons", "taus", "jets"):
        with pytest.raises(DataNotHere, match="was changed in the notebook after its last sync") as refused:
            data[handle]
        assert refused.value.next_command == f"nbrucio sync {notebook}"
    with pytest.raises(DataNotHere, match="declares no data as 'none'"):
        data["none"]
    # A run keeps what it began with: its code does not change either.
    pinned = {**environ, "NBRUCIO_MANIFEST": str(manifest), "NBRUCIO_NOTEBOOK": str(notebook)}
    assert len(Data(environ=pinned)["muons"]) == 1
    # Other languages read the manifest alone, so an edit of ours says it there.
    outdate(notebook, changed, environ)
    content = json.loads(manifest.read_bytes())
    assert {handle: entry["state"] for handle, entry in content["data"].items()} == {
        "muons": "failed",
        "jets": "failed",
    }
    assert content["state"] == "failed"
    assert manifest.with_suffix(".tsv").read_text() == "muons\tfailed\t\t\njets\tfailed\t\t\n"
    # A notebook that is being written, or is gone, is no reason to keep cells from their data.
    for text in ("{", "[]", ""):
        notebook.write_text(text)
        assert data.outdated(["muons"]) is None
    notebook.unlink()
    assert data.outdated(["muons"]) is None


def test_an_edit_that_changes_nothing_for_kernels_leaves_the_manifest(tmp_path: Path) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")}
    notebook = tmp_path / "a.ipynb"
    metadata = write_notebook(notebook, MUONS)
    outdate(notebook, metadata, environ)  # there is none
    answer = Asked(metadata).answer("muons", "muons", "used", None)
    manifest = write(Manifest.of(notebook, [local_entry(tmp_path, "muons", "x")._replace(answers=answer)]), environ)
    before = manifest.stat()
    outdate(
        notebook, write_notebook(notebook, {**MUONS, "source": "code"}, lock={"muons": {"digest": "used"}}), environ
    )
    assert manifest.stat() == before
    manifest.write_text("damaged")
    outdate(notebook, metadata, environ)
    assert manifest.read_text() == "damaged"
