"""The simulation finds bugs: each planted one takes a protection out, and some world then breaks a promise.

Without the bug the same worlds are right, see `tests.simulation.test_world`. A bug that replaces nothing is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.simulation.bugs import BUGS, planted
from tests.simulation.model import Wrong
from tests.simulation.world import World

#: Found by one of the first worlds, each in another room.
_QUICK = (
    "cells do not see that a file changed",
    "cleaning does not know notebooks",
    "opening asks nobody",
    "the lock is not used",
)
_WORLDS = 400


def _found_by(name: str, seeds: Iterable[int], folder: Path) -> int | None:
    """Return the first of ``seeds`` whose world is wrong with the bug ``name``."""
    for seed in seeds:
        (own := folder / str(seed)).mkdir()
        with planted(name):
            try:
                World(seed, own).run()
            except Wrong:
                return seed
    return None


@pytest.mark.parametrize("name", _QUICK)
def test_a_bug_is_found(name: str, tmp_path: Path) -> None:
    assert _found_by(name, range(25), tmp_path) is not None


@pytest.mark.world
@pytest.mark.parametrize("name", sorted(BUGS))
def test_every_bug_is_found(name: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    seed = _found_by(name, range(_WORLDS), tmp_path)
    record_property("seed", seed)
    assert seed is not None
