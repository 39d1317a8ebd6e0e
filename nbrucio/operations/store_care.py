"""The contents of the store by notebook and by DID, and its cleaning. `nbrucio.core.eviction` chooses the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.eviction import CachedFile, first
from nbrucio.errors import BadNotebook, DidNotFound
from nbrucio.kernel.quoting import quoted_path
from nbrucio.pipeline.eviction import RECENT_DAYS, CachedData
from nbrucio.state.notebook_uses import NotebookUse
from nbrucio.store import Store
from nbrucio.store.record import Usage


class NotebookHolding(NamedTuple):
    """The cached data of one notebook.

    Attributes:
        path: its real path.
        used_s: when it was last synced, in seconds since 1970.
        pinned: whether the user asked to keep its data.
        gone: whether nothing exists at its path any more.
        amount: its cached files; a file of several notebooks counts for each.
    """

    path: Path
    used_s: float
    pinned: bool
    gone: bool
    amount: Usage


class DataHolding(NamedTuple):
    """The cached files of one DID at one instance, and the notebooks that declare it."""

    instance: str
    did: Did
    amount: Usage
    notebooks: tuple[Path, ...]


class StoreUsage(NamedTuple):
    """The contents of the store.

    Attributes:
        path: its folder.
        now_s: the time of the count, in seconds since 1970.
        total: all its files.
        free_bytes: free space on its disk; None if unknown.
        limit_bytes: ``max_store`` of the policy; None without a limit.
        notebooks: one for each notebook that was synced here, the last used first.
        data: one for each declared DID, the largest first.
        unneeded: the files that `collect` would remove.
    """

    path: Path
    now_s: float
    total: Usage
    free_bytes: int | None
    limit_bytes: int | None
    notebooks: tuple[NotebookHolding, ...]
    data: tuple[DataHolding, ...]
    unneeded: Usage

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON-ready mapping."""
        return {
            "version": 1,
            "path": str(self.path),
            **_as_json(self.total),
            "free_bytes": self.free_bytes,
            "limit_bytes": self.limit_bytes,
            "notebooks": [
                {"path": str(one.path), "used_s": one.used_s, "pinned": one.pinned, "gone": one.gone}
                | _as_json(one.amount)
                for one in self.notebooks
            ],
            "data": [
                {"instance": one.instance, "did": str(one.did), "notebooks": list(map(str, one.notebooks))}
                | _as_json(one.amount)
                for one in self.data
            ],
            "unneeded": _as_json(self.unneeded),
        }


