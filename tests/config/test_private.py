"""The private folder of a user, in the operator's file and the user's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from nbrucio.catalogue.certificates import user_proxy
from nbrucio.config import load
from nbrucio.config.effective import effective
from nbrucio.config.private import consent_folder, private_dir, private_proxy
from nbrucio.errors import BadConfig
from nbrucio.operations.grants import user_grants


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user without a configuration."""
    return {"HOME": str(tmp_path / "home"), "NBRUCIO_CONFIG": os.devnull, "RUCIO_HOME": str(tmp_path)}


def _operator(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "etc.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"USER": "jdoe", "LOGNAME": "other"}, "jdoe"),
        ({"USER": "", "JUPYTERHUB_USER": "anna", "LOGNAME": "jovyan"}, "anna"),
        ({"LOGNAME": "ben"}, "ben"),
        ({}, "of-the-table"),
    ],
)
@pytest.mark.parametrize("written", ["$USER", "${USER}"])
def test_each_user_has_a_folder_of_their_own(
    tmp_path: Path,
    environ: dict[str, str],
    variables: Mapping[str, str],
    name: str,
    written: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pwd.getpwuid", lambda _: type("entry", (), {"pw_name": "of-the-table"}))
    text = f'private_dir = "local/{written}"\n[store]\npath = "/scratch/{written}/store"\n'
    file = _operator(tmp_path, text)
    assert private_dir(environ | variables, file) == tmp_path / "local" / name
    assert load(environ | variables, system_file=file).store_path == Path("/scratch", name, "store")


@pytest.mark.parametrize("setting", ['private_dir = "/local/$MY_DISK"', '[store]\npath = "/local/$MY_DISK"'])
def test_a_variable_that_is_not_set_gives_no_folder_that_users_would_share(
    tmp_path: Path, environ: dict[str, str], setting: str
) -> None:
    with pytest.raises(BadConfig, match="names the variable MY_DISK, which is not set"):
        load(environ, system_file=_operator(tmp_path, setting))


def test_the_users_own_folder_takes_precedence(tmp_path: Path, environ: dict[str, str]) -> None:
    own = tmp_path / "own.toml"
    own.write_text('private_dir = "mine"\n')
    environ["NBRUCIO_CONFIG"] = str(own)
    file = _operator(tmp_path, 'private_dir = "local/$USER"\n')
    assert private_dir(environ, file) == tmp_path / "mine"
    (setting,) = (one for one in effective(environ, system_file=file).settings if one.key == "private_dir")
    assert (setting.value, setting.origin, setting.bound) == (str(tmp_path / "mine"), f"{own}:1", False)
    assert load(environ, system_file=file).warnings == ()
    assert consent_folder(environ) == user_grants(environ).folder == tmp_path / "mine"


def test_a_private_folder_below_a_home_on_eos_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    file = _operator(tmp_path, 'private_dir = "~/private"\n')
    assert private_dir(environ, file) == tmp_path / "home" / "private"
    environ["HOME"] = "/eos/user/t/tester"
    with pytest.raises(BadConfig, match="is below a home on EOS; choose a folder on a local disk") as caught:
        load(environ, system_file=file)
    assert str(caught.value).startswith(f"{file}:1: private_dir names /eos/user/t/tester/private")


def test_consent_needs_no_valid_configuration(tmp_path: Path, environ: dict[str, str]) -> None:
    """A server has to start with a file that is wrong, and every sync then says so."""
    own = tmp_path / "own.toml"
    own.write_text("private_dir = 1\n")
    assert consent_folder(environ | {"NBRUCIO_CONFIG": str(own), "XDG_CONFIG_HOME": "/c"}) == Path("/c/nbrucio")


def test_a_proxy_of_the_private_folder_is_found_before_the_usual_place(tmp_path: Path, environ: dict[str, str]) -> None:
    own = tmp_path / "own.toml"
    own.write_text('private_dir = "mine"\n')
    assert private_proxy(environ) is None
    environ["NBRUCIO_CONFIG"] = str(own)
    file = private_proxy(environ)
    assert file == tmp_path / "mine" / f"x509up_u{os.geteuid()}"
    assert user_proxy(environ) != file
    file.touch()
    assert user_proxy(environ) == file
    assert user_proxy(environ | {"X509_USER_PROXY": str(own)}) == own


@pytest.mark.parametrize("prepared", ["open", "link", "file"])
def test_a_private_folder_that_others_can_write_is_not_used(
    tmp_path: Path, environ: dict[str, str], prepared: str
) -> None:
    file = _operator(tmp_path, 'private_dir = "mine"\n')
    folder = tmp_path / "mine"
    if prepared == "open":
        folder.mkdir()
        folder.chmod(0o777)
    elif prepared == "link":
        folder.symlink_to(tmp_path)
    else:
        folder.touch()
    with pytest.raises(BadConfig, match="nbrucio cannot use the private folder"):
        private_dir(environ, file)
