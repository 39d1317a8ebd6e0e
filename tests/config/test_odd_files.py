"""Configuration files that are no regular files are told, and not waited for."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.catalogue.bearer import discovered
from nbrucio.config import load
from nbrucio.errors import BadConfig
from nbrucio.jupyter.open_policy import Chosen, chosen_before

ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
    "deep": lambda path: path.write_text("x = " + "[" * 100_000),
}


@pytest.fixture(params=ODD)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    ODD[request.param](tmp_path / "odd")
    return tmp_path / "odd"


@pytest.mark.parametrize("variable", ["NBRUCIO_CONFIG", "RUCIO_CONFIG"])
def test_an_odd_configuration_file_is_named(tmp_path: Path, odd: Path, variable: str) -> None:
    try:
        config = load({"HOME": str(tmp_path), variable: str(odd)}, system_file=tmp_path / "none")
    except BadConfig as error:
        faults = [error]
    else:
        faults = [fault.error for fault in config.faults]
    assert [str(odd) in fault.message for fault in faults] == [True]


def test_an_empty_device_is_an_empty_configuration(tmp_path: Path) -> None:
    assert load({"HOME": str(tmp_path), "NBRUCIO_CONFIG": os.devnull}, system_file=tmp_path / "none").faults == ()


def test_an_odd_token_file_is_no_token(odd: Path) -> None:
    environ = {"BEARER_TOKEN_FILE": str(odd)}
    place = discovered(environ)
    assert place is not None
    assert place.token(environ) is None


def test_odd_settings_of_lab_choose_nothing(tmp_path: Path, odd: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "settings" / "nbrucio"
    folder.mkdir(parents=True)
    odd.rename(folder / "plugin.jupyterlab-settings")
    with caplog.at_level(logging.WARNING):
        assert chosen_before({"JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings")}, logging.getLogger()) == Chosen()
    assert "plugin.jupyterlab-settings cannot be read" in caplog.text
