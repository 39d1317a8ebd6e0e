"""What a sync takes from configuration."""

from __future__ import annotations

from nbrucio.config import Policy
from nbrucio.pipeline.download import transfer_limits
from nbrucio.transfer.types import TransferLimits


def test_the_policy_says_how_hard_storage_is_worked() -> None:
    keep_free_bytes = Policy().keep_free_bytes
    assert transfer_limits(Policy(parallel=1)) == TransferLimits(per_host=1, total=2, keep_free_bytes=keep_free_bytes)
    assert transfer_limits(Policy()) == TransferLimits(per_host=64, total=128, keep_free_bytes=keep_free_bytes)


def test_the_download_limit_and_the_space_to_keep_free_hold_in_transfers() -> None:
    limits = transfer_limits(Policy(max_download_bytes=5, keep_free_bytes=7))
    assert (limits.max_download_bytes, limits.keep_free_bytes) == (5, 7)
