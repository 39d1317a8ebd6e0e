"""The list of uploads on disk, which survives the server: one private file for each upload."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from logging import Logger
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.process import is_dead, place_here, this_process
from nbrucio.disk.read import read_json, reason
from nbrucio.errors import NbrucioError
from nbrucio.jupyter.upload_job import UploadJob, job_of

_MAX_BYTES = 10_000_000


class UploadRecords:
    """The records of a server's uploads. An error of the disk is logged, and costs only the list after a restart.

    Args:
        folder: the folder of the records, created with the first one; None keeps no records.
        root: the root folder of the server: other servers of this user have other files.
        log: logger for errors.
    """

    def __init__(self, folder: Path | None, root: Path | None, log: Logger) -> None:
        self._folder = folder
        self._root = str(root)
        self._log = log

    def save(self, job: UploadJob) -> None:
        """Write the record of ``job``."""
        if self._folder is None:
            return
        record = {**job.record(), "root": self._root, "server": list(this_process())}
        try:
            make_private_folder(self._folder)
            write_file(self._folder / _name(job.id), json.dumps(record).encode())
        except OSError as error:
            self._log.warning("nbrucio: the list of uploads in %s cannot be written: %s", self._folder, reason(error))

    def forget(self, identity: str) -> None:
        """Delete the record of a job."""
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / _name(identity)).unlink(missing_ok=True)

    def load(self) -> list[UploadJob]:
        """Return the jobs of earlier servers with this root, the oldest first. Damaged records are skipped."""
        return sorted(self._jobs(), key=lambda job: job.created)

    def _jobs(self) -> Iterator[UploadJob]:
        for path in [] if self._folder is None else sorted(self._folder.glob(_name("*"))):
            try:
                record = read_json(path, _MAX_BYTES, follow=False)
                if record["root"] == self._root and (_is_over(record) or not _runs(*record["server"])):
                    yield job_of(record)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, NbrucioError):
                self._log.warning("nbrucio: the record of an upload in %s is damaged, and is left out", path)


def _name(identity: str) -> str:
    return f"{identity}.json"


def _is_over(record: Mapping[str, object]) -> bool:
    return record["state"] in ("done", "failed")


def _runs(place: str, pid: int, start: int) -> bool:
    """Whether that server runs on this machine. One on another machine counts as ended: its upload can be repeated."""
    return place == place_here() and not is_dead(place, pid, start)
