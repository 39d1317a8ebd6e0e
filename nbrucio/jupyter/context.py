"""What the REST handlers may use of the extension, which carries it out; so handlers import no extension."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nbrucio.consent import Grants
from nbrucio.jupyter.opening import Chosen, Opening
from nbrucio.jupyter.syncs import Run, Syncs, Wish
from nbrucio.jupyter.threads import DaemonPool, SharedPool
from nbrucio.jupyter.uploading import Uploads


class ServerContext(Protocol):
    """The part of the server extension that answers requests.

    Attributes:
        local_pool: runs what asks this machine only.
        remote_pool: runs what asks Rucio and may take as long as it; shared by instance or notebook.
        chosen: what the user wants the opening of a notebook to do.
    """

    local_pool: DaemonPool
    remote_pool: SharedPool
    grants: Grants
    syncs: Syncs
    uploads: Uploads
    chosen: Chosen

    @property
    def allowed(self) -> Opening:
        """What the operator lets the opening of a notebook do."""

    @property
    def opening(self) -> Opening:
        """What the opening of a notebook does."""

    def opened(self, api_path: str, path: Path, again: bool = False) -> Run | None:
        """Note that a notebook was opened."""

    def begin(self, api_path: str, path: Path, wish: Wish) -> Run:
        """Start a sync, or join the one under way."""

    def file_of(self, api_path: str) -> Path | None:
        """The file that the contents API calls ``api_path``."""
