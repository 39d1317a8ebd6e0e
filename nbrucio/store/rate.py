"""How quickly the last sync brought data, kept in ``<store>/rate.json`` for the next plan's estimate."""

from __future__ import annotations

import json
from pathlib import Path

from nbrucio.atomic import write_file

#: Less than this says more about the latency of small files than about the rate of large ones.
MIN_BYTES = 1_000_000


class Rate:
    """The memory of one store's rate. What is damaged or unreadable counts as never measured."""

    def __init__(self, root: Path) -> None:
        self._path = root / "rate.json"

    def last(self) -> float | None:
        """Bytes per second of the last sync that brought enough to tell; None when there was none."""
        try:
            rate = json.loads(self._path.read_bytes())["bytes_per_s"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return float(rate) if isinstance(rate, (int, float)) and 0 < rate < float("inf") else None

    def keep(self, size_bytes: int, elapsed_s: float) -> None:
        """Remember a sync that brought ``size_bytes`` in ``elapsed_s``, if that is enough to tell.

        Raises:
            OSError: the store cannot be written.
        """
        if size_bytes >= MIN_BYTES and elapsed_s > 0:
            value = {"version": 1, "bytes_per_s": round(size_bytes / elapsed_s, 1)}
            write_file(self._path, json.dumps(value).encode())
