"""What a sandbox remembers between runs, in one private file."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbrucio.sandbox.layout import write_private
from nbrucio.sandbox.process import Process

_VERSION = 1


def _password() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class State:
    """Ports, passwords and processes of a sandbox.

    ``seeded`` is set once its first content is complete, ``ready`` while its servers answer and know their ports.
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
    """The state in ``path``; None when there is none, or none that this version can read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    if not isinstance(values, dict) or values.pop("version", None) != _VERSION:
        return None
    for name in ("server", "storage"):
        values[name] = None if values[name] is None else Process(**values[name])
    return State(**values)
