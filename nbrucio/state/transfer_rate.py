"""Download rate of the last sync, saved in ``<store>/rate.json`` for the estimate of the next plan."""

from __future__ import annotations

import json
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.disk.read import SMALL_BYTES, read_json

#: Smaller downloads measure the latency of small files rather than the rate of large ones.
MIN_BYTES = 1_000_000


class TransferRate:
    """The rate saved in the store at ``root``. A damaged or unreadable file counts as never measured."""

    def __init__(self, root: Path) -> None:
        self._path = root / "rate.json"

    def last(self) -> float | None:
        """Return bytes per second of the last sync that downloaded at least `MIN_BYTES`; None without one."""
        try:
            value = read_json(self._path, SMALL_BYTES, follow=False)
        except (OSError, ValueError):
            return None
        rate = value.get("bytes_per_s") if isinstance(value, dict) else None
        return float(rate) if isinstance(rate, (int, float)) and 0 < rate < float("inf") else None

    def save(self, size_bytes: int, elapsed_s: float) -> None:
        """Save the rate of a sync that downloaded ``size_bytes`` in ``elapsed_s`` seconds, if it reached `MIN_BYTES`.

        Raises:
            OSError: the store cannot be written.
        """
        if size_bytes >= MIN_BYTES and elapsed_s > 0:
            value = {"version": 1, "bytes_per_s": round(size_bytes / elapsed_s, 1)}
            write_file(self._path, json.dumps(value).encode())
