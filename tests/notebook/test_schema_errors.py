"""Faults of a declaration: which, where, and what was meant; each once, by the schema or by the reader."""

from __future__ import annotations

import sys

import pytest

from nbrucio.notebook.schema_errors import as_error, declaration_faults, declaration_warnings

LOCK = {
    "did": "s:n",
    "type": "FILE",
    "files": 1,
    "bytes": 3,
    "open": False,
    "digest": "sha256:" + "0" * 64,
    "locked": "2026-11-23T10:00:00Z",
}


def wrong(**change: object) -> dict[str, object]:
    return {"version": 1, "requirements": [{"did": "s:n", "handle": "a", **change}]}


@pytest.mark.parametrize(
    ("value", "place", "hint"),
    [
        (wrong(acess="mount"), "nbrucio.requirements[0].acess", "Did you mean 'access'?"),
        (wrong(selct={"first": 1}), "nbrucio.requirements[0].selct", "Did you mean 'select'?"),
        (wrong(Instance="a"), "nbrucio.requirements[0].Instance", "Did you mean 'instance'?"),
        (wrong(select={"frist": 1}), "nbrucio.requirements[0].select.frist", "Did you mean 'first'?"),
        (
            wrong(did={"parameter": "era", "defualt": "s:n"}),
            "nbrucio.requirements[0].did.defualt",
            "Did you mean 'default'?",
        ),
        ({"requirement": []}, "nbrucio.requirement", "Did you mean 'requirements'?"),
        ({"variant": {"paramter": "x"}}, "nbrucio.variant.paramter", "Did you mean 'parameter'?"),
        ({"variants": {"dev": {"a": {"max-bytes": 1}}}}, "nbrucio.variants.dev.a['max-bytes']", "'max_bytes'?"),
        ({"lock": {"a@dev": {**LOCK, "digets": ""}}}, "nbrucio.lock['a@dev'].digets", "Did you mean 'digest'?"),
        (wrong(quux=1), "nbrucio.requirements[0].quux", "The known keys here are did, handle, instance"),
        (wrong(**{"\x1b[31m": 1}), r"nbrucio.requirements[0]['\x1b[31m']", "The known keys"),
    ],
)
def test_an_unknown_key_has_its_place_and_a_suggestion(value: object, place: str, hint: str) -> None:
    (found,) = map(as_error, declaration_faults(value))
    assert found.subject == place
    assert found.message == f"In the notebook's metadata, {place} is not a known key."
    assert hint in (found.hint or "")
    assert (found.code, found.exit_code) == ("bad-declaration", 2)


@pytest.mark.parametrize(
    ("value", "words", "hint"),
    [
        (wrong(access="mont"), "requirements[0].access must be one of store, mount,", "Did you mean 'mount'?"),
        (wrong(did="nocolon"), "requirements[0].did: 'nocolon' is not a DID: the scope is missing.", "scope:name"),
        (wrong(handle="class"), "requirements[0].handle: 'class' is not a valid handle: it is a Python keyword", "Use"),
        (wrong(handle="a" * 101), "it has more than 100 characters", "Use"),
        (wrong(did={"parameter": "a b"}), "did.parameter: 'a b' is not the name of a parameter", "identifier"),
        ({"lock": {"a": {**LOCK, "digest": "x"}}}, "lock.a.digest must be 'sha256:' and 64 hex digits.", ""),
        ({"lock": {"a": {**LOCK, "pinned": ["x"]}}}, "pinned[0] must be a DID, a size and a checksum, separated", ""),
        ({"lock": {"a": {**LOCK, "sha256": {"s:n": "x"}}}}, "lock.a.sha256['s:n'] must be 64 hex digits.", ""),
    ],
)
def test_a_wrong_value_has_its_place_and_a_suggestion(value: object, words: str, hint: str) -> None:
    (found,) = map(as_error, declaration_faults(value))
    assert words in found.message
    assert hint in (found.hint or "")


def test_everything_that_nbrucio_and_the_guide_write_is_known() -> None:
    marks = {"bind": True, "doi": "10.1/x", "source": "code", "unused": True, "instance": "a", "access": "any"}
    value = {**wrong(select={"first": 1}, **marks), "lock": {"a": LOCK, "a@dev": LOCK}, "variants": {"dev": {}}}
    assert declaration_faults(value) == ()
    assert declaration_faults(None) == ()


def test_each_fault_is_told_once_and_those_beyond_a_schema_by_the_reader() -> None:
    twice = {"did": "s:m", "handle": "a", "acess": 1}
    choice = {"did": {"parameter": "era", "choices": {"1": "s:b"}, "default": "2"}, "handle": "c"}
    later = {"did": {"parameter": "p"}, "handle": "d"}
    value = {"requirements": [{"did": "s:n", "handle": "a"}, twice, choice, later, {"did": "nocolon", "handle": "e"}]}
    messages = [error.message for error in declaration_warnings(value)]
    assert len(messages) == 4
    assert "nbrucio.requirements[1].acess is not a known key" in messages[0]
    assert "nbrucio.requirements[4].did: 'nocolon' is not a DID" in messages[1]
    assert "Requirement 2 of the notebook is invalid: another requirement has the handle 'a'" in messages[2]
    assert "Requirement 3 of the notebook is invalid: the parameter 'era' is '2'" in messages[3]


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("jsonschema", "Declarations cannot be checked: jsonschema is not installed."),
        ("rpds", "Declarations cannot be checked: rpds-py is not installed."),
    ],
)
def test_without_jsonschema_the_reader_s_errors_are_left_and_one_sentence_names_it(
    module: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("jsonschema", "rpds", "referencing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    missing, invalid = declaration_warnings(wrong(did="nocolon"))
    assert (missing.code, missing.message) == ("missing-dependency", words)
    assert "'nocolon' is not a DID" in invalid.message
