"""The files in the store with the notebooks that need them, and their removal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from nbrucio.config import Config
from nbrucio.core.address import former_identity
from nbrucio.core.did import Did
from nbrucio.core.eviction import CachedFile, FileUse, evictable, first, unneeded
from nbrucio.core.files import FileEntry
from nbrucio.core.plan import ResolvedRequirement, StoreLimit
from nbrucio.errors import UnreadableFile
from nbrucio.state.notebook_uses import NotebookUse, NotebookUses, UsedData
from nbrucio.state.resolutions import Resolutions
from nbrucio.store import Store
from nbrucio.store.names import object_key

#: The data of a notebook that was synced within this time is never removed to make room.
RECENT_DAYS = 7


class CachedData:
    """The files in the store, and the notebooks that need them.

    Args:
        recent_days: the data of notebooks synced within this time is protected.
    """

    def __init__(self, config: Config, store: Store, *, recent_days: int = RECENT_DAYS) -> None:
        self.uses = NotebookUses(config.store_path)
        self.now_s = time.time()
        self._store = store
        self._resolutions = Resolutions(config.store_path)
        self._recent_s = recent_days * 86_400.0

    @cached_property
    def files(self) -> dict[str, CachedFile]:
        """The files in the store, by key."""
        return {file.key: file for file in self._store.files()}

    @cached_property
    def notebooks(self) -> tuple[NotebookUse, ...]:
        """The last use of each notebook.

        Raises:
            UnreadableFile: one of them cannot be read.
        """
        return tuple(self.uses.entries())

    @cached_property
    def needed(self) -> dict[str, FileUse]:
        """The use of each file that existing notebooks need, by key."""
        needed: dict[str, FileUse] = {}
        for notebook in self.notebooks:
            if notebook.is_gone():
                continue
            use = FileUse(notebook.used_s, notebook.pinned or self.now_s - notebook.used_s < self._recent_s)
            for data in notebook.data:
                for key in self.keys_of(data):
                    needed[key] = needed[key].merge(use) if key in needed else use
        return needed

    def entries_of(self, data: UsedData) -> Sequence[FileEntry]:
        """Return the files of ``data``; empty if its list is lost."""
        return self._resolutions.files(data.digest) or ()

    def keys_of(self, data: UsedData) -> Iterator[str]:
        """Yield the keys of the files of ``data`` that are in the store."""
        for entry in self.entries_of(data):
            yield from self.keys(data.instance, entry.did)

    def keys(self, instance: str, did: Did) -> Iterator[str]:
        """Yield the keys of the file ``did`` that are in the store: its own, and that of the instance's former name."""
        for name in (instance, former_identity(instance)):
            if name is not None and (key := object_key(name, did)) in self.files:
                yield key

    def unneeded(self) -> list[CachedFile]:
        """Return the files that no existing notebook needs, the oldest first."""
        return unneeded(self.files.values(), self.needed)

    def evictable(self, keep: Iterable[str] = ()) -> list[CachedFile]:
        """Return the files that may be removed, in that order, without those with a key of ``keep``."""
        uses = self.needed | dict.fromkeys(keep, FileUse(self.now_s, protected=True))
        return evictable(self.files.values(), uses)

    def size_bytes(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size_bytes for file in self.files.values())

    def remove(self, files: Iterable[CachedFile]) -> list[CachedFile]:
        """Remove ``files`` from the store, and the folders of links that lead to them. Return those that were removed;
        a file that is being written stays.

        Raises:
            NbrucioError: a file cannot be removed.
        """
        removed = {file.key: file for file in files if self._store.discard(file.key)}
        for data in {(one.instance, one.did): one for use in self.notebooks for one in use.data}.values():
            if not removed.keys().isdisjoint(self.keys_of(data)):
                self._store.remove_view(data.instance, data.did)
        return list(removed.values())


def store_limit(config: Config, store: Store, requirements: Iterable[ResolvedRequirement]) -> StoreLimit | None:
    """Return the limit of the store's size for a run with ``requirements``; None without a limit."""
    policy = config.policy
    if policy.max_store_bytes is None:
        return None
    cached = CachedData(config, store)
    evictable_bytes = sum(file.size_bytes for file in _evictable(cached, requirements))
    return StoreLimit(policy.max_store_bytes, cached.size_bytes(), evictable_bytes, policy.evict)


def make_room(
    config: Config, store: Store, download_bytes: int, requirements: Iterable[ResolvedRequirement]
) -> list[CachedFile]:
    """Remove files so that the store stays within its limit after a download, if the policy allows it.

    Args:
        requirements: those of this run; their files stay.

    Returns:
        The removed files.

    Raises:
        NbrucioError: a file cannot be removed.
    """
    limit_bytes = config.policy.max_store_bytes
    if limit_bytes is None or not config.policy.evict:
        return []
    cached = CachedData(config, store)
    missing_bytes = cached.size_bytes() + download_bytes - limit_bytes
    return cached.remove(first(_evictable(cached, requirements), missing_bytes)) if missing_bytes > 0 else []


def _evictable(cached: CachedData, requirements: Iterable[ResolvedRequirement]) -> list[CachedFile]:
    """Return the files that may be removed during a run with ``requirements``; none if it is not known which notebooks
    need files.
    """
    needed = (key for one in requirements for entry in one.files for key in cached.keys(one.instance, entry.did))
    try:
        return cached.evictable(needed)
    except UnreadableFile:
        return []
