"""The part of the extension that the REST handlers use; it keeps them from importing the extension."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nbrucio.jupyter.daemon_pool import DaemonPool, SharedPool
from nbrucio.jupyter.login_jobs import LoginJobs
from nbrucio.jupyter.open_policy import Chosen, OpenPolicy
from nbrucio.jupyter.sync_job import SyncJob, SyncRequest
from nbrucio.jupyter.sync_jobs import SyncJobs
from nbrucio.jupyter.upload_jobs import UploadJobs
from nbrucio.operations.grants import Grants


class ServerContext(Protocol):
    """The part of the server extension that answers requests.

    Attributes:
        local_pool: for calls that ask this machine only.
        remote_pool: for calls that ask Rucio and may be slow; shared by instance or notebook.
        chosen: the user's settings for opening notebooks.
    """

    local_pool: DaemonPool
    remote_pool: SharedPool
    grants: Grants
    sync_jobs: SyncJobs
    upload_jobs: UploadJobs
    login_jobs: LoginJobs
    chosen: Chosen

    @property
    def allowed(self) -> OpenPolicy:
        """The operator's limits for opening a notebook."""

    @property
    def opening(self) -> OpenPolicy:
        """The policy in force for opening a notebook."""

    def opened(self, api_path: str, path: Path, again: bool = False) -> SyncJob | None:
        """Record that a notebook was opened."""

    def begin(self, api_path: str, path: Path, request: SyncRequest) -> SyncJob:
        """Start a sync, or join the running one."""

    def file_of(self, api_path: str) -> Path | None:
        """Return the file at ``api_path`` of the contents API."""
