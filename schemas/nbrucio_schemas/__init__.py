"""The JSON Schemas of nbrucio's public formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(name: str) -> dict[str, Any]:
    """The schema called ``name``, for example ``declaration-1``.

    Raises:
        FileNotFoundError: there is no such schema.
    """
    schema: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.schema.json").read_text("utf-8"))
    return schema
