"""What a save does to a notebook's metadata, and what it must not do."""

from __future__ import annotations

import copy
import json
import socket
from typing import Any

import pytest

from nbrucio.core.did import Did, DidType
from nbrucio.core.lockentry import LockEntry
from nbrucio.jupyter.save_hook import MAX_UPDATED, update_metadata
from tests.support.jupyter_server import Server, declaring, notebook

LOCK = LockEntry(Did("a", "b"), None, DidType.DATASET, False, 2, 20, "sha256:" + "0" * 64, "2026-11-23T10:00:00Z")
USES = ("import nbrucio", "nbrucio.data('a:b')")


def requirements(content: dict[str, Any]) -> Any:
    return content["metadata"]["nbrucio"]["requirements"]


def test_what_the_code_uses_is_declared() -> None:
    content = notebook(*USES)
    assert update_metadata(content, {})
    assert requirements(content) == [{"did": "a:b", "handle": "b", "source": "code"}]


def test_saving_again_changes_nothing() -> None:
    content = notebook(*USES, "nbrucio.data('a:c')")
    update_metadata(content, {"b": LOCK})
    before = json.dumps(content)
    assert not update_metadata(content, {"b": LOCK})
    assert json.dumps(content) == before


def test_a_notebook_without_data_is_left_alone() -> None:
    content = notebook("1 + 1", "import nbrucio", "nbrucio.data['handle']")
    assert not update_metadata(content, {})
    assert "nbrucio" not in content["metadata"]


def test_what_is_declared_already_is_not_declared_again() -> None:
    content = declaring(*USES, mine="a:b")
    assert not update_metadata(content, {})


def test_what_a_person_declared_stays_unmarked_and_in_place() -> None:
    content = declaring(*USES, unused="x:y", mine="a:c")
    content["metadata"]["nbrucio"]["requirements"].append({"did": "no DID", "handle": "broken", "note": 1})
    content["metadata"]["nbrucio"]["future"] = {"kept": True}
    update_metadata(content, {})
    assert requirements(content) == [
        {"did": "x:y", "handle": "unused"},
        {"did": "a:c", "handle": "mine"},
        {"did": "no DID", "handle": "broken", "note": 1},
        {"did": "a:b", "handle": "b", "source": "code"},
    ]
    assert content["metadata"]["nbrucio"]["future"] == {"kept": True}


def test_what_only_the_code_named_is_marked_when_it_is_gone_and_unmarked_when_it_is_back() -> None:
    content = notebook(*USES)
    update_metadata(content, {})
    content["cells"][1]["source"] = "nbrucio.data('a:c')"
    assert update_metadata(content, {})
    assert [r.get("unused") for r in requirements(content)] == [True, None]
    content["cells"][1]["source"] = "nbrucio.data['b']; nbrucio.data('a:c')"
    assert update_metadata(content, {})
    assert [r.get("unused") for r in requirements(content)] == [None, None]


@pytest.mark.parametrize("doubt", ["nbrucio.data(input())", "nbrucio.data('a:b'", "use(nbrucio.data)"])
def test_nothing_is_marked_while_there_is_a_doubt(doubt: str) -> None:
    content = notebook(*USES)
    update_metadata(content, {})
    content["cells"][1]["source"] = doubt
    update_metadata(content, {})
    assert [r.get("unused") for r in requirements(content)] == [None]


def test_a_lock_is_added_where_there_is_none_and_never_replaced() -> None:
    content = declaring(*USES, b="a:b")
    assert update_metadata(content, {"b": LOCK})
    assert content["metadata"]["nbrucio"]["lock"]["b"] == LOCK.as_json()
    newer = LOCK._replace(files=3)
    assert not update_metadata(content, {"b": newer})
    assert content["metadata"]["nbrucio"]["lock"]["b"]["files"] == 2


def test_a_lock_of_another_did_is_not_taken() -> None:
    content = declaring(b="a:other")
    assert not update_metadata(content, {"b": LOCK})


def test_attachments_alone_stay_the_declaration() -> None:
    attached = [{"did": "a:b", "type": "collection", "variableName": "mu"}]
    content = notebook(*USES, metadata={"rucio_attachments": copy.deepcopy(attached)})
    assert not update_metadata(content, {})
    assert content["metadata"]["rucio_attachments"] == attached


