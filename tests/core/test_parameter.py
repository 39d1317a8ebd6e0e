"""Requirements whose DID a parameter chooses."""

from __future__ import annotations

from typing import Any

import jsonschema
import nbrucio_schemas
import pytest

from nbrucio.core.declaration import Declaration
from nbrucio.core.parameter import variant_name
from nbrucio.errors import BadDeclaration, ParameterNeeded

FREE: dict[str, Any] = {"did": {"parameter": "dataset", "default": "sandbox:a"}, "handle": "x"}
CHOICE: dict[str, Any] = {
    "did": {"parameter": "era", "choices": {"2017": "cms:mu.2017", "2018": "cms:mu.2018"}, "default": "2018"},
    "handle": "x",
}


def declared(entry: dict[str, Any], **parameters: object) -> Declaration:
    return Declaration.parse({"version": 1, "requirements": [entry]}, parameters)


def without_default(entry: dict[str, Any]) -> dict[str, Any]:
    did = {key: value for key, value in entry["did"].items() if key != "default"}
    return {**entry, "did": did}


@pytest.mark.parametrize(
    ("entry", "parameters", "did"),
    [
        (FREE, {}, "sandbox:a"),
        (FREE, {"dataset": "user.x:b/c"}, "user.x:b/c"),
        (FREE, {"another": "user.x:b"}, "sandbox:a"),
        (CHOICE, {}, "cms:mu.2018"),
        (CHOICE, {"era": "2017"}, "cms:mu.2017"),
        (CHOICE, {"era": 2017}, "cms:mu.2017"),
        (without_default(FREE), {"dataset": "user.x:b"}, "user.x:b"),
    ],
)
def test_the_value_chooses_the_did(entry: dict[str, Any], parameters: dict[str, object], did: str) -> None:
    (requirement,) = declared(entry, **parameters).requirements
    assert str(requirement.did) == did


@pytest.mark.parametrize(
    ("entry", "parameters", "words"),
    [
        (without_default(FREE), {}, "the parameter 'dataset' has no value and no default"),
        (FREE, {"dataset": "no did"}, "the parameter 'dataset': 'no did' is not a DID"),
        (FREE, {"dataset": True}, "must be a string"),
        (FREE, {"dataset": ["sandbox:a"]}, "must be a string"),
        (CHOICE, {"era": "2016"}, "the parameter 'era' is '2016', which is not one of its choices"),
        (CHOICE, {"era": "__import__('os')"}, "not one of its choices"),
        ({"did": {"parameter": "era", "choices": {"a": "b"}}, "handle": "x"}, {}, "'b' is not a DID"),
        ({"did": {"parameter": "era", "choices": []}, "handle": "x"}, {}, "'choices'"),
        ({"did": {"parameter": "era", "default": "sandbox"}, "handle": "x"}, {}, "'sandbox' is not a DID"),
        ({"did": {"parameter": 3}, "handle": "x"}, {}, "its 'parameter' must be the name"),
        ({"did": {}, "handle": "x"}, {}, "its 'parameter' must be the name"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_and_kept(
    entry: dict[str, Any], parameters: dict[str, object], words: str
) -> None:
    declaration = declared(entry, **parameters)
    (fault,) = declaration.faults
    assert words in fault.error.message
    assert declaration.as_json()["requirements"] == [entry]


def test_a_missing_value_has_an_error_of_its_own_that_says_what_to_pass() -> None:
    (fault,) = declared(without_default(CHOICE)).faults
    assert isinstance(fault.error, ParameterNeeded)
    assert fault.error.hint == "Pass -p era with one of: 2017, 2018."


def test_a_chosen_did_is_not_written_back() -> None:
    entry = {**FREE, "did": {**FREE["did"], "note": "of a newer version"}}
    assert declared(entry, dataset="sandbox:other").as_json()["requirements"] == [entry]


@pytest.mark.parametrize("entry", [FREE, CHOICE, without_default(FREE)])
def test_the_form_fits_the_schema(entry: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(nbrucio_schemas.load("declaration-1"))
    validator.validate({"version": 1, "requirements": [entry]})


@pytest.mark.parametrize(
    ("value", "parameters", "name"),
    [
        (None, {"size": "dev"}, None),
        ({"parameter": "size"}, {}, None),
        ({"parameter": "size", "default": "dev"}, {}, "dev"),
        ({"parameter": "size", "default": "dev"}, {"size": "full"}, "full"),
    ],
)
def test_the_value_chooses_the_variant(value: object, parameters: dict[str, object], name: str | None) -> None:
    assert variant_name(value, parameters) == name


@pytest.mark.parametrize("value", ["dev", {}, {"parameter": "a b"}, {"parameter": "size", "default": 3}])
def test_a_variant_of_another_form_is_refused(value: object) -> None:
    with pytest.raises(BadDeclaration):
        variant_name(value, {})
