"""Makes frontend/src/schema.ts, the types of what panel and server exchange, from their schemas: ``make types``."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import nbrucio_schemas

FRONTEND = Path(__file__).parents[1] / "frontend"
FILE = FRONTEND / "src/schema.ts"
_BANNER = "/** What panel and server exchange. `make types` makes it from schemas/nbrucio_schemas/openapi.json. */"
_PROGRAM = "node_modules/json-schema-to-typescript/dist/src/cli.js"
_OPTIONS = (
    "--unreachableDefinitions",
    "--no-additionalProperties",
    "--style.singleQuote",
    "--style.printWidth=120",
    "--style.trailingComma=none",
    "--style.arrowParens=avoid",
)


def types() -> str:
    """Return the text of the file.

    Raises:
        subprocess.CalledProcessError: json-schema-to-typescript failed.
    """
    schemas = nbrucio_schemas.openapi()["components"]["schemas"]
    root = {"title": "Schemas", "definitions": {_name(key): _plain(schema) for key, schema in schemas.items()}}
    command = ["node", _PROGRAM, *_OPTIONS, f"--bannerComment={_BANNER}"]
    text = json.dumps(root)
    done = subprocess.run(command, cwd=FRONTEND, input=text, capture_output=True, text=True, check=True)  # noqa: S603
    text = re.sub(r"(?m)^ \*\n \* This interface was referenced by .*\n \* via the .*\n", "", done.stdout)
    text = re.sub(r"/\*\*\n \* This interface was referenced by .*\n \* via the .*\n \*/\n", "", text)
    return text.replace("export interface Schemas {\n  [k: string]: unknown;\n}\n", "")


def _name(key: str) -> str:
    return "I" + "".join(word.capitalize() for word in key.split("_"))


def _plain(schema: object) -> object:
    """Return a schema with the names of types in its references, and without titles, which would name types, too."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {key: _plain(value) for key, value in schema.items() if key != "title"}
    if "maxItems" not in plain:
        plain.pop("minItems", None)  # a list that is not empty would be a type of its own
    if "prefixItems" in plain:  # as older drafts, which the program reads, write it
        plain["items"] = plain.pop("prefixItems")
    if "$ref" in plain:
        first, *others = plain["$ref"].removeprefix("#/components/schemas/").split("/")
        plain["$ref"] = "/".join(("#/definitions", _name(first), *others))
    return plain


if __name__ == "__main__":
    FILE.write_text(types(), "utf-8")
