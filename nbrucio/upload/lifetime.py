"""How long Rucio keeps what is uploaded, as people write it."""

from __future__ import annotations

import re

from nbrucio.did import printable
from nbrucio.errors import UsageError

_UNITS_S = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
_LIFETIME = re.compile(r"\s*([1-9]\d{0,5})\s*([hdw])\s*\Z", re.ASCII | re.IGNORECASE)


def parse_lifetime(text: str) -> int:
    """The seconds that ``text`` means: ``12h``, ``30d`` or ``2w``.

    Raises:
        UsageError: ``text`` is no lifetime.
    """
    match = _LIFETIME.match(text)
    if match is None:
        raise UsageError(f"{printable(text)} is not a lifetime.", subject=text, hint="Write 12h, 30d or 2w.")
    return int(match.group(1)) * _UNITS_S[match.group(2).lower()]
