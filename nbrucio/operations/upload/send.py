"""Uploads one file to its RSE with UploadClient. Runs in the worker.

The bytes are sent first, then the file is registered (UploadClient's ``register_after_upload``). A killed run therefore
leaves no incomplete file registered, and accounts of the generic policy can upload, although they may not change a
replica's state. Existing metadata is compared first, because UploadClient treats any registered file of that name as
the same.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.errors import IntegrityError
from nbrucio.operations.upload.destination import UploadDataset
from nbrucio.operations.upload.faults import UploadErrors
from nbrucio.operations.upload.progress import UploadProgress

_CHUNK_BYTES = 1 << 20
_STAT_RETRIES = 6  # UploadClient's default


class Sender:
    """Uploads files to one RSE.

    Args:
        client: a ``rucio.client.Client``.
        instance: the Rucio server.
        rse: the RSE's name.
        dataset: dataset to attach the files to; None makes a rule for each file.
        lifetime_s: lifetime of those rules in seconds; None for no expiry.
        errors: translates errors.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - Rucio has no types
        instance: Instance,
        rse: str,
        dataset: UploadDataset | None,
        lifetime_s: int | None,
        errors: UploadErrors,
    ) -> None:
        from rucio.client.uploadclient import UploadClient

        self._client = client
        self._instance = instance
        self._rse = rse
        self._dataset = dataset
        self._lifetime_s = lifetime_s
        self._errors = errors
        self._causes = Causes()
        self._uploads = UploadClient(client, logger=self._causes, tracing=False)

    def send(self, path: Path, did: Did, moved: Callable[[int], None]) -> str:
        """Upload one file; return ``uploaded``, or ``present`` if the RSE already has it with the same content.

        Args:
            moved: called now and then with the number of bytes sent, in a thread of its own.

        Raises:
            IntegrityError: the DID exists with other content.
            ConsentNeeded: the account lacks permission.
            TransferFailed: the storage did not accept the file.
            RucioException: any other error of Rucio.
        """
        state = self._known_state(path, did)
        if self._dataset is not None:
            path.open("rb").close()  # no dataset for a file that cannot be sent
            self._dataset.prepare(did)
        if state == "AVAILABLE":
            self._attach(did)
            return "present"
        with UploadProgress(path, moved) as watch:
            self._causes.reset(watch.begin)
            _wait_for_size(path.stat().st_size)
            result = self._upload(path, did)
        if state is not None:  # registered by an upload that never finished
            self._client.update_replicas_states(self._rse, [{"scope": did.scope, "name": did.name, "state": "A"}])
        return result

    def _known_state(self, path: Path, did: Did) -> str | None:
        """Return the state of the replica at the RSE; None without one."""
        # Unlike get_metadata, this refuses a name that Rucio does not allow, before anything is written.
        rows = list(self._client.get_metadata_bulk([{"scope": did.scope, "name": did.name}]))
        if not rows:
            return None
        meta = rows[0]
        if meta["did_type"] != "FILE":
            raise IntegrityError(
                f"{did} is a {meta['did_type']} in {self._instance.name}, not a file.",
                subject=str(did),
                hint="Give the file another name.",
            )
        if meta["bytes"] != path.stat().st_size or _number(meta["adler32"]) != adler32_of(path):
            raise IntegrityError(
                f"{self._instance.name} already has {did}, and its content differs from {path.name}.",
                subject=str(did),
                hint="The content of a DID never changes: give the file another name.",
            )
        rows = list(self._client.list_replicas([{"scope": did.scope, "name": did.name}], all_states=True))
        states = rows[0].get("states") or {} if rows else {}
        return states.get(self._rse)

    def _attach(self, did: Did) -> None:
        if self._dataset is not None:
            self._dataset.attach(did)

    def _upload(self, path: Path, did: Did) -> str:
        from rucio.common.exception import AccessDenied, NoFilesUploaded, NotAllFilesUploaded

        item: dict[str, object] = {
            "path": str(path),
            "rse": self._rse,
            "did_scope": did.scope,
            "did_name": did.name,
            "register_after_upload": True,
        }
        if self._dataset is None:
            item["lifetime"] = self._lifetime_s
        else:
            item |= {"dataset_scope": self._dataset.did.scope, "dataset_name": self._dataset.did.name}
        try:
            self._uploads.upload([item])
        except (NoFilesUploaded, NotAllFilesUploaded) as error:
            words = self._causes.last
            if self._known_state(path, did) != "AVAILABLE":
                raise self._errors.transfer_failed(did, words) from error
            # Registered meanwhile, by another upload, or by this one, of which only the attachment failed.
            self._attach(did)
            return "present"
        except AccessDenied as error:
            self._take_back(did)
            raise self._errors.not_permitted() from error
        return "uploaded"

    def _take_back(self, did: Did) -> None:
        """Remove the bytes of a file that Rucio did not register."""
        from rucio.rse import rsemanager

        with suppress(Exception):  # the next upload replaces leftovers
            rsemanager.delete(self._uploads.rses[self._rse], {"scope": did.scope, "name": did.name})


def _wait_for_size(size_bytes: int) -> None:
    """Make UploadClient wait up to a minute for a storage that reports size 0, unless the file is empty."""
    from rucio.common.config import config_set

    config_set("client", "protocol_stat_retries", str(_STAT_RETRIES if size_bytes else 0))


class Causes:
    """A logger for UploadClient that records errors and the start of an upload, which only its log contains."""

    def __init__(self) -> None:
        self.last = ""
        self._begun: Callable[[], None] = lambda: None

    def __call__(self, level: int, message: object, *arguments: object, **_: object) -> None:
        """Record one message."""
        words = " ".join((str(message) % arguments if arguments else str(message)).split())
        if words.startswith("Trying upload with"):
            self._begun()
        reason = words.removeprefix("Exception: ").removeprefix("Attaching to dataset ")
        if reason != words or (level >= logging.WARNING and not self.last) or "Skipping upload" in words:
            self.last = reason.partition("Details: ")[2].rstrip(".")[:200] or reason.rstrip(".")[:200]

    log = __call__

    def reset(self, begun: Callable[[], None]) -> None:
        """Reset for the next file; ``begun`` is called when its upload starts."""
        self.last = ""
        self._begun = begun


def adler32_of(path: Path) -> int:
    """Return the adler32 of the file at ``path``."""
    value = 1
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            value = zlib.adler32(chunk, value)
    return value


def _number(checksum: str | None) -> int | None:
    return int(checksum, 16) if checksum else None
