"""Declarations: what is good is used, what is bad is told, and all of it is kept."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import nbrucio_schemas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.declaration import Declaration, from_attachments
from nbrucio.core.did import Did
from nbrucio.core.requirement import Requirement, check_handle, lock_for, propose_handle
from nbrucio.core.selection import Selection
from nbrucio.errors import BadDeclaration
from tests.support.strategies import dids, json_values

GOOD: dict[str, Any] = {
    "version": 1,
    "requirements": [
        {"did": "user.jdoe:dimuon.2012", "handle": "dimuon"},
        {
            "did": "cms:/SingleMuon/Run2018A/NANOAOD#v1",
            "handle": "muons",
            "instance": "cms-rucio.cern.ch",
            "select": {"match": "*.root", "first": 2},
            "access": "stream",
        },
    ],
    "lock": {
        "dimuon": {
            "did": "user.jdoe:dimuon.2012",
            "type": "DATASET",
            "files": 4,
            "bytes": 8388608,
            "open": False,
            "digest": "sha256:" + "0" * 64,
            "locked": "2026-11-23T10:00:00Z",
        }
    },
}

handles = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda text: propose_handle(Did("s", text), ()))


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(nbrucio_schemas.load("declaration-1"))


def test_the_documented_form_round_trips_and_fits_its_schema() -> None:
    assert Declaration.parse(GOOD).as_json() == GOOD
    validator().validate(GOOD)


@given(json_values)
def test_any_value_is_read_or_refused_in_words(value: object) -> None:
    try:
        Declaration.parse(value)
    except BadDeclaration as error:
        told = error.hint or error.next_command
    else:
        told = "nothing to tell"
    assert told


@given(st.lists(json_values, max_size=4))
def test_bad_entries_are_kept_as_they_are_written(entries: list[object]) -> None:
    value = {"version": 1, "requirements": [*entries, GOOD["requirements"][0]]}
    declaration = Declaration.parse(copy.deepcopy(value))
    assert declaration.as_json() == value
    assert [requirement.handle for requirement in declaration.requirements] == ["dimuon"]


@given(st.lists(st.tuples(dids(), handles), max_size=5, unique_by=lambda pair: pair[1]))
def test_what_parses_without_fault_fits_the_schema(pairs: list[tuple[Did, str]]) -> None:
    value = {"version": 1, "requirements": [{"did": str(did), "handle": handle} for did, handle in pairs]}
    declaration = Declaration.parse(value)
    if not declaration.faults:
        validator().validate(declaration.as_json())


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("text", "it must be an object"),
        ({"handle": "a"}, "'did' is missing"),
        ({"did": "nocolon", "handle": "a"}, "the scope is missing"),
        ({"did": "s:n"}, "'handle' is missing"),
        ({"did": "s:n", "handle": "class"}, "is a Python keyword"),
        ({"did": "s:n", "handle": "__import__"}, "begins with '_'"),
        ({"did": "s:n", "handle": "<b>"}, "must be a Python identifier"),
        ({"did": "s:n", "handle": "\x1b[31m"}, "must be a Python identifier"),
        ({"did": "s:n", "handle": "a" * 101}, "more than 100 characters"),
        ({"did": "s:n", "handle": "a", "instance": 3}, "'instance' must be a string"),
        ({"did": "s:n", "handle": "a", "access": "steal"}, "'access' must be one of"),
        ({"did": "s:n", "handle": "a", "select": {"first": 0}}, "whole number"),
    ],
)
def test_a_bad_requirement_says_what_is_wrong(entry: object, why: str) -> None:
    faults = Declaration.parse({"requirements": [entry]}).faults
    assert why in faults[0].error.message
    assert faults[0].error.message.isprintable()
    assert not validator().is_valid({"version": 1, "requirements": [entry]}) or "class" in str(entry)


def test_a_handle_used_twice_counts_once() -> None:
    twice = Declaration.parse({"requirements": [{"did": "s:a", "handle": "x"}, {"did": "s:b", "handle": "x"}]})
    assert [str(requirement.did) for requirement in twice.requirements] == ["s:a"]
    assert "another requirement has the handle" in twice.faults[0].error.message


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], "must be an object"),
        ({"version": 2}, "version 2"),
        ({"version": "1"}, "whole number"),
        ({"version": True}, "whole number"),
        ({"requirements": {}}, "must be a list"),
        ({"requirements": [], "lock": []}, "must be a list"),
        ({"requirements": [None] * 10_001}, "at most 10,000"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_refused_whole(value: object, why: str) -> None:
    with pytest.raises(BadDeclaration, match=why):
        Declaration.parse(value)


def test_an_unreadable_lock_entry_hides_nothing_and_goes_when_it_is_replaced() -> None:
    value = copy.deepcopy(GOOD)
    value["lock"]["muons"] = {"digest": "nonsense"}
    declaration = Declaration.parse(value)
    assert declaration.as_json() == value
    relocked = declaration.with_lock("muons", declaration.lock["dimuon"])
    assert relocked.as_json()["lock"]["muons"] == GOOD["lock"]["dimuon"]  # type: ignore[index]


def test_a_lock_speaks_only_of_what_was_locked() -> None:
    declaration = Declaration.parse(GOOD)
    dimuon = declaration.requirements[0]
    assert lock_for(dimuon, declaration.lock) is declaration.lock["dimuon"]
    assert lock_for(Requirement(Did("user.jdoe", "other"), "dimuon"), declaration.lock) is None
    assert lock_for(Requirement(dimuon.did, "dimuon", select=Selection(first=1)), declaration.lock) is None


def test_adding_refuses_a_taken_handle_and_a_declared_did() -> None:
    declaration = Declaration.parse(GOOD)
    with pytest.raises(BadDeclaration, match=r"already used for user\.jdoe:dimuon\.2012"):
        declaration.with_requirement(Requirement(Did("s", "n"), "dimuon"))
    with pytest.raises(BadDeclaration, match="already declared, as 'dimuon'"):
        declaration.with_requirement(Requirement(Did("user.jdoe", "dimuon.2012"), "again"))


def test_what_adding_leaves_can_be_read() -> None:
    full = Declaration.parse({"requirements": [{"did": f"s:n{n}", "handle": f"h{n}"} for n in range(10_000)]})
    with pytest.raises(BadDeclaration, match=r"s:one\.more was not added: .* at most 10,000 requirements"):
        full.with_requirement(Requirement(Did("s", "one.more"), "more"))
    one_less = full.without("h0").with_requirement(Requirement(Did("s", "one.more"), "more"))
    assert Declaration.parse(one_less.as_json()) == one_less


def test_removing_takes_the_lock_along() -> None:
    removed = Declaration.parse(GOOD).without("dimuon")
    assert [requirement.handle for requirement in removed.requirements] == ["muons"]
    assert "lock" not in removed.as_json()


def test_attachments_of_the_other_extension_are_read() -> None:
    attachments = [
        {"did": "test:ds_medium", "type": "collection", "variableName": "ds"},
        {"did": "test:one", "type": "file", "variableName": "open file"},
        None,
    ]
    declaration = from_attachments(attachments)
    assert declaration.requirements == (Requirement(Did("test", "ds_medium"), "ds", extra={"bind": True}),)
    assert len(declaration.faults) == 2


def test_attachments_are_not_left_out_silently() -> None:
    with pytest.raises(BadDeclaration, match="has 10,001 attachments of rucio-jupyterlab, and at most 10,000 are read"):
        from_attachments([{"did": "test:one"}] * 10_001)


@given(json_values)
def test_any_attachments_are_read_without_harm(value: object) -> None:
    from_attachments(value)


@given(dids(), st.lists(handles, max_size=3))
def test_a_proposed_handle_is_good_and_free(did: Did, taken: list[str]) -> None:
    first = propose_handle(did, taken)
    second = propose_handle(did, [*taken, first])
    assert check_handle(first) not in taken
    assert second not in {*taken, first}


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("dimuon.2012", "dimuon_2012"),
        ("/SingleMuon/Run2018A/NANOAOD#v1", "nanoaod_v1"),
        ("2012.root", "data_2012"),
        ("class", "data_class"),
        ("μμ", "data"),
    ],
)
def test_proposed_handles_read_like_the_name(name: str, handle: str) -> None:
    assert propose_handle(Did("s", name), ()) == handle


def test_the_error_of_an_attachment_names_the_key_that_has_it() -> None:
    (fault,) = from_attachments([5]).faults
    assert fault.error.hint == "Correct or remove this entry of 'rucio_attachments' in the notebook's metadata."
