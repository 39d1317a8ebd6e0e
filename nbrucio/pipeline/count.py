"""Count how files are accessed here, without keeping one of them in memory, and which of them are elsewhere."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from nbrucio.core.amounts import GrowingAmount
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import Access, DownloadLimits, FilePlan, ResolvedRequirement
from nbrucio.core.planner import Availability, plan_file
from nbrucio.errors import IntegrityError
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.locate import LocalFiles
from nbrucio.pipeline.mounted import MountedFiles
from nbrucio.store.present import PresentKeys

#: Files of which everything is in memory at once.
_AT_ONCE = 5_000


class Counted:
    """The files of one requirement, counted.

    Attributes:
        resolved: the requirement.
        here: by access, the files that are here or cannot be obtained.
        first: of these, the ones that no earlier requirement has.
        missing: the plans of the files that cannot be obtained.
        unverified_files: number of accessible files without a checksum.
        unverified_elsewhere: number of files elsewhere without one.
        elsewhere: the files that are not here.
        first_elsewhere: of these, the ones that no earlier requirement has.
        few: the first files elsewhere, at most as many as were to be kept.
        few_first: for each of `few`, whether no earlier requirement has it.
        sizes: the sizes of all that are not here, in order, an unknown one as 0; only for access ``any``.
    """

    def __init__(self, resolved: ResolvedRequirement) -> None:
        self.resolved = resolved
        self.here: dict[Access, GrowingAmount] = {}
        self.first: dict[Access, GrowingAmount] = {}
        self.missing: list[FilePlan] = []
        self.unverified_files = 0
        self.unverified_elsewhere = 0
        self.elsewhere = GrowingAmount()
        self.first_elsewhere = GrowingAmount()
        self.few: list[FileEntry] = []
        self.few_first: list[bool] = []
        self.sizes: array[int] | None = array("Q") if resolved.access == "any" else None


class Counter:
    """Counts the requirements of one run, in order.

    Args:
        keep: number of files elsewhere to keep of each requirement.
        shared: identities of instances of which several requirements are counted.
    """

    def __init__(self, run: RunContext, limits: DownloadLimits, keep: int, shared: frozenset[str]) -> None:
        self._run = run
        self._limits = limits
        self._keep = keep
        self._present = run.store.present()
        # What only one requirement has needs no memory of names.
        self._seen: dict[str, set[Did]] = {identity: set() for identity in shared}

    def count(self, resolved: ResolvedRequirement) -> Counted:
        """Return the files of ``resolved``, counted."""
        counted = Counted(resolved)
        places = self._places(resolved)
        files = iter(resolved.files)
        while chunk := list(islice(files, _AT_ONCE)):
            found = self._found(resolved, chunk, places)
            for entry in chunk:
                self._add(counted, entry, found)
        return counted

    def _places(self, resolved: ResolvedRequirement) -> Mapping[Did, tuple[Replica, ...]]:
        """Return where an earlier run found files on mounted RSEs."""
        if resolved.lock is None or not self._run.config.instance(resolved.instance).mounts:
            return {}
        return self._run.replica_places.read(resolved.instance, resolved.lock.digest)

    def _found(
        self, resolved: ResolvedRequirement, chunk: Sequence[FileEntry], places: Mapping[Did, tuple[Replica, ...]]
    ) -> Availability:
        instance = resolved.instance
        local = LocalFiles(self._run, None)
        maybe = tuple(_maybe(self._present, instance, chunk))
        if maybe:
            local.find_all([resolved._replace(files=maybe)])
        if not places:
            return local.availability()
        mounts = MountedFiles(self._run.config.instance(instance), self._run.reporter)
        mounted = {
            (instance, entry.did): where
            for entry in chunk
            if entry.did in places and (where := mounts.find(entry, places[entry.did])) is not None
        }
        return local.availability()._replace(mounted=mounted)

    def _add(self, counted: Counted, entry: FileEntry, found: Availability) -> None:
        resolved = counted.resolved
        is_first = self._is_first(resolved.instance, entry.did)
        planned = self._planned(resolved, entry, found)
        if planned is None:
            counted.elsewhere.add(entry.size_bytes)
            if is_first:
                counted.first_elsewhere.add(entry.size_bytes)
            if len(counted.few) < self._keep:
                counted.few.append(entry)
                counted.few_first.append(is_first)
            if counted.sizes is not None:
                counted.sizes.append(entry.size_bytes or 0)
        else:
            counted.here.setdefault(planned.access, GrowingAmount()).add(entry.size_bytes)
            if is_first:
                counted.first.setdefault(planned.access, GrowingAmount()).add(entry.size_bytes)
            if planned.error is not None:
                counted.missing.append(planned)
        if resolved.unverified(entry):
            counted.unverified_elsewhere += planned is None
            counted.unverified_files += planned is not None and planned.error is None

    def _planned(self, resolved: ResolvedRequirement, entry: FileEntry, found: Availability) -> FilePlan | None:
        """Return the plan of a file that is here, or that cannot be used wherever it is; None for another one."""
        key = (resolved.instance, entry.did)
        refused = key in found.refused or not resolved.verifiable(entry)
        if not refused and not (key in found.stored or key in found.doubtful or key in found.mounted):
            return None
        planned = plan_file(resolved, entry, found, self._limits)
        # The access of the requirement may exclude the place where it is.
        usable = planned.error is None or isinstance(planned.error, IntegrityError)
        return planned if usable and planned.access is not Access.STREAM else None

    def _is_first(self, instance: str, did: Did) -> bool:
        seen = self._seen.get(instance)
        if seen is None:
            return True
        if did in seen:
            return False
        seen.add(did)
        return True


def _maybe(present: PresentKeys, instance: str, chunk: Sequence[FileEntry]) -> Iterator[FileEntry]:
    return (entry for entry in chunk if present.may_have(instance, entry.did))
