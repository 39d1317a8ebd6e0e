"""The folders of users with and without a home.

Without `why_not_own` in `config.folders._temporary`, a folder that others made or can write to is trusted: 4 of these
tests fail. With `_can_exist` returning True, a home that cannot be written is used: 4 fail.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from nbrucio.config.folders import user_folder
from nbrucio.errors import BadConfig

pytestmark = pytest.mark.trust("E")

KINDS = {"XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config"}


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without HOME and without an entry in the table of users."""

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    for name in ("HOME", *KINDS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.parametrize("variable", KINDS)
@pytest.mark.usefixtures("no_home")
def test_without_a_home_there_is_a_private_folder_for_each_kind(variable: str, tmp_path: Path) -> None:
    folder = user_folder(variable, {"TMPDIR": str(tmp_path)})
    assert folder == tmp_path / f"nbrucio-{KINDS[variable]}-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert user_folder(variable, {"TMPDIR": str(tmp_path)}) == folder


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "XDG_STATE_HOME"])
def test_a_home_that_cannot_be_written_is_used_for_what_it_has_only(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/proc/1")  # not even root can create a folder there
    temporary = {"HOME": "/proc/1", "TMPDIR": str(tmp_path)}
    monkeypatch.setattr(os, "access", lambda path, _: not str(path).startswith("/proc"))
    assert user_folder(variable, temporary).parent == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    known = user_folder(variable, {})
    known.mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert user_folder(variable, temporary) == known


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "XDG_STATE_HOME"])
def test_a_folder_that_cannot_exist_where_a_variable_says_is_a_temporary_one(variable: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "file").chmod(0o700)  # as if it were a folder that can be entered
    assert user_folder(variable, {variable: str(tmp_path / "file"), "TMPDIR": str(tmp_path)}).parent == tmp_path
    assert user_folder(variable, {variable: str(tmp_path / "new")}) == tmp_path / "new" / "nbrucio"


@pytest.mark.parametrize("mode", [0o702, 0o720, 0o777], ids=oct)
@pytest.mark.usefixtures("no_home")
def test_a_temporary_folder_that_others_can_write_is_not_trusted(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / f"nbrucio-cache-{os.getuid()}"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(BadConfig, match="other users can write to it"):
        user_folder("XDG_CACHE_HOME", {"TMPDIR": str(tmp_path)})
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(BadConfig, match="it is not a folder"):
        user_folder("XDG_CACHE_HOME", {"TMPDIR": str(tmp_path)})


@pytest.mark.usefixtures("no_home")
def test_a_temporary_folder_of_another_user_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    (tmp_path / f"nbrucio-cache-{other}").mkdir(mode=0o700)
    with pytest.raises(BadConfig, match="other users can write to it"):
        user_folder("XDG_CACHE_HOME", {"TMPDIR": str(tmp_path)})
