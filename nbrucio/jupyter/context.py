"""What the REST handlers may use of the extension, which carries it out; so handlers import no extension."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nbrucio.jupyter.daemon_pool import DaemonPool, SharedPool
from nbrucio.jupyter.open_policy import Chosen, OpenPolicy
from nbrucio.jupyter.sync_jobs import SyncJob, SyncJobs, SyncRequest
from nbrucio.jupyter.upload_jobs import UploadJobs
from nbrucio.operations.grants import Grants


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
    sync_jobs: SyncJobs
    upload_jobs: UploadJobs
    chosen: Chosen

    @property
    def allowed(self) -> OpenPolicy:
        """What the operator lets the opening of a notebook do."""

    @property
    def opening(self) -> OpenPolicy:
        """What the opening of a notebook does."""

    def opened(self, api_path: str, path: Path, again: bool = False) -> SyncJob | None:
        """Note that a notebook was opened."""

    def begin(self, api_path: str, path: Path, request: SyncRequest) -> SyncJob:
        """Start a sync, or join the one under way."""

    def file_of(self, api_path: str) -> Path | None:
        """The file that the contents API calls ``api_path``."""
