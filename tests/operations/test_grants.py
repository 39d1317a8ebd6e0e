"""Grants: what may be downloaded without asking again."""

from __future__ import annotations

import errno
import os
import stat
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.disk import read
from nbrucio.errors import UnreadableFile
from nbrucio.operations.grants import LIFETIME, Grant, Grants, user_grants

NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)
HERE = "rucio.example.org"


def grant(
    did: str = "s:data", max_bytes: int | None = 100, expires: datetime = NOW + DAY, instance: str = HERE
) -> Grant:
    return Grant(instance, Did.parse(did), max_bytes, expires)


@pytest.fixture
def grants(tmp_path: Path) -> Grants:
    return Grants(tmp_path / "config" / "grants.json")


@pytest.mark.parametrize(
    ("one", "covered"),
    [
        (grant(), True),
        (grant(max_bytes=None), True),
        (grant(max_bytes=49), False),
        (grant(did="s:other"), False),
        (grant(did="t:data"), False),
        (grant(did="s:da*"), True),
        (grant(did="s:*"), True),
        (grant(did="t:*"), False),
        (grant(instance="elsewhere.example.org"), False),
        (grant(expires=NOW - DAY), False),
        (grant(expires=NOW + LIFETIME), True),
        (grant(expires=NOW + LIFETIME + 2 * DAY), False),
    ],
)
def test_a_grant_covers_its_did_instance_size_and_time_only(one: Grant, covered: bool) -> None:
    assert one.covers(HERE, Did.parse("s:data"), 50, NOW) is covered


def test_grants_are_kept_for_their_user_alone(grants: Grants, tmp_path: Path) -> None:
    grants.add([grant(), grant("s:other", None)])
    again = Grants(tmp_path / "config" / "grants.json")
    assert [str(one.did) for one in again.all()] == ["s:data", "s:other"]
    assert stat.S_IMODE((tmp_path / "config" / "grants.json").stat().st_mode) == 0o600


def test_grants_that_are_added_at_once_are_all_kept(grants: Grants) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [grants.add([grant(f"s:{n}.{m}")]) for m in range(10)]) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(grants.all()) == 80


def test_a_new_grant_replaces_the_old_one_for_the_same_did(grants: Grants) -> None:
    grants.add([grant(max_bytes=1)])
    grants.add([grant(max_bytes=2)])
    assert [one.max_bytes for one in grants.all()] == [2]


def test_a_grant_can_be_taken_back(grants: Grants) -> None:
    grants.add([grant(), grant("s:other")])
    grants.remove(HERE, Did.parse("s:data"))
    assert [str(one.did) for one in grants.all()] == ["s:other"]


def test_nothing_is_allowed_unless_all_of_it_is_granted(grants: Grants) -> None:
    data, other = (HERE, Did.parse("s:data"), 50), (HERE, Did.parse("s:other"), 0)
    assert grants.allowance([data]) == 0
    grants.add([grant(max_bytes=100)])
    assert grants.allowance([data]) == 100
    assert grants.allowance([data, other]) == 0
    grants.add([grant("s:other", None)])
    assert grants.allowance([data, other]) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"grants": [{}]}', '{"grants": [{"instance": "x", "did": "s:n"}]}'])
def test_a_damaged_file_grants_nothing_and_is_not_written_over(grants: Grants, tmp_path: Path, text: str) -> None:
    grants.add([grant()])
    (tmp_path / "config" / "grants.json").write_text(text)
    assert grants.all() == ()
    for change in (lambda: grants.add([grant()]), lambda: grants.remove("x", Did("s", "n")), grants.read):
        with pytest.raises(UnreadableFile, match=r"grants\.json cannot be read"):
            change()
    assert (tmp_path / "config" / "grants.json").read_text() == text


def test_one_failed_read_loses_no_grant(grants: Grants, monkeypatch: pytest.MonkeyPatch) -> None:
    grants.add([grant(f"s:{number}") for number in range(95)])

    def fail(path: Path, *_: object, **__: object) -> bytes:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(read, "read_file", fail)
        with pytest.raises(UnreadableFile, match="too many open files"):
            grants.add([grant("s:more")])
    grants.add([grant("s:more")])
    assert len(grants.all()) == 96


def test_grants_behind_a_link_stay_behind_it(grants: Grants, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "grants.json").symlink_to(tmp_path / "dotfiles.json")
    (tmp_path / "dotfiles.json").write_text('{"version": 1, "grants": []}')
    grants.add([grant()])
    assert (tmp_path / "config" / "grants.json").is_symlink()
    assert len(Grants(tmp_path / "dotfiles.json").all()) == 1


def test_expired_grants_are_dropped_at_the_next_write(grants: Grants, tmp_path: Path) -> None:
    grants.add([grant("s:old", expires=NOW + timedelta(seconds=-1))])
    grants.add([grant()])
    assert "s:old" not in (tmp_path / "config" / "grants.json").read_text()


def test_consent_that_was_given_while_the_clock_was_ahead_is_asked_for_again(grants: Grants, tmp_path: Path) -> None:
    grants.add([grant(expires=NOW + 400 * DAY + LIFETIME)])
    assert grants.all() == ()
    grants.add([grant("s:other", expires=NOW + LIFETIME)])
    assert "s:data" not in (tmp_path / "config" / "grants.json").read_text()


def test_the_file_of_the_user_follows_the_environment(tmp_path: Path) -> None:
    user_grants({"NBRUCIO_GRANTS": str(tmp_path / "own.json")}).add([grant()])
    assert (tmp_path / "own.json").exists()
    user_grants({"XDG_CONFIG_HOME": str(tmp_path)}).add([grant()])
    assert (tmp_path / "nbrucio" / "grants.json").exists()
