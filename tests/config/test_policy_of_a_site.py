"""What the operator of a site sets, and what users can change of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbrucio.config import load
from nbrucio.config.effective import effective
from nbrucio.config.policy import within_session
from nbrucio.config.values import Policy
from nbrucio.core import plan_errors
from nbrucio.core.download_limit import OWN_LIMIT, LimitOrigin
from nbrucio.errors import BadConfig

GB = 10**9
SITE = """
[policy]
max_download = "10 GB"
max_session = "50 GB"
stage_rses = ["HERE", "THERE"]
default_access = "mount"
on_open = "look"
open_budget = "1 GB"
downloads = false
reason = "Disks are small."
"""


def _policy(tmp_path: Path, own: str, site: str = SITE) -> Policy:
    return load(_environ(tmp_path, own), system_file=_file(tmp_path / "site.toml", site)).policy


def _file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _environ(tmp_path: Path, own: str) -> dict[str, str]:
    file = _file(tmp_path / "own.toml", f"[policy]\n{own}")
    return {"HOME": str(tmp_path), "NBRUCIO_CONFIG": str(file), "RUCIO_HOME": str(tmp_path)}


def test_users_can_be_stricter_and_choose_their_access(tmp_path: Path) -> None:
    own = 'max_session = "1 GB"\nstage_rses = ["THERE", "ELSEWHERE"]\ndefault_access = "stream"\non_open = "read"\n'
    found = _policy(tmp_path, own + 'open_budget = "1 MB"\nreason = "mine"\n')
    assert found.max_session_bytes == GB
    assert found.stage_rses == ("THERE",)
    assert (found.default_access, found.on_open, found.open_budget_bytes) == ("stream", "read", 1_000_000)
    assert found.limit == LimitOrigin(by_site=True, session_by_site=False, reason="Disks are small.")


def test_users_cannot_lift_what_the_site_sets(tmp_path: Path) -> None:
    own = (
        'max_session = "1 TB"\nstage_rses = ["ELSEWHERE"]\non_open = "fetch"\nopen_budget = "9 GB"\ndownloads = true\n'
    )
    found = _policy(tmp_path, own + 'max_download = "1 TB"\n')
    assert (found.max_session_bytes, found.stage_rses, found.on_open) == (50 * GB, (), "look")
    assert (found.open_budget_bytes, found.downloads, found.max_download_bytes) == (GB, False, 10 * GB)
    assert found.limit == LimitOrigin(by_site=True, session_by_site=True, reason="Disks are small.")


def test_what_users_cannot_lift_is_marked(tmp_path: Path) -> None:
    file = _file(tmp_path / "site.toml", SITE)
    settings = effective(_environ(tmp_path, 'on_open = "read"\n'), system_file=file).settings
    marked = {one.name for one in settings if one.bound}
    assert marked == {
        "max_download",
        "max_session",
        "stage_rses",
        "on_open",
        "open_budget",
        "downloads",
        "reason",
    }
    shown = {one.name: (one.value, Path(one.origin.partition(":")[0]).name) for one in settings}
    assert shown["on_open"] == ("read", "own.toml")
    assert shown["default_access"] == ("mount", "site.toml")
    assert shown["reason"] == ("Disks are small.", "site.toml")


@pytest.mark.parametrize(
    "line", ['on_open = "always"', 'default_access = "tape"', 'max_session = "much"', "reason = 1", 'stage_rses = "A"']
)
def test_a_wrong_rule_names_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadConfig) as caught:
        _policy(tmp_path, line)
    assert f"own.toml:2: policy.{line.partition(' ')[0]} " in str(caught.value)


@pytest.mark.parametrize(
    ("site", "own", "words", "hint"),
    [
        ("", 'max_download = "1 GB"', "this machine allows 1.0 GB in one sync.", "raise max_download"),
        ('max_download = "1 GB"', "", "this site allows 1.0 GB in one sync.", "ask whoever runs this site"),
        ('max_download = "2 GB"', 'max_download = "1 GB"', "this machine allows 1.0 GB", "raise max_download"),
        (
            'max_session = "2 GB"',
            "",
            "this site allows 2.0 GB in one session, of which 1.0 GB are left.",
            "ask whoever",
        ),
        ("", 'max_session = "2 GB"', "this machine allows 2.0 GB in one session", "raise max_session"),
        ('max_session = "2 GB"', 'max_download = "500 MB"', "this machine allows 500.0 MB in one sync", "raise max_d"),
    ],
)
def test_an_error_says_whose_limit_it_is(tmp_path: Path, site: str, own: str, words: str, hint: str) -> None:
    found = within_session(_policy(tmp_path, own, f"[policy]\n{site}\nreason = 'Disks are small.'\n"), GB)
    assert found.max_download_bytes is not None
    error = plan_errors.over_budget(3 * GB, found.max_download_bytes, found.limit)
    assert words in error.message
    assert hint in str(error.hint)
    assert ("This site's reason: Disks are small." in str(error.hint)) is ("this site" in words)
    assert "reason" not in str(plan_errors.over_budget(3 * GB, GB, OWN_LIMIT).hint)
    assert os.fspath(tmp_path) not in str(error.hint)
