"""An estimate of the access to files by Rucio's own sums of their replicas, without asking for each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.plan import Access, Amount, FilePlan, ResolvedRequirement
from nbrucio.core.planner import LOCAL
from nbrucio.core.replica_sums import Bounds, ReplicaSums, RseSum, at_rses, bytes_at
from nbrucio.errors import NbrucioError


class RseUses(NamedTuple):
    """The ways of reading files at RSEs here, by the names of the RSEs.

    Attributes:
        mounted: the RSE is mounted here.
        readable: files there can be downloaded.
        streamable: files there can be opened remotely.
        unknown: RSEs of which this is not known.
    """

    mounted: frozenset[str] = frozenset()
    readable: frozenset[str] = frozenset()
    streamable: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


class ByRucioSums(NamedTuple):
    """The sums behind an estimate.

    Attributes:
        rses: Rucio's sums by RSE, those with the most files first.
        files: number of files whose access is estimated from them; the others are here.
        unsure_files: of these, those that have a replica here or elsewhere only perhaps.
    """

    rses: tuple[RseSum, ...]
    files: int
    unsure_files: int = 0

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        rses = [one.as_json() for one in self.rses]
        return {"rses": rses, "files": self.files, "unsure_files": self.unsure_files}


class SummedRequirement(NamedTuple):
    """Estimated access to the files of one requirement, as amounts.

    Attributes:
        resolved: the requirement.
        by_access: the amount of each access.
        unverified_files: number of accessible files without a checksum.
        missing: files that are known to be unobtainable, with the error of each.
        faults: errors of the requirement as a whole.
        sums: what Rucio's sums say; None if they were not needed.
    """

    resolved: ResolvedRequirement
    by_access: Mapping[Access, Amount] = MappingProxyType({})
    unverified_files: int = 0
    missing: tuple[FilePlan, ...] = ()
    faults: tuple[NbrucioError, ...] = ()
    sums: ByRucioSums | None = None

    @property
    def errors(self) -> list[NbrucioError]:
        """The errors of the requirement and of its files."""
        own = () if self.resolved.error is None else (self.resolved.error,)
        return [*own, *self.faults, *(file.error for file in self.missing if file.error is not None)]

    def amounts(self) -> dict[Access, Amount]:
        """Return the amount of each access; an access without files is absent."""
        return dict(self.by_access)


class Split(NamedTuple):
    """Files by access, as far as sums say: amounts, and how many files have a replica only perhaps."""

    amounts: Mapping[Access, Amount]
    unsure_files: int


def split(files: Amount, sums: Sequence[ReplicaSums] | None, rses: RseUses, allowed: str | None) -> Split:
    """Return the access to ``files``, which are not in the store.

    What may be missing or mounted, but not surely, counts as downloaded, so that the estimate is not too low.

    Args:
        sums: of all datasets with these files; None if they are unknown.
        rses: how files at the RSEs of the sums can be read here.
        allowed: the access that the requirement allows; None where nbrucio chooses.
    """
    mounted = frozenset() if allowed in ("store", "download") else rses.mounted
    remote = rses.streamable if allowed == "stream" else rses.readable
    if allowed in LOCAL:
        remote = frozenset()
        unknown = frozenset() if allowed == "store" else rses.unknown
    else:
        unknown = rses.unknown
    near = any_place = Bounds(0, files.files)
    near_bytes = any_bytes = None
    if sums is not None:
        near, near_bytes = at_rses(files.files, sums, mounted), bytes_at(files.files, sums, mounted)
        any_place = at_rses(files.files, sums, mounted | remote, unknown)
        any_bytes = bytes_at(files.files, sums, mounted | remote | unknown)
    here = _part(any_place.most if allowed in LOCAL else near.least, files, near_bytes)
    gone = _part(files.files - any_place.most, files, _difference(files.size_bytes, any_bytes))
    count = files.files - here.files - gone.files
    # Unknown bytes of other parts count here.
    left = _difference(files.size_bytes, (here.size_bytes or 0) + (gone.size_bytes or 0))
    away = _part(count, files, left)
    by_access = {
        Access.MOUNT: here,
        Access.STREAM if allowed == "stream" else Access.DOWNLOAD: away,
        Access.MISSING: gone,
    }
    found = {access: amount for access, amount in by_access.items() if amount.files}
    return Split(found, any_place.most - any_place.least)


def fitted(one: Split, sizes: Sequence[int], free_bytes: int, *, streamable: bool) -> Split:
    """Return ``one`` of a requirement with access ``any``: what does not fit into ``free_bytes`` is streamed.

    Args:
        sizes: of the files in order; each that fits is downloaded, as far as sums say.
        streamable: whether an RSE is known from which files can be streamed.
    """
    away = one.amounts.get(Access.DOWNLOAD)
    if away is None or not streamable or (away.size_bytes or 0) <= free_bytes:
        return one
    files = size_bytes = 0
    for size in sizes:
        if size_bytes + size <= free_bytes and files < away.files:
            files, size_bytes = files + 1, size_bytes + size
    rest = Amount(away.files - files, _difference(away.size_bytes, size_bytes))
    parts = {**one.amounts, Access.DOWNLOAD: Amount(files, size_bytes), Access.STREAM: rest}
    return Split({access: amount for access, amount in parts.items() if amount.files}, one.unsure_files)


def _difference(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else max(0, whole - part)


def _part(count: int, files: Amount, size_bytes: int | None) -> Amount:
    """Return the amount of ``count`` of ``files``."""
    if count == files.files:
        return files
    return Amount(count, size_bytes if count else 0)
