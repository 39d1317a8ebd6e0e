"""Unknown keys of a declaration: which, where, and what was meant. The schema and the reader agree on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import nbrucio_schemas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrucio.core.declaration import Declaration
from nbrucio.errors import BadDeclaration
from nbrucio.notebook.unknown_keys import MAX_REPORTED, unknown_keys

SCHEMA = nbrucio_schemas.load("declaration-1")
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
        (wrong(**{"": 1}), "nbrucio.requirements[0]['']", "The known keys"),
    ],
)
def test_an_unknown_key_has_its_place_and_a_suggestion(value: object, place: str, hint: str) -> None:
    (found,) = unknown_keys(value)
    assert found.subject == place
    assert found.message == f"The notebook's metadata has an unknown key, {place}."
    assert hint in (found.hint or "")


@pytest.mark.parametrize("value", [None, [], "text", {"requirements": {}}, {"requirements": [None, "x"], "lock": 3}])
def test_values_of_another_type_are_left_to_the_reader(value: object) -> None:
    assert unknown_keys(value) == ()


def test_everything_that_nbrucio_and_the_guide_write_is_known() -> None:
    marks = {"bind": True, "doi": "10.1/x", "source": "code", "unused": True, "instance": "a", "access": "any"}
    value = {**wrong(select={"first": 1}, **marks), "lock": {"a": LOCK, "a@dev": LOCK}, "variants": {"dev": {}}}
    assert unknown_keys(value) == ()


def test_keys_that_the_reader_refuses_are_left_out_on_request() -> None:
    assert unknown_keys(wrong(select={"frist": 1}), refused=False) == ()


def test_a_notebook_with_very_many_or_very_long_keys_is_reported_in_part() -> None:
    found = unknown_keys(wrong(**{"x" * 100_000 + str(number): 1 for number in range(MAX_REPORTED + 1)}))
    assert len(found) == MAX_REPORTED
    assert max(len(error.message) for error in found) < 200


KEYS = st.sampled_from(["access", "acess", "bind", "default", "digets", "first", "frist", "instance", "select", "x y"])
VALUES = st.sampled_from([1, True, None, "s:n", "any", [], {}, {"first": 1}, {"frist": 1}, {"parameter": "p"}])
EXTRAS = st.dictionaries(KEYS, VALUES, max_size=3)
DIDS = st.sampled_from(["s:n", "nocolon", 3]) | st.builds(
    lambda more: {"parameter": "p", "default": "s:n", **more}, EXTRAS
)
REQUIREMENTS = st.builds(
    lambda did, handle, more: {"did": did, "handle": handle, **more}, DIDS, st.sampled_from(["a", "a b", None]), EXTRAS
)
DECLARATIONS = st.builds(
    lambda requirement, lock, select, more: {
        **more,
        "version": 1,
        "requirements": [requirement],
        "lock": {"a": {**LOCK, **lock}},
        "variants": {"dev": {"a": select}},
    },
    REQUIREMENTS,
    EXTRAS,
    EXTRAS,
    st.dictionaries(st.sampled_from(["requirement", "variant", "lcok"]), VALUES, max_size=2),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(DECLARATIONS)
def test_the_walk_finds_the_keys_that_jsonschema_finds(value: dict[str, Any]) -> None:
    closed = jsonschema.Draft202012Validator(_closed(SCHEMA))
    assert sorted(str(error.subject) for error in unknown_keys(value)) == sorted(_refused(closed.iter_errors(value)))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(REQUIREMENTS)
def test_schema_and_reader_accept_the_same_requirements_and_keep_the_same_keys(requirement: dict[str, Any]) -> None:
    # A null is the same as no key to the reader; nbrucio never writes one.
    written = _without_nulls(requirement)
    declaration = Declaration.parse({"version": 1, "requirements": [requirement]}, {"p": "s:n"})
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid({"version": 1, "requirements": [written]})
    assert (not declaration.faults) == valid
    assert [_without_nulls(one) for one in declaration.as_json()["requirements"]] == [written]  # type: ignore[attr-defined]
    known = SCHEMA["$defs"]["requirement"]["properties"]
    kept = {key for one in declaration.requirements for key in one.extra if key not in known}
    reported = [error for error in unknown_keys({"requirements": [requirement]}) if ".did" not in str(error.subject)]
    assert not valid or len(kept) == len(reported)


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(one) for key, one in value.items() if one is not None}


def _closed(schema: Any) -> Any:
    """The schema with every object limited to the keys that it lists."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _closed(one) for key, one in schema.items()}
    described = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return inner | {"additionalProperties": False} if described else inner


def _refused(errors: Iterator[Any]) -> Iterator[str]:
    for error in errors:
        yield from _refused(iter(error.context))
        if error.validator == "additionalProperties":
            place = "nbrucio" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
            for key in error.instance:
                if key not in error.schema["properties"]:
                    yield f"{place}.{key}" if key.isidentifier() else f"{place}['{key}']"


def test_an_error_of_an_unknown_key_is_one_of_the_declaration() -> None:
    (error,) = unknown_keys({"lcok": {}})
    assert isinstance(error, BadDeclaration)
    assert (error.code, error.exit_code) == ("bad-declaration", 2)
