"""A missing library: the command that installs it, or the people who can."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from nbrucio.disk.libraries import missing_library


def test_the_next_command_installs_a_missing_library() -> None:
    error = missing_library("papermill", "Running notebooks needs papermill.", pip="'nbrucio[run]'")
    assert (error.message, error.hint) == ("Running notebooks needs papermill.", None)
    assert error.next_command == "pip install 'nbrucio[run]'"
    assert missing_library("pycurl", "It is missing.").next_command == "pip install pycurl"


def test_without_write_access_to_site_packages_the_hint_names_the_people_who_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not writable for root either, as this suite may run as root.
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "absent"))
    error = missing_library("pycurl", "Downloads over https need pycurl.", pip="--force-reinstall pycurl")
    assert (error.next_command, error.subject) == (None, "pycurl")
    assert error.hint == "Ask whoever runs this Jupyter to add pycurl."
