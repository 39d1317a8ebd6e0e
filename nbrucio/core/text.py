"""Format numbers and names for the command line, the errors and the panel."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timezone

#: Categories of Unicode: control characters, invisible ones and those of the text's direction, halves of surrogate
#: pairs, ends of lines and of paragraphs.
_NOT_SHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: str, limit: int = 120) -> str:
    """Prepare ``text`` for a message: quote it, escape control characters, and cut it to ``limit`` characters."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return "'" + "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown) + "'"


def is_shown_whole(text: str) -> bool:
    """Whether each character of ``text`` is visible or a space, so that it can be shown as it is."""
    # Printable text has no others; testing each character is 50 times as slow.
    return text.isprintable() or not any(unicodedata.category(char) in _NOT_SHOWN for char in text)


def human_bytes(size_bytes: float | None) -> str:
    """Format a size in powers of ten, like Rucio: ``8.4 MB``; None is unknown."""
    if size_bytes is None:
        return "unknown size"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(size_bytes) < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} PB"


def human_seconds(seconds: float) -> str:
    """Format an estimated time: ``8 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def human_age(seconds: float) -> str:
    """Format a time that has passed: like `human_seconds`, and ``8 days`` from two days on."""
    days = int(seconds // 86_400)
    return plural(days, "day") if days >= 2 else human_seconds(seconds)


def human_moment(seconds: float) -> str:
    """Format a moment in seconds since 1970: ``2026-11-27 10:00 UTC``."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def unverified_words(files: int) -> str:
    """Return `` (2 unverified)`` for files without a checksum in Rucio; empty for 0."""
    return f" ({files:,} unverified)" if files else ""


def plural(count: int, noun: str) -> str:
    """Return ``1 file``, ``2 files`` or ``1,000 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
