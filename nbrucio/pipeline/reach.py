"""Finds a copy of one file on this node: in its store, on its mounts, else at a storage that sends it now."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nbrucio.config import Config, Instance, load
from nbrucio.core.did import Did
from nbrucio.core.events import SilentReporter
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import STREAMED_SCHEMES, streamed_url
from nbrucio.errors import NbrucioError, NoReplica, UnknownInstance
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.mounted import MountedFiles

#: Seconds for which an answer of Rucio or of a storage is used again: a node runs many short tasks.
_AGAIN_S = 60.0
#: Files in one request for replicas.
_AT_ONCE = 1_000
_SHOWN = 3


class WantedFile(NamedTuple):
    """A file to find: its instance's identity, its DID with size and checksum, and replicas known elsewhere."""

    instance: str
    entry: FileEntry
    replicas: tuple[Replica, ...]


class Reach:
    """The copies that this process can open. Thread-safe; finds one file at a time."""

    def __init__(self, config: Config) -> None:
        self._run = RunContext(config)
        self._guard = threading.Lock()
        self._urls: dict[tuple[str, Did], tuple[float, str]] = {}
        self._answers: dict[tuple[str, Did], tuple[float, tuple[Replica, ...]]] = {}

    def find(self, wanted: WantedFile, siblings: Callable[[], Iterable[Did]] = tuple) -> str:
        """Return a path, or a URL whose storage sends the file.

        Args:
            siblings: files that will be needed next; if Rucio has to be asked, one request is for all of them.

        Raises:
            NoReplica: nothing was found; the message names the node, the reasons and the next action.
        """
        stored = self._run.store.find(wanted.instance, wanted.entry)
        if stored is not None:
            return stored.where
        with self._guard:
            since, url = self._urls.get((wanted.instance, wanted.entry.did), (0.0, ""))
            if url and time.monotonic() < since + _AGAIN_S:
                return url
            return self._elsewhere(wanted, siblings)

    def options(self, instance: str, url: str) -> dict[str, Any]:
        """Return the options for fsspec to open ``url``, with the credentials of this node."""
        if not url.startswith("https:"):
            return {}
        from nbrucio.catalogue.credentials import storage_credentials
        from nbrucio.kernel.streaming import storage_options

        known = self._instance(instance)
        if known is None:
            return storage_options(None)
        found = storage_credentials(known, os.environ, self._run.config)
        place = found.token_place.as_json() if found.token_place else None
        return storage_options(str(found.ca) if found.ca else None, place)

    def _elsewhere(self, wanted: WantedFile, siblings: Callable[[], Iterable[Did]]) -> str:
        tried: dict[str, str] = {}
        instance = self._instance(wanted.instance)
        for asks in (False, True):
            try:
                replicas = self._asked(wanted, instance, siblings) if asks else wanted.replicas
                known = tuple(one for one in replicas if one.pfn not in tried)
            except NbrucioError as error:
                raise _nowhere(wanted, tried, error, instance) from error
            mounted = MountedFiles(instance, SilentReporter()).find(wanted.entry, known) if instance else None
            if mounted is not None:
                return mounted[0]
            for url in self._alive(wanted, known, tried, instance):
                self._urls[wanted.instance, wanted.entry.did] = (time.monotonic(), url)
                return url
        raise _nowhere(wanted, tried, None, instance)

    def _alive(
        self, wanted: WantedFile, replicas: Iterable[Replica], tried: dict[str, str], instance: Instance | None
    ) -> Iterator[str]:
        if self._run.config.policy.offline:
            return
        from nbrucio.pipeline.storage_access import storage_access
        from nbrucio.transfer.probe import why_unreadable
        from nbrucio.transfer.types import StorageAccess

        access = StorageAccess() if instance is None else storage_access(self._run.config, instance.identity)
        for replica in replicas:
            if replica.tape or replica.scheme not in STREAMED_SCHEMES:
                tried[replica.pfn] = f"{replica.rse}: it cannot be streamed"
                continue
            why = why_unreadable(wanted.instance, wanted.entry, replica, access)
            if why is None:
                yield streamed_url(replica)
            tried[replica.pfn] = f"{replica.rse}: {why}"

    def _asked(
        self, wanted: WantedFile, instance: Instance | None, siblings: Callable[[], Iterable[Did]]
    ) -> tuple[Replica, ...]:
        if instance is None or self._run.config.policy.offline:
            return ()
        now, did = time.monotonic(), wanted.entry.did
        since, found = self._answers.get((wanted.instance, did), (0.0, ()))
        if found and now < since + _AGAIN_S:
            return found
        dids = list(dict.fromkeys((did, *siblings())))[:_AT_ONCE]
        for one, replicas in self._run.catalogue(wanted.instance).replicas(dids):
            self._answers[wanted.instance, one] = (now, replicas)
        return self._answers.get((wanted.instance, did), (now, ()))[1]

    def _instance(self, identity: str) -> Instance | None:
        try:
            return self._run.config.instance(identity)
        except UnknownInstance:
            return None


def _nowhere(
    wanted: WantedFile, tried: Mapping[str, str], error: NbrucioError | None, instance: Instance | None
) -> NoReplica:
    node, causes = socket.gethostname(), list(tried.values())[:_SHOWN]
    if error is not None:
        causes.append(error.message.rstrip("."))
    elif instance is None:
        causes.append(f"{wanted.instance} is not configured there")
    action = "nbrucio config init" if instance is None else (error and error.next_command) or "nbrucio doctor"
    why = "; ".join(causes) or "it is neither cached nor mounted, and Rucio has no replica that can be streamed"
    return NoReplica(
        f"{wanted.entry.did} cannot be opened on {node}: {why}. Run `{action}` on {node}.",
        subject=str(wanted.entry.did),
        next_command=action,
    )


_here: dict[int, Reach] = {}
_stores: list[Path] = []


def reach() -> Reach:
    """Return that of this process, with the configuration that it had at the first call."""
    pid = os.getpid()  # engines fork their workers
    found = _here.get(pid)
    if found is None:
        config = load()
        found = Reach(config._replace(shared_stores=(*_stores, *config.shared_stores)))
        _here.clear()
        _here[pid] = found
    return found


def also_read(store: Path) -> None:
    """Find files in this store, too, for the rest of this process."""
    if store not in _stores:
        _stores.append(store)
        _here.clear()
