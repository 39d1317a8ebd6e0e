"""The body of an answer: unpacked, cut into lines, read as JSON, all of it within limits.

``raw`` is a response of urllib3, 1.26 or 2, whose content was not asked for yet. requests holds one, too.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nbrucio.http.errors import BrokenOff, Malformed, TooLarge, translate_errors

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

_GZIP = zlib.MAX_WBITS | 16
_PIECE_BYTES = 16 * 1024

#: A row of Rucio takes some hundred bytes; one with the replicas of a file some thousand.
MAX_LINE_BYTES = 16 * 1024 * 1024

#: An answer that is read as one value.
MAX_BODY_BYTES = 64 * 1024 * 1024

#: Rows of one dataset pack to a tenth or twentieth. What unpacks to more than this is no list of files.
_MAX_RATIO = 100
_RATIO_FREE_BYTES = 16 * 1024 * 1024

#: Values within values. Rucio's rows have four.
MAX_DEPTH = 64


def pieces(raw: HTTPResponse) -> Iterator[bytes]:
    """The unpacked bytes as they come.

    Raises:
        Silent: no progress within the time allowed.
        BrokenOff: the body is shorter than announced, or not packed as announced.
        TooLarge: it unpacks to too much.
        Malformed: it is packed in a way that was not asked for.
    """
    packing = (raw.headers.get("Content-Encoding") or "identity").strip().lower()
    if packing not in ("gzip", "identity"):
        raise Malformed(f"the Content-Encoding {packing} is not supported")
    with translate_errors():
        yield from _received(raw) if packing == "identity" else _unpacked(_received(raw))


def whole(raw: HTTPResponse) -> bytes:
    """All bytes of the body.

    Raises:
        TooLarge: there are more than `MAX_BODY_BYTES`.
        what `pieces` raises.
    """
    return b"".join(limited(pieces(raw)))


def limited(found: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of ``found``, which are going to be kept all together.

    Raises:
        TooLarge: they are more than `MAX_BODY_BYTES`.
    """
    total = 0
    for piece in found:
        total += len(piece)
        if total > MAX_BODY_BYTES:
            raise TooLarge(f"an answer of more than {MAX_BODY_BYTES // 2**20} MiB")
        yield piece


def rows(raw: HTTPResponse) -> Iterator[object]:
    """The values of a body with one JSON value a line, as they come.

    Raises:
        Malformed: a line is no JSON.
        TooLarge: a line is too long, or nested too deeply.
        what `pieces` raises.
    """
    for line in lines(pieces(raw)):
        value = parse(line)
        renew(raw)
        yield value


def lines(found: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of ``found`` that are not empty, without their ends.

    Raises:
        TooLarge: a line is too long.
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
    """The JSON value of ``text``.

    Raises:
        Malformed: it is no JSON.
        TooLarge: its values are nested too deeply.
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
    """Tell what watches over the progress of ``raw`` that there was some."""
    # requests, too, relies on this attribute, in 1.26 and 2. An answer that was not read through `paced` has no pace.
    pace = getattr(getattr(raw, "_original_response", None), "pace", None)
    if pace is not None:
        pace.renew()


def _received(raw: HTTPResponse) -> Iterator[bytes]:
    """The bytes as they are on the wire."""
    step_bytes = 0
    for piece in raw.stream(_PIECE_BYTES, decode_content=False):
        step_bytes += len(piece)
        if step_bytes >= _PIECE_BYTES:
            step_bytes = 0
            renew(raw)
        yield piece
    if raw.length_remaining:  # urllib3 1.26 does not look by itself
        raise BrokenOff("the body is shorter than announced")


def _unpacked(packed: Iterable[bytes]) -> Iterator[bytes]:
    unpack = zlib.decompressobj(_GZIP)
    came = out = 0
    for piece in packed:
        came += len(piece)
        rest = piece
        while rest:
            part = unpack.decompress(rest, _PIECE_BYTES)
            out += len(part)
            if out > _RATIO_FREE_BYTES + _MAX_RATIO * came:
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
