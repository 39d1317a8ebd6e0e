"""REST for uploads, see `nbrucio.jupyter.upload_jobs`. Only files below the server's root folder can be uploaded."""

from __future__ import annotations

from pathlib import Path

from nbrucio.core.text import printable
from nbrucio.errors import UsageError
from nbrucio.jupyter.handlers.base import NbrucioHandler, api_method
from nbrucio.jupyter.upload_job import target_of


class UploadsHandler(NbrucioHandler):
    """The list of uploads."""

    @api_method
    async def get(self) -> None:
        """``?id=…`` for one with its files and log; without it all, the newest first."""
        identity = self.get_query_argument("id", None)
        if identity is None:
            self.reply({"uploads": [job.as_json() for job in self.app.upload_jobs.all()]})
        else:
            self.reply(self.app.upload_jobs.get(identity).as_json(with_files=True))

    @api_method
    async def post(self) -> None:
        """``{"paths", "rse", "scope", "dataset", "lifetime", "instance"}``; paths are those of the contents API."""
        body = self.body()
        names = body["paths"]
        target = target_of(body)
        paths = tuple(self._below_root(name) for name in names)
        self.reply(self.app.upload_jobs.start(tuple(names), paths, target).as_json(), 202)

    @api_method
    async def delete(self) -> None:
        """``{"id"}``: remove an ended upload from the list."""
        self.app.upload_jobs.forget(self.body()["id"])
        self.reply({"uploads": [job.as_json() for job in self.app.upload_jobs.all()]})

    def _below_root(self, name: str) -> Path:
        """Return the file or folder at ``name`` of the contents API.

        Raises:
            UsageError: it does not exist, is hidden, or is outside of the root folder.
        """
        found, root = self.app.file_of(name), self.app.file_of("")
        hidden = any(part.startswith(".") for part in name.split("/"))
        if not hidden and found is not None and root is not None:
            real = found.resolve()
            if real.exists() and real.is_relative_to(root.resolve()):
                return real
        raise UsageError(f"{printable(name)} does not exist.", subject=name)


class RetryHandler(NbrucioHandler):
    """Repeat an upload."""

    @api_method
    async def post(self) -> None:
        """``{"id"}``"""
        self.reply(self.app.upload_jobs.retry(self.body()["id"]).as_json(), 202)


class CancelUploadHandler(NbrucioHandler):
    """Stop an upload."""

    @api_method
    async def post(self) -> None:
        """``{"id"}``"""
        self.reply({"cancelled": self.app.upload_jobs.cancel(self.body()["id"])})


ROUTES: dict[str, type[NbrucioHandler]] = {
    "uploads": UploadsHandler,
    "uploads/retry": RetryHandler,
    "uploads/cancel": CancelUploadHandler,
}
