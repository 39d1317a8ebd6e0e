"""Which configured instances a name means, and what is said when that is not one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.address import canonical, read_address
from nbrucio.did import printable
from nbrucio.errors import UnknownInstance

if TYPE_CHECKING:
    from nbrucio.config.values import Instance


def exactly(instances: Sequence[Instance], wanted: str) -> tuple[Instance, ...]:
    """Those of which ``wanted`` is a name. An identity goes before a short name, then an alias, then URL and VO."""
    plain, identity = wanted.strip().lower(), canonical(wanted)
    kinds: tuple[Callable[[Instance], bool], ...] = (
        lambda one: one.identity == identity,
        lambda one: one.name.lower() == plain,
        lambda one: plain in (alias.lower() for alias in one.aliases),
        lambda one: one.address.identity() == identity,
    )
    found = (tuple(filter(kind, instances)) for kind in kinds)
    return next(filter(None, found), ())


def loosely(instances: Sequence[Instance], wanted: str) -> tuple[Instance, ...]:
    """Those whose URL and VO ``wanted`` fits as far as it says them."""
    written = read_address(wanted)
    return () if written is None else tuple(one for one in instances if written.fits(one.address))


def ambiguous(wanted: str, found: Sequence[Instance]) -> UnknownInstance:
    """The error for a name that fits several instances."""
    candidates = ", ".join(f"{one.identity} ({one.name})" for one in found)
    return UnknownInstance(
        f"{printable(wanted)} may mean {len(found)} Rucio instances.",
        subject=wanted,
        hint=f"Name one of them in full: {candidates}.",
    )


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
