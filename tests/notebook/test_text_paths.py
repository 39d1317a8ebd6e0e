"""Programs may name notebooks by texts, wherever a path is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import Config, load
from nbrucio.notebook.ipynb import load as load_notebook
from nbrucio.operations.check import check
from nbrucio.operations.edit import lock, remove
from nbrucio.operations.verify import verify
from nbrucio.pipeline.cached_status import cached_status
from nbrucio.pipeline.estimate import estimate, plan
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status

Call = Callable[[Any, Config], object]

CALLS: dict[str, Call] = {
    "sync": lambda path, config: sync([path], config).exit_code,
    "status": lambda path, config: status([path], config).exit_code,
    "plan": lambda path, config: len(plan([path], config).requirements),
    "estimate": lambda path, config: estimate([path], config).notebooks[0].path,
    "check": lambda path, _: check([path], None).exit_code,
    "verify": lambda path, config: verify([path], config).report.exit_code,
    "cached status": lambda path, config: (cached_status([path], config) or ())[:1],
    "lock": lambda path, config: lock(path, config).path,
    "remove": lambda path, _: remove(path, []).path,
    "load": lambda path, _: load_notebook(path).path,
}


@pytest.mark.parametrize("name", list(CALLS))
def test_a_text_is_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    config = load({"HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")}, system_file=tmp_path / "none")
    path = tmp_path / "nb.ipynb"
    declared = {"version": 1, "requirements": []}
    path.write_text(json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}))
    assert CALLS[name](str(path), config) == CALLS[name](path, config)
