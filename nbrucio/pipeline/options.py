"""The options of a sync."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Policy
from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.pipeline.resolve import ResolveOptions


class Options(NamedTuple):
    """How to sync.

    Attributes:
        refresh: ask the catalogue even for what was resolved before.
        offline: no network at all; also switched on by the machine's policy.
        locked: only what the notebook's lock names, and only if the catalogue still says the same.
        frozen: only what the notebook's lock names; the catalogue is not asked for contents.
        variant: the variant of the declarations to take; None leaves it to each declaration.
        parameters: the values that the notebooks run with, for what is chosen by one (see `nbrucio.core.parameter`).
        runtime: the folder for the manifests; None means this user's runtime folder.
    """

    refresh: bool = False
    offline: bool = False
    locked: bool = False
    frozen: bool = False
    variant: str | None = None
    parameters: Mapping[str, object] = NO_PARAMETERS
    runtime: Path | None = None

    def under(self, policy: Policy) -> Options:
        """These options, offline where the policy of this machine is."""
        return self._replace(offline=self.offline or policy.offline)

    def resolving(self) -> ResolveOptions:
        """The part of them that decides how to resolve."""
        return ResolveOptions(self.refresh, self.offline, self.locked, self.frozen)
