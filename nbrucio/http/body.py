"""The body of a response: decompressed, split into lines and parsed as JSON, all within limits.

``raw`` is a response of urllib3 1.26 or 2 with its content still unread; ``requests.Response.raw`` is one, too.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nbrucio.http.errors import BrokenOff, Malformed, TooLarge, translate_errors

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

    from nbrucio.http.paced import Pace

_GZIP = zlib.MAX_WBITS | 16
#: So many bytes of a body count as progress.
STEP_BYTES = 16 * 1024

#: Limit of a line. A row of Rucio has hundreds of bytes, one with the replicas of a file thousands.
MAX_LINE_BYTES = 16 * 1024 * 1024

#: Limit of a response that is one value.
MAX_BODY_BYTES = 64 * 1024 * 1024

#: Limit of decompressed by compressed size, beyond `_RATIO_FREE_BYTES`. Rows of a dataset have a ratio of 10 to 20.
_MAX_RATIO = 100
_RATIO_FREE_BYTES = 16 * 1024 * 1024

#: Limit of nested values. Rows of Rucio have four levels.
MAX_DEPTH = 64


def pieces(raw: HTTPResponse) -> Iterator[bytes]:
    """Yield the decompressed bytes as they arrive.

    Raises:
        Silent: no progress within the time allowed.
        BrokenOff: the body is shorter than announced, or its compression is damaged.
        TooLarge: the decompressed body exceeds the ratio limit.
        Malformed: the Content-Encoding is neither gzip nor identity.
    """
    packing = (raw.headers.get("Content-Encoding") or "identity").strip().lower()
    if packing not in ("gzip", "identity"):
        raise Malformed(f"the Content-Encoding {packing} is not supported")
    with translate_errors():
        yield from _received(raw) if packing == "identity" else _unpacked(_received(raw))


def whole(raw: HTTPResponse, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return all bytes of the body.

    Raises:
        TooLarge: the body exceeds ``max_bytes``.
        HttpError: as in `pieces`.
    """
    return b"".join(limited(pieces(raw), max_bytes))


def limited(found: Iterable[bytes], max_bytes: int = MAX_BODY_BYTES) -> Iterator[bytes]:
    """Yield the pieces of ``found``, which the caller collects in memory.

    Raises:
        TooLarge: their sum exceeds ``max_bytes``.
    """
    total = 0
    for piece in found:
        total += len(piece)
        if total > max_bytes:
            raise TooLarge(f"an answer of more than {max_bytes // 2**20} MiB")
        yield piece


def rows(raw: HTTPResponse) -> Iterator[object]:
    """Yield the values of a body with one JSON value per line, as they arrive.

    Raises:
        Malformed: a line is not JSON.
        TooLarge: a line exceeds `MAX_LINE_BYTES` or `MAX_DEPTH`.
        HttpError: as in `pieces`.
    """
    for line in lines(pieces(raw)):
        value = parse(line)
        renew(raw)
        yield value


def lines(found: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of ``found`` that are not empty, without line ends.

    Raises:
        TooLarge: a line exceeds `MAX_LINE_BYTES`.
    """
    begun: list[bytes] = []
    begun_bytes = 0
    for piece in found:
        head, *others = piece.split(b"\n")
        begun.append(head)
        begun_bytes += len(head)
        if begun_bytes > MAX_LINE_BYTES:
            raise TooLarge(f"a line of more than {MAX_LINE_BYTES // 2**20} MiB")
        if others:
            *whole_lines, last = others
            yield from filter(None, (b"".join(begun), *whole_lines))
            begun, begun_bytes = [last], len(last)
    if rest := b"".join(begun):
        yield rest


def parse(text: bytes) -> object:
    """Return the JSON value of ``text``.

    Raises:
        Malformed: the text is not JSON.
        TooLarge: the value exceeds `MAX_DEPTH`.
    """
    try:
        value: object = json.loads(text)
    except RecursionError:
        raise TooLarge("JSON that is nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"invalid JSON: {error}") from error
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _is_deep(value):
        raise TooLarge("JSON that is nested too deeply")
    return value


def renew(raw: HTTPResponse) -> None:
    """Restart the time limit of ``raw``, because it made progress."""
    pace = pace_of(raw)
    if pace is not None:
        pace.renew()


def pace_of(raw: HTTPResponse) -> Pace | None:
    """Return the pace of a response that is read through `paced`; None for another one."""
    # requests relies on this attribute, too, in urllib3 1.26 and 2.
    pace: Pace | None = getattr(getattr(raw, "_original_response", None), "pace", None)
    return pace


def _received(raw: HTTPResponse) -> Iterator[bytes]:
    """Yield the bytes as they are on the wire."""
    step_bytes = 0
    for piece in raw.stream(STEP_BYTES, decode_content=False):
        step_bytes += len(piece)
        if step_bytes >= STEP_BYTES:
            step_bytes = 0
            renew(raw)
        yield piece
    if raw.length_remaining:  # urllib3 1.26 does not check this by itself
        raise BrokenOff("the body is shorter than announced")


def _unpacked(packed: Iterable[bytes]) -> Iterator[bytes]:
    unpack = zlib.decompressobj(_GZIP)
    received = out = 0
    for piece in packed:
        received += len(piece)
        rest = piece
        while rest:
            part = unpack.decompress(rest, STEP_BYTES)
            out += len(part)
            if out > _RATIO_FREE_BYTES + _MAX_RATIO * received:
                raise TooLarge(f"an answer that unpacks to more than {_MAX_RATIO} times its size")
            if part:
                yield part
            rest = unpack.unconsumed_tail
    if last := unpack.flush():
        yield last
    if not unpack.eof or unpack.unused_data:
        raise BrokenOff("the packed body does not end where it should")


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            if isinstance(each, (dict, list))
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True