def test_a_save_adds_what_the_code_uses_to_the_attachments_and_imports_none() -> None:
    attached = [{"did": "a:z", "type": "file", "variableName": "z"}, "something else"]
    content = notebook(*USES, metadata={"rucio_attachments": attached})
    assert update_metadata(content, {})
    assert "nbrucio" not in content["metadata"]
    assert attached == [
        {"did": "a:z", "type": "file", "variableName": "z"},
        "something else",
        {"did": "a:b", "type": "collection", "variableName": "b"},
    ]
    assert not update_metadata(content, {})


def test_a_save_of_a_declaration_imports_no_attachment_either() -> None:
    attached = [{"did": "a:z", "type": "file", "variableName": "z"}]
    declared = {"version": 1, "requirements": [{"did": "a:c", "handle": "c"}]}
    content = notebook(*USES, metadata={"rucio_attachments": attached, "nbrucio": declared})
    assert update_metadata(content, {})
    assert [r["did"] for r in requirements(content)] == ["a:c", "a:b"]
    assert [one["did"] for one in attached] == ["a:z", "a:c", "a:b"]
    assert not update_metadata(content, {})


@pytest.mark.parametrize(
    "bad", ["text", 3, [], {"version": 99}, {"requirements": "x"}, {"requirements": [], "lock": []}, {"version": None}]
)
def test_a_declaration_that_cannot_be_read_is_left_to_the_user(bad: object) -> None:
    content = notebook(*USES, metadata={"nbrucio": bad})
    assert not update_metadata(content, {"b": LOCK})
    assert content["metadata"]["nbrucio"] == bad


@pytest.mark.parametrize("content", [{}, {"metadata": None}, {"metadata": {}, "cells": 3}])
def test_a_malformed_notebook_is_left_alone(content: dict[str, Any]) -> None:
    before = copy.deepcopy(content)
    assert not update_metadata(content, {})
    assert content == before


def test_a_save_uses_no_network_and_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    content = notebook(*USES)
    update_metadata(notebook(*USES), {"b": LOCK})  # imports and caches
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("network"))
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("file"))
    assert update_metadata(content, {"b": LOCK})


def test_the_server_saves_what_the_code_uses_and_what_was_resolved(server: Server) -> None:
    content = declaring("import nbrucio", "nbrucio.data('sandbox:extra')", dimuon="sandbox:dimuon")
    (server.root / "a.ipynb").write_text(json.dumps(content))
    server.sync("a.ipynb")
    saved = server.save("a.ipynb", content)
    assert [r["did"] for r in requirements(saved)] == ["sandbox:dimuon", "sandbox:extra"]
    assert saved["metadata"]["nbrucio"]["lock"]["dimuon"]["files"] == 4
    # The browser sends its own copy again, without what the hook added: the file is the same as before.
    assert server.save("a.ipynb", content) == saved
    assert server.save("a.ipynb", saved) == saved


def test_a_save_is_not_disturbed_by_metadata_that_makes_no_sense(server: Server) -> None:
    for bad in ("text", {"requirements": {"a": 1}}, {"version": 2, "requirements": []}):
        content = notebook(*USES, metadata={"nbrucio": bad, "rucio_attachments": "x"})
        assert server.save("a.ipynb", content)["metadata"]["nbrucio"] == bad


def test_saving_can_be_left_to_the_user(start: Any) -> None:
    with start("--NbrucioApp.update_on_save=False") as server:
        assert "nbrucio" not in server.save("a.ipynb", notebook(*USES))["metadata"]


@pytest.mark.parametrize("key", ["requirements", "lock", "rucio_attachments"])
def test_a_declaration_of_absurd_length_is_saved_as_it_is(key: str) -> None:
    entries = [{"did": f"a:{n}", "handle": f"h{n}", "variableName": f"h{n}"} for n in range(MAX_UPDATED + 1)]
    value: object = {str(n): one for n, one in enumerate(entries)} if key == "lock" else entries
    metadata: dict[str, object] = (
        {key: value} if key == "rucio_attachments" else {"nbrucio": {"version": 1, key: value}}
    )
    content = notebook(*USES, metadata=metadata)
    before = json.dumps(content)
    assert not update_metadata(content, {"b": LOCK})
    assert json.dumps(content) == before


def test_a_long_line_of_spaces_is_scanned_at_once() -> None:
    # With a pattern that tries every division of the spaces this takes minutes, and the server answers nobody.
    content = notebook("import nbrucio (\n" + 150_000 * " " + "x")
    assert not update_metadata(content, {})
