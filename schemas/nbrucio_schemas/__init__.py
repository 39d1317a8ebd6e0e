"""The JSON Schemas of nbrucio's public formats."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

#: Formats that the REST interface takes parts from; what their names begin with there, so that no two are alike.
_PARTS = {"output-1": "", "declaration-1": "declared_"}


def load(name: str) -> dict[str, Any]:
    """Return the schema ``name``, for example ``declaration-1``.

    Raises:
        FileNotFoundError: it does not exist.
    """
    schema: dict[str, Any] = json.loads(_text(f"{name}.schema.json"))
    return schema


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the REST interface, with the parts of other formats that it refers to."""
    text = _text("openapi.json")
    parts: dict[str, Any] = {}
    for name, prefix in _PARTS.items():
        here = f'"#/components/schemas/{prefix}'
        text = text.replace(f'"{name}.schema.json#/$defs/', here)
        definitions = json.loads(_text(f"{name}.schema.json").replace('"#/$defs/', here))["$defs"]
        parts |= {prefix + key: value for key, value in definitions.items()}
    document: dict[str, Any] = json.loads(text)
    schemas = document["components"]["schemas"]
    needed = _referred(text) - set(schemas)
    while needed:
        schemas |= {name: parts[name] for name in sorted(needed)}
        needed = _referred(json.dumps(schemas)) - set(schemas)
    return document


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


def _referred(text: str) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)', text))
