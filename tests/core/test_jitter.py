"""Pauses of random length."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbrucio.core.jitter import jittered, no_sooner


@pytest.mark.parametrize(
    ("pause", "least", "most"),
    [
        (lambda: jittered(8.0), 6.0, 10.0),
        (lambda: jittered(8.0, 0.5), 4.0, 12.0),
        (lambda: no_sooner(8.0), 8.0, 12.0),
        (lambda: no_sooner(8.0, 0.1), 8.0, 8.8),
        (lambda: no_sooner(0.0), 0.0, 0.0),
    ],
)
def test_pauses_spread_over_their_range_and_never_leave_it(
    pause: Callable[[], float], least: float, most: float
) -> None:
    found = [pause() for _ in range(1_000)]
    assert least <= min(found) <= max(found) <= most
    assert max(found) - min(found) >= 0.9 * (most - least)
