"""The errors for a name that does not mean one configured instance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nbrucio.core.text import printable
from nbrucio.errors import UnknownInstance


def ambiguous(wanted: str, found: Sequence[str]) -> UnknownInstance:
    """Return the error for a name that matches the instances ``found``."""
    return UnknownInstance(
        f"{printable(wanted)} matches {len(found)} configured Rucio instances.",
        subject=wanted,
        hint=f"Write one of them in full: {', '.join(found)}.",
    )


def unknown_instance(wanted: str, known: Sequence[str], places: Sequence[Path]) -> UnknownInstance:
    """Return the error for a name that matches no instance."""
    return UnknownInstance(
        f"The Rucio instance {printable(wanted)} is not configured on this machine.",
        subject=wanted,
        hint=f"Configured instances: {', '.join(known) or 'none'}. {_how_to_add(places)}",
    )


def no_default(known: Sequence[str], places: Sequence[Path]) -> UnknownInstance:
    """Return the error for a missing default instance."""
    if known:
        return UnknownInstance(
            "The default Rucio instance is not set on this machine.",
            hint=f"Set default_instance in config.toml, or NBRUCIO_INSTANCE, to one of: {', '.join(known)}.",
        )
    return UnknownInstance("No Rucio instance is configured on this machine.", hint=_how_to_add(places))


def _how_to_add(places: Sequence[Path]) -> str:
    files = f" Files searched: {', '.join(map(str, places))}." if places else ""
    return f"Add [instances.NAME] with a host to config.toml, or install a rucio.cfg.{files}"
