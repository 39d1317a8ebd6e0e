"""A glance: what the last look saw, where nothing has changed since. For whoever asks for no more than totals.

`status` and a `sync` with nothing to do take milliseconds by it, however many files a notebook declares, and load
nothing of what a real look needs. Whatever is in doubt (another declaration, configuration or lock, a changed store, a
mounted file, a fault) gives no glance, and the caller looks for real. ``docs/store.md`` says what a glance trusts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Config
from nbrucio.errors import NbrucioError
from nbrucio.kernel import where
from nbrucio.notebook import Notebook, load
from nbrucio.store.seen import Row, Sightings

#: The metadata key of rucio-jupyterlab, read as a declaration where ours is absent.
ATTACHMENTS_KEY = "rucio_attachments"


class Glance(NamedTuple):
    """A notebook and the totals of its requirements."""

    path: Path
    rows: tuple[Row, ...]

    @property
    def unready(self) -> bool:
        """Whether a sync would have something to bring."""
        return any(row.state != "ready" for row in self.rows)


def glance(
    paths: Sequence[Path], config: Config, *, variant: str | None = None, synced: bool = False
) -> tuple[Glance, ...] | None:
    """What is here of what the notebooks at ``paths`` declare; None when only a real look can tell.

    Args:
        variant: the variant of the declarations to take.
        synced: only if a sync would find nothing to do: everything is in the store, each object was looked at, and the
            kernels were told.
    """
    sightings = Sightings(config.store_path)
    glances = []
    for path in map(Path, paths):  # programs give texts, too
        try:
            notebook = load(path)
        except NbrucioError:
            return None
        seen = sightings.recall(path, question_of(notebook, config, variant), every=synced)
        if seen is None or (synced and seen.manifest != manifest_path(path)):
            return None
        glances.append(Glance(path, seen.rows))
    return tuple(glances)


def question_of(notebook: Notebook, config: Config, variant: str | None) -> str:
    """A digest of all that decides what a look asks: the declaration, the variant, the configuration."""
    asked = {
        "declared": [notebook.value(), notebook.metadata.get(ATTACHMENTS_KEY)],
        "variant": variant,
        "config": repr((config.instances, config.default, config.default_name, config.policy)),
        "faults": [fault.name for fault in config.faults],
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def manifest_path(notebook: Path) -> str:
    """Where this process would tell kernels of ``notebook``."""
    return str(where.runtime_folder().absolute() / where.manifest_name(notebook))
