"""An error as text and as JSON; without click, because that may be the library that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from nbrucio.errors import NbrucioError


def error_text(error: NbrucioError, count: str = "") -> str:
    """Return the message, the hint and the next command.

    Args:
        count: follows the message, where it stands for several errors.
    """
    lines = [f"error: {error.message}{count}"]
    if error.hint or error.next_command:
        lines.append("")
    if error.hint:
        lines.append(f"hint: {error.hint}")
    if error.next_command:
        lines.append(f"next: {error.next_command}")
    return "\n".join(lines)


def error_json(error: NbrucioError) -> dict[str, object]:
    """Return what ``--json`` prints for ``error``; its schema is ``error-1``."""
    return {"version": 1, "exit_code": error.exit_code, "error": error.as_json()}


def wants_json(words: Sequence[str]) -> bool:
    """Return whether these arguments of the command line ask for JSON, also if they are wrong otherwise."""
    return "--json" in takewhile(lambda word: word != "--", words)
