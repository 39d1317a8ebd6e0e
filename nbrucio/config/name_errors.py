"""The errors for a name that does not mean one configured instance."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from nbrucio.config.importable import importable
from nbrucio.config.session import session_without_rucio
from nbrucio.core.text import printable
from nbrucio.disk.libraries import has_sandbox
from nbrucio.errors import UnknownInstance

_INIT = "nbrucio config init"
_ASK = "The administrator fixes the instances of this machine: ask for this one."


def ambiguous(wanted: str, found: Sequence[str]) -> UnknownInstance:
    """Return the error for a name that matches the instances ``found``."""
    return UnknownInstance(
        f"{printable(wanted)} matches {len(found)} configured Rucio instances.",
        subject=wanted,
        hint=f"Write one of them in full: {', '.join(found)}.",
    )


def unknown_instance(
    wanted: str, known: Sequence[str], places: Sequence[Path], *, origin: str, fixed: bool
) -> UnknownInstance:
    """Return the error for a name that matches no instance.

    Args:
        origin: the file or variable that makes it the default; an empty text if something else names it.
        fixed: whether users cannot add instances.
    """
    listed = f"Configured instances: {', '.join(known)}. " if known else ""
    return UnknownInstance(
        f"The Rucio instance {printable(wanted)}{f' ({origin})' if origin else ''} is not configured on this machine.",
        subject=wanted,
        hint=f"{listed}{_ASK if fixed else _how_to_add(places)}",
        next_command=None if fixed else _INIT,
    )


def no_default(known: Sequence[str], places: Sequence[Path]) -> UnknownInstance:
    """Return the error for a missing default instance."""
    if known:
        return UnknownInstance(
            "The default Rucio instance is not set on this machine.",
            hint=f"Set default_instance in config.toml, or NBRUCIO_INSTANCE, to one of: {', '.join(known)}.",
        )
    # In the message, because a notification shows no hint.
    start = session_without_rucio(os.environ)
    return UnknownInstance(
        f"No Rucio instance is configured{f'. {start}' if start else ' on this machine.'}",
        hint=_how_to_add(places),
        next_command=_INIT,
    )


def _how_to_add(places: Sequence[Path]) -> str:
    found = importable(os.environ)
    files = f" Files searched: {', '.join(map(str, places))}." if places else ""
    copy = f" `nbrucio config import` reads {' and '.join(map(str, found))}." if found else ""
    # The demo leaves a sandbox running, which another terminal does not know.
    demo = ' `nbrucio demo` needs no instance; `eval "$(nbrucio sandbox env)"` uses its sandbox.'
    return f"Set one up with `{_INIT}`.{copy}{demo if has_sandbox() else ''}{files}"
