"""How quickly the last sync brought data, kept in ``<store>/rate.json`` for the next plan's estimate."""

from __future__ import annotations

import json
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.disk.read import SMALL_BYTES, read_json

#: Less than this says more about the latency of small files than about the rate of large ones.
MIN_BYTES = 1_000_000


class TransferRate:
    """The memory of one store's rate. What is damaged or unreadable counts as never measured."""

    def __init__(self, root: Path) -> None:
        self._path = root / "rate.json"

    def last(self) -> float | None:
        """Bytes per second of the last sync that brought enough to tell; None when there was none."""
        try:
            value = read_json(self._path, SMALL_BYTES, follow=False)
        except (OSError, ValueError):
            return None
        rate = value.get("bytes_per_s") if isinstance(value, dict) else None
        return float(rate) if isinstance(rate, (int, float)) and 0 < rate < float("inf") else None

    def keep(self, size_bytes: int, elapsed_s: float) -> None:
        """Remember a sync that brought ``size_bytes`` in ``elapsed_s``, if that is enough to tell.

        Raises:
            OSError: the store cannot be written.
        """
        if size_bytes >= MIN_BYTES and elapsed_s > 0:
            value = {"version": 1, "bytes_per_s": round(size_bytes / elapsed_s, 1)}
            write_file(self._path, json.dumps(value).encode())
