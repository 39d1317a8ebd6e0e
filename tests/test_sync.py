"""What a sync takes from configuration."""

from __future__ import annotations

from nbrucio.bringing import transfer_limits
from nbrucio.config import Policy
from nbrucio.transfer import Limits


def test_the_policy_says_how_hard_storage_is_worked() -> None:
    assert transfer_limits(Policy(parallel=1)) == Limits(per_host=1, total=2)
    assert transfer_limits(Policy()) == Limits()
