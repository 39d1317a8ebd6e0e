"""Experience with storage, saved in ``<store>/hosts.json`` for the next run, and forgotten after some days."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbrucio.core.hosts import HostBook, HostFacts, Performance, RseHost
from nbrucio.disk.atomic import write_file
from nbrucio.disk.read import SMALL_BYTES, read_json

#: Seconds for which a run's experience with a host counts, and for which a failure counts.
KEPT_S, FAILED_S = 3 * 24 * 3600, 24 * 3600
#: Hosts in the file, and RSEs in it; the ones used last stay.
_MOST = 200
#: Faster is no measurement.
_MOST_BYTES_PER_S = 1e15

_Row = dict[str, Any]


class HostMemory:
    """The experience saved in the store at ``root``. A damaged or unreadable file counts as none.

    Of two processes that save at the same time, one may lose what it found; the next run finds it again.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "hosts.json"

    def read(self) -> dict[str, HostFacts]:
        """Return what runs of the last days found out, by host."""
        return {host: _facts(row) for host, row in self._hosts(self._content()).items()}

    def performance(self) -> dict[RseHost, Performance]:
        """Return how well RSEs served the runs of the last days."""
        now, found = time.time(), {}
        for key, row in self._rses(self._content()).items():
            rate = row.get("bytes_per_s") if _is_fresh(row.get("measured"), now) else None
            found[key] = Performance(_rate(rate), _is_fresh(row.get("failed"), now, FAILED_S))
        return found

    def save(self, book: HostBook) -> None:
        """Replace what is known of the hosts and the RSEs that a run used.

        Raises:
            OSError: the store cannot be written.
        """
        if not (book.found or book.rses):
            return
        content, now = self._content(), round(time.time())
        hosts = self._hosts(content) | {host: {"at": now, **facts._asdict()} for host, facts in book.found.items()}
        rses = self._rses(content)
        for key, performance in book.rses.items():
            rses[key] = _joined(rses.get(key, {}), performance, now)
        listed = [{**key._asdict(), **row} for key, row in _latest(rses).items()]
        value = {"version": 1, "hosts": _latest(hosts), "rses": listed}
        write_file(self._path, json.dumps(value).encode())

    def _content(self) -> Mapping[str, object]:
        try:
            value = read_json(self._path, SMALL_BYTES, follow=False)
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _hosts(self, content: Mapping[str, object]) -> dict[str, _Row]:
        hosts, now = content.get("hosts"), time.time()
        rows = hosts.items() if isinstance(hosts, dict) else ()
        return {host: row for host, row in rows if isinstance(row, dict) and _is_fresh(row.get("at"), now)}

    def _rses(self, content: Mapping[str, object]) -> dict[RseHost, _Row]:
        rses, now, found = content.get("rses"), time.time(), {}
        for row in rses if isinstance(rses, list) else ():
            if isinstance(row, dict) and _is_fresh(row.get("at"), now):
                rse, host = row.pop("rse", None), row.pop("host", None)
                if isinstance(rse, str) and isinstance(host, str):
                    found[RseHost(rse, host)] = row
        return found


def _joined(row: Mapping[str, object], found: Performance, now: int) -> _Row:
    """Return ``row`` with what a run found: the rate stays while none is measured."""
    joined: _Row = {**row, "at": now, "failed": now if found.failed else None}
    if found.bytes_per_s is not None:
        joined |= {"measured": now, "bytes_per_s": round(found.bytes_per_s)}
    return joined


def _latest(rows: Mapping[Any, _Row]) -> dict[Any, _Row]:
    return dict(sorted(rows.items(), key=lambda row: row[1]["at"], reverse=True)[:_MOST])


def _is_fresh(at: object, now: float, kept_s: float = KEPT_S) -> bool:
    return isinstance(at, (int, float)) and now - kept_s < at < now + kept_s  # of any number


def _facts(row: Mapping[str, object]) -> HostFacts:
    """Return the values of a row that are what they should be."""
    return HostFacts(_count(row.get("files")), _count(row.get("most")))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _rate(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value < _MOST_BYTES_PER_S else None
