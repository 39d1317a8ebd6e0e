"""Parts of a large file, in the order in which they are requested. Pure: no threads, no bytes."""

from __future__ import annotations

import heapq
from typing import NamedTuple


class Span(NamedTuple):
    """The bytes of a file from ``start`` to before ``end``."""

    start: int
    end: int


class SpanPlan:
    """Distributes the bytes of a file from ``start`` to before ``end``.

    Each byte is given out once, until it is returned. Spans are given out in order, the returned ones first.
    """

    def __init__(self, start: int, end: int) -> None:
        self._next = start
        self._end = end
        self._returned: list[Span] = []

    @property
    def first(self) -> int | None:
        """Offset of the first byte that was not given out; None when all were."""
        if self._returned:
            return self._returned[0].start
        return self._next if self._next < self._end else None

    def give(self, size_bytes: int) -> Span | None:
        """Give out the next span, of at most ``size_bytes``; None when nothing is left."""
        if self._returned:
            return heapq.heappop(self._returned)
        if self._next >= self._end:
            return None
        span = Span(self._next, min(self._next + size_bytes, self._end))
        self._next = span.end
        return span

    def take_back(self, span: Span) -> None:
        """Return a span, or the rest of one, that was not downloaded."""
        if span.start < span.end:
            heapq.heappush(self._returned, span)
