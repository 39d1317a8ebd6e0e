"""Paths of one sandbox below its root, and a function to write its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.errors import UsageError

_MARKER_TEXT = "Made by `nbrucio sandbox`. Its reset deletes what is in this folder.\n"


@dataclass(frozen=True)
class SandboxLayout:
    """Paths of one sandbox. Only `claim` accesses the disk."""

    root: Path

    @property
    def marker(self) -> Path:
        return self.root / ".nbrucio-sandbox"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def chaos(self) -> Path:
        """The faults that its servers cause."""
        return self.root / "chaos.json"

    @property
    def config(self) -> Path:
        return self.root / "nbrucio.toml"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def server(self) -> Path:
        """RUCIO_HOME of the server."""
        return self.root / "server"

    @property
    def database(self) -> Path:
        return self.server / "rucio.db"

    @property
    def server_log(self) -> Path:
        return self.server / "server.log"

    @property
    def access_log(self) -> Path:
        return self.server / "access.log"

    @property
    def client(self) -> Path:
        """RUCIO_HOME of plain clients."""
        return self.root / "client"

    @property
    def client_certificate(self) -> Path:
        return self.client / "certificate.pem"

    @property
    def tokens(self) -> Path:
        return self.client / "tokens"

    @property
    def storage(self) -> Path:
        return self.root / "storage"

    @property
    def storage_log(self) -> Path:
        return self.storage / "access.log"

    @property
    def storage_error_log(self) -> Path:
        return self.storage / "server.log"

    @property
    def ca(self) -> Path:
        return self.storage / "ca.pem"

    @property
    def storage_certificate(self) -> Path:
        return self.storage / "certificate.pem"

    @property
    def rse_folders(self) -> Path:
        """Folder with the folders of all RSEs."""
        return self.storage / "rses"

    def rse_folder(self, rse: str) -> Path:
        """Return the folder with the files of one RSE."""
        return self.rse_folders / rse.lower()

    def claim(self) -> None:
        """Mark the root as a sandbox, so that `reset` may delete its content.

        Raises:
            UsageError: the path exists and is not a sandbox.
        """
        if self.marker.is_file():
            return
        if self.root.exists() and (not self.root.is_dir() or any(self.root.iterdir())):
            raise UsageError(
                f"The folder {self.root} is not empty and not a sandbox.",
                subject=str(self.root),
                hint="Choose a new or empty folder.",
            )
        self.root.mkdir(parents=True, exist_ok=True)
        # The database contains tokens, the state file passwords.
        self.root.chmod(0o700)
        self.marker.write_text(_MARKER_TEXT, encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to a file that only its owner can read, atomically."""
    make_private_folder(path.parent)
    write_file(path, text.encode())
