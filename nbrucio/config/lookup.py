"""What is said when a name means no configured instance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nbrucio.did import printable
from nbrucio.errors import UnknownInstance


def unknown_instance(wanted: str, known: Sequence[str], places: Sequence[Path]) -> UnknownInstance:
    """The error for a name that means nothing here."""
    return UnknownInstance(
        f"No Rucio instance {printable(wanted)} is configured here.",
        subject=wanted,
        hint=f"Configured: {', '.join(known) or 'none'}. {_how_to_add(places)}",
    )


def no_default(known: Sequence[str], places: Sequence[Path]) -> UnknownInstance:
    """The error for a request to the default instance where there is none."""
    if known:
        return UnknownInstance(
            "No default Rucio instance is chosen.",
            hint=f"Configured: {', '.join(known)}. Set default_instance in the configuration, or NBRUCIO_INSTANCE.",
        )
    return UnknownInstance("No Rucio instance is configured here.", hint=_how_to_add(places))


def _how_to_add(places: Sequence[Path]) -> str:
    looked = ", ".join(str(place) for place in places) or "nowhere"
    return f"Looked in: {looked}. Write [instances.NAME] with a host into config.toml, or install a rucio.cfg."
