"""The options of a sync."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Policy
from nbrucio.core.part import Part
from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.pipeline.resolve import ResolveOptions


class Options(NamedTuple):
    """The options of a sync.

    Attributes:
        refresh: ask the catalogue even for requirements that were resolved before.
        offline: do not use the network; also set by the machine's policy.
        locked: use only the notebook's lock, and only if the catalogue agrees with it.
        frozen: use only the notebook's lock; do not ask the catalogue for contents.
        variant: the variant of the declarations; None means each declaration's own.
        parameters: the notebooks' parameter values, for requirements that depend on one (see `nbrucio.core.parameter`).
        runtime: the folder for the manifests; None means this user's runtime folder.
        local: with ``offline``, whether that is the verb's way. Errors then do not say that nbrucio is offline.
        part: the part of the files to sync; None means all. The lists must be locked, so that parts do not overlap.
    """

    refresh: bool = False
    offline: bool = False
    locked: bool = False
    frozen: bool = False
    variant: str | None = None
    parameters: Mapping[str, object] = NO_PARAMETERS
    runtime: Path | None = None
    part: Part | None = None
    local: bool = False

    def under(self, policy: Policy) -> Options:
        """Return these options, offline if the policy of this machine is."""
        return self._replace(offline=self.offline or policy.offline, local=self.local and not policy.offline)

    def resolving(self) -> ResolveOptions:
        """Return the options for resolving."""
        return ResolveOptions(self.refresh, self.offline, self.locked, self.frozen, self.local)
