"""Cached status: the totals of the last status, valid while nothing changes. With it, `status` and a `sync` with
nothing to do take milliseconds, however many files a notebook declares, and do not import the modules of a full status.
After any change (of declaration, configuration, lock or store), with a mounted file or with an error there is no cached
status, and the caller makes a full one. ``docs/store.md`` lists the assumptions of a cached status.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Config
from nbrucio.core.totals import RequirementTotals
from nbrucio.errors import NbrucioError
from nbrucio.kernel import where
from nbrucio.kernel.configured import digests_of
from nbrucio.notebook.base import ATTACHMENTS_KEY, Notebook
from nbrucio.notebook.ipynb import load
from nbrucio.state.notebook_uses import NotebookUses
from nbrucio.state.status_cache import StatusCache


class CachedStatus(NamedTuple):
    """A notebook and the totals of its requirements."""

    path: Path
    rows: tuple[RequirementTotals, ...]

    @property
    def unready(self) -> bool:
        """Return whether a sync would download anything."""
        return any(row.state != "ready" for row in self.rows)


def cached_status(
    paths: Sequence[Path], config: Config, *, variant: str | None = None, synced: bool = False
) -> tuple[CachedStatus, ...] | None:
    """Return the status of the notebooks at ``paths`` from the cache; None when a full status is needed.

    Args:
        variant: the variant of the declarations.
        synced: return a status only if a sync would do nothing: all files are in the store, each was checked, and the
            manifest is complete.
    """
    if config.shared_stores:
        return None  # they change without a trace in this store
    status_cache = StatusCache(config.store_path)
    cached = []
    for path in map(Path, paths):  # programs give texts, too
        try:
            notebook = load(path)
        except NbrucioError:
            return None
        entry = status_cache.find(path, request_digest(notebook, config, variant), every=synced)
        if entry is None or (synced and entry.manifest != manifest_path(path)):
            return None
        cached.append(CachedStatus(path, entry.rows))
    for one in cached if synced else ():
        NotebookUses(config.store_path).touch(one.path)
    return tuple(cached)


def request_digest(notebook: Notebook, config: Config, variant: str | None) -> str:
    """Return a digest of all inputs of a status: the declaration, the variant, the configuration."""
    asked = {
        "declared": [notebook.value(), notebook.metadata.get(ATTACHMENTS_KEY)],
        "variant": variant,
        "config": repr((config.instances, config.default, config.default_name, config.policy)),
        "faults": [fault.name for fault in config.faults],
        "files": instance_digests(config),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def instance_digests(config: Config) -> dict[str, str | None]:
    """Return digests of the configuration files that were read, and of the user's, which may be written at any time."""
    return digests_of(dict.fromkeys(map(str, (*config.sources, *config.places[1:2]))))


def manifest_path(notebook: Path) -> str:
    """Return the path of the manifest of ``notebook`` that this process would write."""
    return str(where.runtime_folder().absolute() / where.manifest_name(notebook))
