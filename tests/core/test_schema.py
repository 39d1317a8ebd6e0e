"""What the faults of a value say: the place, the reason, and what was probably meant."""

from __future__ import annotations

import copy
from typing import Any

import nbrucio_schemas
import pytest

from nbrucio.core.did import Did
from nbrucio.core.schema import MAX_FAULTS, SchemaFault, schema_faults

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "did": {"type": "string", "format": "did", "pattern": ":"},
        "mode": {"enum": ["store", "mount", "any"]},
        "first": {"type": ["integer", "null"], "minimum": 1, "maximum": 9000},
        "files": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True, "items": {"type": "string"}},
        "code": {"title": "a word in capitals", "pattern": "^[A-Z]+$"},
        "open": {"const": True},
        "either": {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "required": ["parameter"], "properties": {"parameter": {"type": "string"}}},
            ]
        },
        "of": {"oneOf": [{"properties": {"kind": {"const": "a"}}}, {"properties": {"kind": {"const": "b"}}}]},
        "by": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "number"}},
    },
}


@pytest.fixture(autouse=True)
def small_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = nbrucio_schemas.load
    monkeypatch.setattr(
        nbrucio_schemas, "load", lambda name: copy.deepcopy(SCHEMA) if name == "small" else shipped(name)
    )


def faults(root: str = "", **value: Any) -> tuple[SchemaFault, ...]:
    return schema_faults({"name": "x", **value}, "small", root=root, formats={"did": Did.parse})


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ({"name": 3}, "name must be a string.", None),
        ({"name": ""}, "name must not be empty.", None),
        ({"mode": "mont"}, "mode must be one of store, mount, any.", "Did you mean 'mount'?"),
        ({"mode": "zzz"}, "mode must be one of store, mount, any.", None),
        ({"first": 0}, "first must be at least 1.", None),
        ({"first": 9001}, "first must be at most 9,000.", None),
        ({"first": "2"}, "first must be a whole number.", None),
        ({"files": []}, "files must not be empty.", None),
        ({"files": ["a", "b", "c"]}, "files has 3 entries, and at most 2 are allowed.", None),
        ({"files": ["a", "a"]}, "files has an entry twice.", None),
        ({"files": ["a", 3]}, "files[1] must be a string.", None),
        ({"code": "abc"}, "code must be a word in capitals.", None),
        ({"open": False}, "open must be true.", None),
        ({"either": 3}, "either must be a string or an object.", None),
        ({"either": {"paramter": "x"}}, "either.paramter is not a known key.", "Did you mean 'parameter'?"),
        ({"either": {}}, "either lacks the key 'parameter'.", None),
        ({"of": {"kind": "c"}}, "of has a form that is not known here.", None),
        ({"by": {}}, "by must not be empty.", None),
        ({"by": {"a b": "c"}}, "by['a b'] must be a number.", None),
        ({"nmae": "x"}, "nmae is not a known key.", "Did you mean 'name'?"),
        ({"quux": 1}, "quux is not a known key.", "The known keys here are name, did, mode"),
        ({"\x1b[31m": 1}, r"['\x1b[31m'] is not a known key.", "The known keys here"),
        ({"did": "nocolon"}, "did: 'nocolon' is not a DID: the scope is missing.", "Write scope:name."),
        ({"did": "a b:c"}, "did: 'a b:c' is not a DID: a scope consists of letters", "Write scope:name."),
    ],
)
def test_a_fault_has_its_place_its_reason_and_a_suggestion(value: dict[str, Any], message: str, hint: str) -> None:
    (found,) = faults(**value)
    assert found.message.startswith(message)
    assert hint in (found.hint or "") if hint else found.hint is None
    assert found.unknown_key == ("not a known key" in message)


def test_a_misspelt_required_key_is_one_fault_and_another_is_missing() -> None:
    assert [f.message for f in schema_faults({"nmae": "x"}, "small")] == ["nmae is not a known key."]
    assert [f.message for f in schema_faults({}, "small")] == ["The value lacks the key 'name'."]
    assert [f.message for f in schema_faults([], "small", root="body")] == ["body must be an object."]


def test_paths_begin_with_the_root() -> None:
    (found,) = faults("config", files=["a", 3])
    assert (found.path, found.parts) == ("config.files[1]", ("files", 1))


def test_an_open_schema_allows_unknown_keys() -> None:
    assert schema_faults({"name": "x", "quux": 1}, "small", closed=False) == ()


def test_values_do_not_appear_in_messages() -> None:
    found = faults(name=["s3cret"], mode="s3cret", first="s3cret", code="s3cret", either=["s3cret"])
    assert len(found) == 5
    assert "s3cret" not in str(found)


def test_very_many_very_long_and_very_deep_values_are_reported_in_part() -> None:
    found = faults(**{"x" * 100_000 + str(number): 1 for number in range(MAX_FAULTS + 1)})
    assert len(found) == MAX_FAULTS
    assert max(len(fault.message) for fault in found) < 200
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(faults(name=deep)) == 1


def test_faults_of_unlisted_keys_come_in_the_order_of_the_value() -> None:
    names = [f"k{number}" for number in range(20)]
    assert [fault.path for fault in faults(by=dict.fromkeys(names, "x"))] == [f"by.{name}" for name in names]
