"""Makes the tables of docs/settings.md from the schema: ``.venv/bin/python tools/settings_page.py``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import nbrucio_schemas

PAGE = Path(__file__).parents[1] / "docs/settings.md"
_FIRST = "## The file\n"
_TABLE = ["| key | default | meaning |", "|---|---|---|"]


def page() -> str:
    """Return the text of the page; what is above the tables stays as it is."""
    schema = nbrucio_schemas.load("config-1")
    parts, top = schema["$defs"], schema["properties"]
    store = {f"[store]` `{name}": one for name, one in top["store"]["properties"].items()}
    lines = [
        *("", *_table({name: one for name, one in top.items() if "description" in one} | store), ""),
        *("### `[policy]`", "", *_table(parts["policy"]["properties"]), ""),
        *("### An instance", "", *_table(parts["instance"]["properties"]), ""),
        *("### A mount", "", *_table(parts["mount"]["properties"])),
    ]
    return PAGE.read_text("utf-8").partition(_FIRST)[0] + _FIRST + "\n".join(lines) + "\n"


def _table(settings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the rows; neighbours that say the same share one."""
    yield from _TABLE
    for (default, meaning), group in groupby(settings.items(), lambda item: _said(item[1])):
        yield f"| {', '.join(f'`{name}`' for name, _ in group)} | {default} | {meaning} |"


def _said(setting: Mapping[str, Any]) -> tuple[str, str]:
    default = f"`{json.dumps(setting['default'])}`" if "default" in setting else setting.get("x-default", "")
    return default, re.sub(r"docs/(([a-z]+)\.md[#a-z-]*)", r"[\2](\1)", setting["description"])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
