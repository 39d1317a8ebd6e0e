"""Texts that a reviewer reads: a test gathers them into one file, and fails when that file says something else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "snapshots"


class Snapshots:
    """Compares texts with the files in ``tests/snapshots``; with ``update`` it writes these anew."""

    def __init__(self, *, update: bool) -> None:
        self._update = update

    def check(self, name: str, texts: Iterable[tuple[str, str]]) -> None:
        """``texts``, pairs of a title and a body, are what the file ``name`` holds, in this order."""
        text = "\n".join(f"=== {title}\n{body.rstrip()}\n" for title, body in texts)
        file = FOLDER / name
        if self._update:
            file.write_text(text, "utf-8")
        assert file.read_text("utf-8") == text, f"{name} changed: run `make snapshots`, and read the difference."
