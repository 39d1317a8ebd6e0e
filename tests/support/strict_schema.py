"""Schemas that refuse what they do not list. Programs ignore unknown keys, but none of nbrucio's is undocumented."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import nbrucio_schemas
from jsonschema import Draft202012Validator, FormatChecker


def strict(schema: Any) -> Any:
    """The schema with every unlisted key refused; where it is made of several parts, in the whole of them."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: value if key == "allOf" else strict(value) for key, value in schema.items()}
    is_object = "properties" in closed and closed.get("type", "object") == "object"
    if "allOf" in closed or (is_object and "additionalProperties" not in closed):
        closed["unevaluatedProperties"] = False
    return closed


@cache
def openapi() -> dict[str, Any]:
    """The description of the REST interface, as the server gives it."""
    return nbrucio_schemas.openapi()


def validate_answer(method: str, path: str, status: int, answer: object) -> None:
    """Check an answer of the REST interface, or a line of a streamed one, against its description.

    Args:
        path: with its query, below ``/nbrucio``.

    Raises:
        jsonschema.ValidationError: they differ, or the answer has a key that is not described.
    """
    _answer_validator(method, path.partition("?")[0], status).validate(answer)


@cache
def _answer_validator(method: str, route: str, status: int) -> Draft202012Validator:
    responses = openapi()["paths"][route][method.lower()]["responses"]
    answer = responses.get(str(status)) or responses["default"]
    if "$ref" in answer:
        answer = openapi()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    ((_, content),) = answer["content"].items()
    whole: Mapping[str, Any] = {**content["schema"], "components": _closed_components()}
    return Draft202012Validator(whole, format_checker=FormatChecker())


@cache
def _closed_components() -> dict[str, Any]:
    schemas = openapi()["components"]["schemas"]
    # What another schema is made of stays open there; the whole is closed.
    parts = {
        part["$ref"].rpartition("/")[2]
        for schema in schemas.values()
        for part in schema.get("allOf", ())
        if "$ref" in part
    }
    opened = {f"{name}_": schemas[name] for name in parts}
    closed = {}
    for name, schema in schemas.items():
        made_of = [{"$ref": part["$ref"] + "_"} if "$ref" in part else part for part in schema.get("allOf", ())]
        closed[name] = strict({**schema, "allOf": made_of} if made_of else schema)
    return {"schemas": closed | opened}
