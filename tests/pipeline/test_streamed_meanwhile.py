"""What kernels get of streamed data while a sync downloads other data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbrucio.config import Config
from nbrucio.core.events import ApplyStarted, Event
from nbrucio.kernel import Data, DataNotHere
from nbrucio.kernel.files import Files
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status

STREAMED = {"did": "sandbox:dimuon.1.root", "handle": "streamed", "access": "stream"}


class Kernel:
    """Takes the streamed data when the first download begins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.got: Files | DataNotHere | None = None

    def report(self, event: Event) -> None:
        """Take it."""
        if isinstance(event, ApplyStarted):
            try:
                self.got = Data(self._path)["streamed"]
            except DataNotHere as error:
                self.got = error


def notebook(tmp_path: Path) -> Path:
    metadata = {"nbrucio": {"requirements": [STREAMED, {"did": "sandbox:dimuon.2.root", "handle": "brought"}]}}
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_streamed_data_is_ready_with_what_opens_it(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEARER_TOKEN", "a-secret")
    kernel = Kernel(notebook(tmp_path))
    assert sync([tmp_path / "nb.ipynb"], config, reporter=kernel).exit_code == 0
    assert isinstance(kernel.got, Files)
    assert (kernel.got.ca, kernel.got.token) == (str(config.instance().storage_ca), {"variable": "BEARER_TOKEN"})


def test_streamed_data_without_its_cas_is_not_ready(config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path)
    cas = tmp_path / "later.pem"
    own = config.instance()._replace(storage_ca=cas)
    without, kernel = config._replace(instances=(own,), default=own), Kernel(path)
    finished = sync([path], without, reporter=kernel)
    for report in (finished, status([path], without)):
        streamed = report.notebooks[0].requirements[0]
        assert (streamed.state, [error.code for error in streamed.errors()]) == ("missing", ["unreadable-file"])
    assert isinstance(kernel.got, DataNotHere)
    assert f"{cas}, with the CAs of the storage, cannot be read" in str(kernel.got)
    cas.write_bytes(config.instance().storage_ca.read_bytes())  # type: ignore[union-attr]
    assert status([path], without).notebooks[0].requirements[0].state == "ready"
