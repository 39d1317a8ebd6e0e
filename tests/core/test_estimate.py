"""Estimates: amounts, time and space of a plan, in values and in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nbrucio_cli.estimates import show

from nbrucio.core.did import Did
from nbrucio.core.estimate import Estimate, NotebookEstimate
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import DownloadLimits, ResolvedRequirement
from nbrucio.core.planner import Availability, make_plan
from nbrucio.core.requirement import Requirement
from nbrucio.core.text import human_seconds
from nbrucio.state.transfer_rate import MIN_BYTES, TransferRate

MB = 1_000_000


ROOM = DownloadLimits(50 * MB)


def estimate(bytes_per_s: float | None = 2 * MB, limits: DownloadLimits = ROOM) -> Estimate:
    """Two requirements that share c, which has no checksum: a is stored, b mounted, c to download, d nowhere."""
    files = {name: FileEntry(Did("s", name), 10 * MB, None if name == "c" else "00000001") for name in "abcd"}
    one = ResolvedRequirement(Requirement(Did("s", "one"), "one"), "x", tuple(files.values()))
    two = ResolvedRequirement(Requirement(Did("s", "two"), "two"), "x", (files["c"],))
    keys = {name: ("x", entry.did) for name, entry in files.items()}
    replicas = {keys["c"]: (Replica("SITE", "https://x/c"),), keys["d"]: ()}
    mounted = {keys["b"]: ("/b", Replica("MOUNTED", "file:///b"))}
    plan = make_plan([one, two], Availability({keys["a"]: "/a"}, mounted, replicas, {}), limits)
    return Estimate((NotebookEstimate(Path("nb.ipynb"), plan.requirements),), plan, limits.free_bytes, bytes_per_s)


def test_a_file_that_two_requirements_hold_counts_once_in_the_total() -> None:
    facts = estimate().as_json()
    assert facts["download"] == {"files": 1, "bytes": 10 * MB}
    assert facts["access"] == {
        "store": {"files": 1, "bytes": 10 * MB},
        "mount": {"files": 1, "bytes": 10 * MB},
        "download": {"files": 1, "bytes": 10 * MB},
        "missing": {"files": 1, "bytes": 10 * MB},
    }


def test_time_and_space_follow_from_the_last_rate() -> None:
    facts = estimate().as_json()
    assert (facts["seconds"], facts["free_bytes"], facts["free_after_bytes"]) == (5.0, 50 * MB, 40 * MB)
    assert estimate(None).as_json()["seconds"] is None


def test_a_missing_file_is_told_with_its_reason() -> None:
    facts = estimate()
    assert facts.exit_code == 4
    requirement = facts.as_json()["notebooks"][0]["requirements"][0]  # type: ignore[index]
    assert requirement["missing"] == [{"did": "s:d", "bytes": 10 * MB, "code": "no-replica"}]


def test_a_plan_that_is_refused_downloads_nothing() -> None:
    refused = estimate(limits=DownloadLimits(50 * MB, max_download_bytes=MB))
    assert (refused.exit_code, refused.downloads.files, refused.free_after_bytes) == (6, 0, 50 * MB)


def test_an_estimate_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(estimate(), as_json=False) == 4
    shown = capsys.readouterr()
    assert shown.out == (
        "nb.ipynb\n"
        "  one  s:one  4 files, 40.0 MB (1 unverified)  1 cached (10.0 MB), 1 mounted (10.0 MB), "
        "1 to download (10.0 MB), 1 missing (10.0 MB)\n"
        "  two  s:two  1 file, 10.0 MB (1 unverified)   1 to download (10.0 MB)\n"
        "Total: 4 files, 40.0 MB: 1 cached (10.0 MB), 1 mounted (10.0 MB), 1 to download (10.0 MB), "
        "1 missing (10.0 MB)\n"
        "Time: about 5 s at 2.0 MB/s, the rate of the last sync.\n"
        "Free in the cache: 50.0 MB now, 40.0 MB after the sync.\n"
        "From: SITE (1 file; first in Rucio's order).\n"
    )
    assert shown.err == (
        "error: No replica of s:d is available.\n\n"
        "hint: nbrucio reads file, http, https, davs and root. List the replicas with other protocols.\n"
        "next: rucio replica list file s:d\n"
    )


def test_without_a_rate_no_time_is_invented(capsys: pytest.CaptureFixture[str]) -> None:
    show(replace(estimate(), bytes_per_s=None), as_json=False)
    assert "Time: unknown (first download on this machine)." in capsys.readouterr().out


def test_the_rate_of_a_sync_is_remembered_and_small_syncs_say_nothing(tmp_path: Path) -> None:
    TransferRate(tmp_path).save(10 * MIN_BYTES, 2.0)
    TransferRate(tmp_path).save(MIN_BYTES - 1, 100.0)
    assert TransferRate(tmp_path).last() == 5 * MIN_BYTES


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"bytes_per_s": -1}', '{"bytes_per_s": "5"}', '{"bytes_per_s": NaN}']
)
def test_a_damaged_rate_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "rate.json").write_text(text)
    assert TransferRate(tmp_path).last() is None


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (600, "10 min"), (9000, "2.5 h")])
def test_times_are_rounded_as_estimates(seconds: float, words: str) -> None:
    assert human_seconds(seconds) == words
