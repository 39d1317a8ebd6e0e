"""The JSON Schemas of nbrucio's public formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(name: str) -> dict[str, Any]:
    """Return the schema ``name``, for example ``declaration-1``.

    Raises:
        FileNotFoundError: it does not exist.
    """
    schema: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.schema.json").read_text("utf-8"))
    return schema
