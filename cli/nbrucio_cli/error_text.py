"""An error as text; without click, because that may be the library that is missing."""

from __future__ import annotations

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
