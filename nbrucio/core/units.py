"""Parse lifetimes such as ``30d`` and sizes such as ``50 GB``, ``512 MiB`` or a plain number of bytes."""

from __future__ import annotations

import re

from nbrucio.core.text import printable
from nbrucio.errors import UsageError

_UNITS_S = {"h": 3600, "d": 86_400, "w": 7 * 86_400}


_LIFETIME = re.compile(r"\s*([1-9]\d{0,5})\s*([hdw])\s*\Z", re.ASCII | re.IGNORECASE)


def parse_lifetime(text: str) -> int:
    """Return the seconds of a lifetime such as ``12h``, ``30d`` or ``2w``.

    Raises:
        UsageError: ``text`` is not a lifetime.
    """
    match = _LIFETIME.match(text)
    if match is None:
        raise UsageError(
            f"{printable(text)} is not a lifetime.", subject=text, hint="Write for example 12h, 30d or 2w."
        )
    return int(match.group(1)) * _UNITS_S[match.group(2).lower()]


_UNITS = {"": 1, "b": 1}
_UNITS |= {f"{prefix}b": 1000**power for power, prefix in enumerate("kmgtp", start=1)}
_UNITS |= {f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgtp", start=1)}
_SIZE = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*([A-Za-z]{0,3})\s*\Z", re.ASCII)


def parse_size(text: str) -> int:
    """Return the bytes of a size: kB, MB, GB, TB and PB are powers of 1000, KiB, MiB, … of 1024, in any case.

    Raises:
        ValueError: ``text`` is not a size; the message has an example.
    """
    match = _SIZE.match(text)
    unit = _UNITS.get(match.group(2).lower()) if match else None
    if match is None or unit is None:
        raise ValueError("must be a size such as '50 GB'")
    number = match.group(1)
    return int(number) * unit if number.isdecimal() else int(float(number) * unit)