class Removed(NamedTuple):
    """Result of a removal, or of a dry run.

    Attributes:
        amount: the files that were removed, or would be.
        left: the files that remain.
        forgotten: the notebooks that are gone, whose records were removed with their data.
    """

    amount: Usage
    left: Usage
    forgotten: tuple[Path, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON-ready mapping."""
        return {
            "version": 1,
            "removed": _as_json(self.amount),
            "left": _as_json(self.left),
            "forgotten": list(map(str, self.forgotten)),
        }


def usage(config: Config) -> StoreUsage:
    """Count the files in the store, by notebook and by DID. Reads no file and asks no server.

    Raises:
        NbrucioError: the disk does not answer, or a record of a notebook's use cannot be read.
    """
    store = Store(config.store_path)
    cached = CachedData(config, store)
    return StoreUsage(
        config.store_path,
        cached.now_s,
        _usage(cached.files.values()),
        store.free_bytes(),
        config.policy.max_store_bytes,
        tuple(_notebook(cached, use) for use in sorted(cached.notebooks, key=lambda use: -use.used_s)),
        tuple(sorted(_data(cached), key=lambda one: (-one.amount.size_bytes, one.did))),
        _usage(cached.unneeded()),
    )


def remove(config: Config, dids: Sequence[Did], *, instance: str | None = None, dry_run: bool = False) -> Removed:
    """Remove the cached files of ``dids``: files, or datasets and containers that a notebook declared.

    Args:
        instance: only those of this instance.

    Raises:
        DidNotFound: one of them is not in the store; nothing was removed.
        NbrucioError: a file cannot be removed.
    """
    cached = CachedData(config, Store(config.store_path))
    names = [config.instance(instance).identity] if instance else [each.identity for each in config.instances]
    keys: set[str] = set()
    for did in dids:
        found = {key for name in names for key in cached.keys(name, did)}
        for data in (one for use in cached.notebooks for one in use.data):
            if data.did == did and (not instance or data.instance in names):
                found.update(cached.keys_of(data))
        if not found:
            raise DidNotFound(f"{did} is not cached.", subject=str(did), next_command="nbrucio store")
        keys |= found
    return _remove(cached, [cached.files[key] for key in sorted(keys)], dry_run=dry_run)


def collect(
    config: Config, *, to_bytes: int | None = None, recent_days: int = RECENT_DAYS, dry_run: bool = False
) -> Removed:
    """Remove the files that no existing notebook needs, and with ``to_bytes`` also those used least recently.

    Args:
        to_bytes: the size that the store may still have.
        recent_days: the data of notebooks that were synced within this time stays, as that of pinned ones.

    Raises:
        NbrucioError: a file cannot be removed, or a record of a notebook's use cannot be read.
    """
    cached = CachedData(config, Store(config.store_path), recent_days=recent_days)
    chosen = cached.unneeded()
    if to_bytes is not None:
        more = first(cached.evictable(), cached.size_bytes() - to_bytes)
        chosen = list(dict.fromkeys(chosen + more))
    gone = [use for use in cached.notebooks if use.is_gone()]
    removed = _remove(cached, chosen, dry_run=dry_run)
    for use in () if dry_run else gone:
        cached.uses.forget(use)
    return removed._replace(forgotten=tuple(use.notebook for use in gone))


def pin(config: Config, notebooks: Iterable[Path], *, pinned: bool) -> None:
    """Keep the data of ``notebooks`` in the store whenever it is cleaned, or no longer.

    Raises:
        BadNotebook: one of them was never synced here.
        NbrucioError: the store cannot be written.
    """
    store = Store(config.store_path)
    cached = CachedData(config, store)
    for path in notebooks:
        use = cached.uses.read(path)
        if use is None:
            sync = f"nbrucio sync {quoted_path(path)}"
            raise BadNotebook(f"{path} was not synced with this cache.", subject=str(path), next_command=sync)
        try:
            cached.uses.pin(use, pinned=pinned)
        except OSError as error:
            raise store.error(error) from error


def _remove(cached: CachedData, files: Sequence[CachedFile], *, dry_run: bool) -> Removed:
    removed = files if dry_run else cached.remove(files)
    keys = {file.key for file in removed}
    return Removed(_usage(removed), _usage(file for file in cached.files.values() if file.key not in keys))


def _notebook(cached: CachedData, use: NotebookUse) -> NotebookHolding:
    keys = {key for data in use.data for key in cached.keys_of(data)}
    amount = _usage(cached.files[key] for key in keys)
    return NotebookHolding(use.notebook, use.used_s, use.pinned, use.is_gone(), amount)


def _data(cached: CachedData) -> Iterator[DataHolding]:
    keys: dict[tuple[str, Did], set[str]] = {}
    users: dict[tuple[str, Did], dict[Path, None]] = {}
    for use in cached.notebooks:
        for data in use.data:
            key = (data.instance, data.did)
            keys.setdefault(key, set()).update(cached.keys_of(data))
            users.setdefault(key, {})[use.notebook] = None
    for (instance, did), found in keys.items():
        if found:
            amount = _usage(cached.files[key] for key in found)
            yield DataHolding(instance, did, amount, tuple(users[instance, did]))


def _usage(files: Iterable[CachedFile]) -> Usage:
    sizes = [file.size_bytes for file in files]
    return Usage(len(sizes), sum(sizes))


def _as_json(usage: Usage) -> dict[str, object]:
    return {"files": usage.files, "bytes": usage.size_bytes}
