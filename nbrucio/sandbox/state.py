"""State of a sandbox between runs, in one private file."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbrucio.disk.read import SMALL_BYTES, read_saved
from nbrucio.sandbox.layout import write_private
from nbrucio.sandbox.process import Process

_VERSION = 1


def _password() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class State:
    """Ports, passwords and processes of a sandbox.

    ``seeded`` is set once its initial content is complete, ``ready`` while its servers answer on known ports.
    """

    root_password: str = field(default_factory=_password, repr=False)
    user_password: str = field(default_factory=_password, repr=False)
    seeded: bool = False
    ready: bool = False
    server_port: int = 0
    storage_port: int = 0
    server: Process | None = None
    storage: Process | None = None

    @property
    def server_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def storage_url(self) -> str:
        return f"https://127.0.0.1:{self.storage_port}"

    @property
    def processes(self) -> tuple[Process, ...]:
        return tuple(process for process in (self.server, self.storage) if process is not None)

    def running(self) -> bool:
        return self.ready and len(self.processes) == 2 and all(process.alive() for process in self.processes)

    def save(self, path: Path) -> None:
        write_private(path, json.dumps({"version": _VERSION, **asdict(self)}, indent=2) + "\n")


def load_state(path: Path) -> State | None:
    """Read the state from ``path``; None when there is none.

    Raises:
        UnreadableFile: the file exists but cannot be read. Without it the sandbox's content is inaccessible.
    """
    without = "`nbrucio sandbox reset` makes the sandbox anew"
    return read_saved(path, SMALL_BYTES, _state_in, None, without=without)


def _state_in(values: dict[str, Any]) -> State:
    if values.pop("version") != _VERSION:
        raise ValueError("it is from another version of nbrucio")
    for name in ("server", "storage"):
        values[name] = None if values[name] is None else Process(**values[name])
    return State(**values)
