"""Data, notebooks, an account and a listener for tests of `nbrucio stage`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbrucio.config import Config, Credentials
from nbrucio.core.did import Did
from nbrucio.core.events import Event, Noticed
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from nbrucio.sandbox.state import load_state

MOUNT = "SANDBOX_MOUNT"


def notebook(tmp_path: Path, did: Did, access: str | None = "rule", name: str = "nb.ipynb", **more: Any) -> Path:
    requirement = {"did": str(did), "handle": "data", **({"access": access} if access else {}), **more}
    value = {"requirements": [requirement]}
    path = tmp_path / name
    path.write_text(
        json.dumps({"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}) + "\n"
    )
    return path


def dataset(sandbox: Sandbox, name: str, rse: str, count: int = 2) -> Did:
    files = [NewFile(Did("sandbox", f"{name}/{number}"), f"{name} {number}".encode()) for number in range(count)]
    with sandbox.admin() as client:
        add_files(client, files, [rse])
        return add_dataset(client, "sandbox", name, [file.did for file in files], closed=True)


def as_admin(sandbox: Sandbox, config: Config) -> Config:
    """The same with an account that Rucio's generic policy lets change its rules."""
    password = load_state(sandbox.root / "state.json").root_password  # type: ignore[union-attr]
    login = Credentials(username="root", password=password)
    admin = config.instance()._replace(account="root", credentials=login)
    return config._replace(instances=(admin,), default=admin)


class Lines:
    """What a follower is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def report(self, event: Event) -> None:
        if isinstance(event, Noticed):
            self.lines.append(event.message)
