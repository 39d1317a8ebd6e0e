"""The origin of a download limit, for the errors about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nbrucio.errors import NbrucioError


class LimitOrigin(NamedTuple):
    """The origin of a download limit.

    Attributes:
        by_site: whether the operator of this machine sets it, so that users cannot raise it.
        session_bytes: the limit of the whole session, of which the rest is left; None for a limit of one sync.
        session_by_site: whether the operator sets the limit of a session.
        reason: the operator's reason for the rules of this site; None without one.
    """

    by_site: bool = False
    session_bytes: int | None = None
    session_by_site: bool = False
    reason: str | None = None


#: A limit that the user sets, or none.
OWN_LIMIT = LimitOrigin()


def because(reason: str | None) -> str:
    """Return the operator's reason as the end of a hint; an empty text without one."""
    return "" if reason is None else f" This site's reason: {reason}"


def unless_given(reason: str | None, errors: Iterable[NbrucioError]) -> str | None:
    """Return the operator's reason; None without one, and where the hint of an error gives it."""
    return None if any(because(reason) in (error.hint or "") for error in errors) else reason
