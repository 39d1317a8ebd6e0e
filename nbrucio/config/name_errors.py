"""The errors for a name that does not mean one configured instance."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from nbrucio.config.importable import importable
from nbrucio.config.session import session_without_rucio
from nbrucio.core.text import printable
from nbrucio.errors import UnknownInstance

_INIT = "nbrucio config init"


def ambiguous(wanted: str, found: Sequence[str]) -> UnknownInstance:
    """Return the error for a name that matches the instances ``found``."""
    return UnknownInstance(
        f"{printable(wanted)} matches {len(found)} configured Rucio instances.",
        subject=wanted,
        hint=f"Write one of them in full: {', '.join(found)}.",
    )


def unknown_instance(wanted: str, known: Sequence[str], places: Sequence[Path]) -> UnknownInstance:
    """Return the error for a name that matches no instance."""
    listed = f"Configured instances: {', '.join(known)}. " if known else ""
    return UnknownInstance(
        f"The Rucio instance {printable(wanted)} is not configured on this machine.",
        subject=wanted,
        hint=f"{listed}{_how_to_add(places)}",
        next_command=_INIT,
    )


def no_default(known: Sequence[str], places: Sequence[Path]) -> UnknownInstance:
    """Return the error for a missing default instance."""
    if known:
        return UnknownInstance(
            "The default Rucio instance is not set on this machine.",
            hint=f"Set default_instance in config.toml, or NBRUCIO_INSTANCE, to one of: {', '.join(known)}.",
        )
    start = session_without_rucio(os.environ)
    return UnknownInstance(
        "No Rucio instance is configured on this machine.",
        hint=f"{start} {_how_to_add(places)}" if start else _how_to_add(places),
        next_command=_INIT,
    )


def _how_to_add(places: Sequence[Path]) -> str:
    found = importable(os.environ)
    files = f" Files searched: {', '.join(map(str, places))}." if places else ""
    copy = f" `nbrucio config import` reads {' and '.join(map(str, found))}." if found else ""
    return f"Set one up with `{_INIT}`.{copy} `nbrucio demo` needs no instance.{files}"
