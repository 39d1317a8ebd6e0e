"""An error as text and as JSON; without click, because that may be the library that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from nbrucio.errors import BadCondition, NbrucioError, envelope, runnable_command


def error_text(error: NbrucioError, count: str = "") -> str:
    """Return the message, the hint and the next command.

    Args:
        count: follows the message, where it stands for several errors.
    """
    lines = [f"error: {error.message}{count}"]
    if isinstance(error, BadCondition):
        lines += _marked(error)
    hint, command = error.hint_here, error.command_here
    if hint or command:
        lines.append("")
    if hint:
        lines.append(f"hint: {hint}")
    if command:
        lines.append(f"next: {command}")
    return "\n".join(lines)


def next_step(command: str) -> str:
    """Return the line with the ``command`` that helps next, as it runs in this session."""
    return f"next: {runnable_command(command)}"


def _marked(error: BadCondition) -> list[str]:
    """Return the condition, and a line with ``^`` below its wrong part."""
    start, end = error.position
    text = "".join(char if char.isprintable() else " " for char in error.subject or "")
    return [f"  {text}", f"  {' ' * start}{'^' * max(1, end - start)}"]


def error_json(error: NbrucioError) -> dict[str, object]:
    """Return what ``--json`` prints for ``error``; its schema is ``error-1``."""
    return {**envelope([error]), "error": error.as_json()}


def wants_json(words: Sequence[str]) -> bool:
    """Return whether these arguments of the command line ask for JSON, also if they are wrong otherwise."""
    return "--json" in takewhile(lambda word: word != "--", words)
