"""Pauses of random length, so that many processes do not ask a server at the same moments."""

from __future__ import annotations

import random


def jittered(wait_s: float, share: float = 0.25) -> float:
    """Return ``wait_s`` seconds, longer or shorter by a random part of at most ``share``."""
    return wait_s * random.uniform(1 - share, 1 + share)  # noqa: S311 no secret


def no_sooner(wait_s: float, share: float = 0.5) -> float:
    """Return ``wait_s`` seconds, for which a server asks, longer by a random part of at most ``share``."""
    return wait_s * random.uniform(1, 1 + share)  # noqa: S311 no secret
