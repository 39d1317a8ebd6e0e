"""What a sync takes from configuration."""

from __future__ import annotations

import resource

import pytest

from nbrucio.config import Policy
from nbrucio.pipeline.download import transfer_limits
from nbrucio.transfer.types import TransferLimits


def test_the_policy_says_how_hard_storage_is_worked() -> None:
    keep_free_bytes = Policy().keep_free_bytes
    assert transfer_limits(Policy(parallel=1)) == TransferLimits(per_host=1, total=2, keep_free_bytes=keep_free_bytes)
    assert transfer_limits(Policy()) == TransferLimits(per_host=64, total=128, keep_free_bytes=keep_free_bytes)


@pytest.mark.parametrize(("files", "most"), [(1024, 64), (256, 38), (64, 1), (10, 1)])
def test_no_more_is_downloaded_at_a_time_than_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, files: int, most: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    limits = transfer_limits(Policy())
    assert limits.per_host == most
    assert 3 * limits.total + 2 * limits.committing < max(files, 6)


def test_the_download_limit_and_the_space_to_keep_free_hold_in_transfers() -> None:
    limits = transfer_limits(Policy(max_download_bytes=5, keep_free_bytes=7))
    assert (limits.max_download_bytes, limits.keep_free_bytes) == (5, 7)
