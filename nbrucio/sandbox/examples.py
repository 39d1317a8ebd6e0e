"""Finds the example notebooks: in the wheel beside this file, in a checkout in its folder ``examples``."""

from __future__ import annotations

from pathlib import Path

from nbrucio.errors import UsageError


def example(name: str) -> Path:
    """Return the path of the example notebook with this file name.

    Raises:
        UsageError: this installation does not have it.
    """
    here = Path(__file__).resolve()
    places = (here.with_name("notebooks") / name, here.parents[2] / "examples" / name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UsageError(
            f"The example notebook '{name}' is not part of this installation.",
            subject=name,
            hint="Install nbrucio anew.",
        )
    return found
