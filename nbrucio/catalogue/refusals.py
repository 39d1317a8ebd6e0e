"""Responses that are not what was asked for: Rucio's errors, and the pages of the server in front of it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

from nbrucio.catalogue.errors import ServerRefusal
from nbrucio.catalogue.network_errors import BUSY
from nbrucio.core.cancellation import given_up
from nbrucio.core.jitter import jittered, no_sooner
from nbrucio.http import GivenUp, Response

#: Rucio may send its stack.
_MAX_BYTES = 1024 * 1024
#: nginx and Apache name the error in the title of their page, haproxy in its first heading.
_TITLE = re.compile(rb"<(title|h1)[^>]*>([^<]{1,200})<", re.IGNORECASE)
#: How often a request is sent to a server that is busy, and the seconds between: at first, and at most.
_MAX_SENT, _WAIT_S, _MAX_WAIT_S = 3, 0.25, 10.0


def refusal_of(answer: Response) -> ServerRefusal:
    """Return what an error response says, and close it.

    Raises:
        HttpError: the response exceeds a limit.
    """
    content = answer.content(_MAX_BYTES)
    facts = _json_object(content)
    name = facts.get("ExceptionClass") or answer.headers.get("ExceptionClass") or ""
    words = facts.get("ExceptionMessage") or answer.headers.get("ExceptionMessage") or ""
    return ServerRefusal(
        str(name),
        str(words) or (_title(content) if answer.kind == "text/html" else ""),
        answer.status,
        location=answer.headers.get("Location"),
        retry_after_s=retry_after_s(answer.headers),
    )


def patiently(ask: Callable[[], Response]) -> Response:
    """Ask until the server is not busy, at most `_MAX_SENT` times, with the pauses that it asks for or more.

    A server that asks for a pause above `_MAX_WAIT_S` is not asked again.
    """
    for sent in range(1, _MAX_SENT + 1):
        answer = ask()
        if answer.status not in BUSY or sent == _MAX_SENT:
            break
        asked_s = retry_after_s(answer.headers)
        if asked_s is not None and asked_s > _MAX_WAIT_S:
            break
        answer.close()
        _pause(jittered(_WAIT_S * 2 ** (sent - 1)) if asked_s is None else no_sooner(asked_s))
    return answer


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the pause in seconds that a response asks for (RFC 9110, 10.2.3); None if it asks for none."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, moment.timestamp() - time.time())


def _pause(wait_s: float) -> None:
    """Wait before the next attempt, unless the request is cancelled."""
    cancelled = given_up()
    if cancelled is None:
        time.sleep(wait_s)
    elif cancelled.wait(wait_s):
        raise GivenUp("the request was cancelled")


def _title(page: bytes) -> str:
    found = _TITLE.search(page)
    return unescape(found[2].decode("utf-8", "replace")) if found else ""


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
