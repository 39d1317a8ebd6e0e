"""Makes docs/json.md from the JSON Schemas: ``.venv/bin/python tools/json_page.py``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbrucio_schemas

PAGE = Path(__file__).parents[1] / "docs/json.md"
_ENVELOPE = {"version", "exit_code", "errors"}
_HEAD = """# What does `--json` print?

Every command takes `--json` and then prints one JSON document on stdout; messages and progress go to stderr. Every
document has three keys: `version` is 1, `exit_code` is that of the process ([exit codes](exit-codes.md)), and `errors`
lists all errors, each once. A result adds the keys below. A command that fails as a whole has `error`, its only error,
instead: [`error-1.schema.json`](../schemas/nbrucio_schemas/error-1.schema.json).

```console
$ nbrucio sync analysis.ipynb --json | jq -r '.notebooks[].requirements[].files[].path'
```

New keys may appear in any release: ignore those that you do not know. Sizes are in bytes; null means unknown. The
functions for [programs](python.md) return the same as `as_json()`.

This page is made from
[`output-1.schema.json`](../schemas/nbrucio_schemas/output-1.schema.json), which has all of it as JSON Schema, and
[`events-1.schema.json`](../schemas/nbrucio_schemas/events-1.schema.json).
"""


def page() -> str:
    """Return the text of the page."""
    definitions = nbrucio_schemas.load("output-1")["$defs"]
    results = {name: one for name, one in definitions.items() if set(one.get("properties", {})) >= _ENVELOPE}
    parts = {name: one for name, one in definitions.items() if name not in results}
    lines = [_HEAD, "## Results", "", "| result of | keys |", "|---|---|"]
    lines += (f"| {one['description'].rstrip('.')} | {_keys(one)} |" for one in results.values())
    lines += ["", "## Parts of results", "", "| part | keys |", "|---|---|"]
    lines += (f"| {name.replace('_', ' ')} | {_keys(one)} |" for name, one in parts.items())
    lines += ["", "## Events", "", "`nbrucio sync --events` writes one line of JSON on stderr for each event.", ""]
    lines += ["| `event` | meaning | other keys |", "|---|---|---|", *_events(nbrucio_schemas.load("events-1"))]
    return "\n".join(lines) + "\n"


def _keys(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    return "; ".join(
        f"`{name}`{_kind(one)}"
        for name, one in schema.get("properties", {}).items()
        if name not in _ENVELOPE or "exit_code" not in schema["properties"] or "code" in schema["properties"]
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the meaning of a key, and the part that it has."""
    words = [schema["description"].rstrip(".")] if "description" in schema else []
    item, many = schema.get("items", schema), "items" in schema
    for one in item.get("oneOf", [item]):
        if "$ref" in one:
            part = one["$ref"].rpartition("/")[2].replace("_", " ")
            words.append(f"each: {part}" if many else part)
    if many and "properties" in item:
        words.append("each: " + ", ".join(f"`{name}`" for name in item["properties"]))
    if "enum" in schema:
        words.append(", ".join(f"`{value}`" for value in schema["enum"]))
    return f" ({'; '.join(words)})" if words else ""


def _events(schema: Mapping[str, Any]) -> Iterator[str]:
    for one in schema["oneOf"]:
        others = ", ".join(f"`{name}`" for name in one["properties"] if name != "event")
        yield f"| `{one['properties']['event']['const']}` | {one['description']} | {others} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
