"""What no module of ours reads (srm, gsiftp and the like): rucio-clients' DownloadClient, one private folder a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from nbrucio.catalogue.base import Replica
from nbrucio.transfer.faults import Lasting, Passing
from nbrucio.transfer.source import Delivery

if TYPE_CHECKING:
    from rucio.client import Client

#: The name of the file in its folder. Rucio's own name is not used: it is joined to the path unchecked.
_NAME = "file"


class Fallback:
    """Reads through rucio-clients. It does not resume, and once begun a file cannot be interrupted.

    Args:
        make_client: a new ``rucio.client.Client`` for the instance.
    """

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._make_client = make_client

    def read(self, replica: Replica, delivery: Delivery) -> None:
        """See `Source`."""
        beside = Path(delivery.partial.path).parent
        with TemporaryDirectory(dir=beside, prefix="rucio-", suffix=".tmp", ignore_cleanup_errors=True) as private:
            with delivery.following(Path(private) / f"{_NAME}.part"):
                self._download(replica, delivery, private)
            delivery.check()
            delivery.adopt(f"{private}/{_NAME}")

    def close(self) -> None:
        """Nothing is kept open."""

    def _download(self, replica: Replica, delivery: Delivery, folder: str) -> None:
        from rucio.client.downloadclient import DownloadClient
        from rucio.common.exception import RucioException

        causes: list[str] = []
        item = {
            "pfn": replica.pfn,
            "did": f"{delivery.entry.did.scope}:{_NAME}",
            "rse": replica.rse,
            "base_dir": folder,
            "no_subdir": True,
        }
        try:
            made = self._make_client()
            _tell_rse(made, replica.rse)
            client = DownloadClient(client=made, tracing=False, logger=_keeper(causes))
            client.download_pfns([item], num_threads=1)
        except RucioException as error:
            cause = causes[-1] if causes else str(error)
            raise Passing(" ".join(cause.split())[:200]) from error
        if not (Path(folder) / _NAME).is_file():
            raise Lasting("rucio-clients delivered no file")


def _tell_rse(client: Client, rse: str) -> None:
    """Let DownloadClient know the RSE as the instance has it.

    It would ask through a client that it makes from the process's rucio.cfg, which is of one instance or none. Where
    two instances have an RSE of one name, the last told counts; checksums would show a file that is another's.
    """
    from rucio.rse import rsemanager

    rsemanager.RSE_REGION.set(f"rse_info_{rse}:{client.vo}", client.get_rse(rse))


def _keeper(causes: list[str]) -> Callable[..., None]:
    """A logger for DownloadClient that keeps what went wrong: its exceptions do not say."""
    import logging

    def log(level: int, message: object, *arguments: object, **_: object) -> None:
        if level >= logging.WARNING or isinstance(message, Exception):
            causes.append(str(message) % arguments if arguments else str(message))

    return log
