"""Find where files are, with no more requests than a plan needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cache

from nbrucio.core.did import Did
from nbrucio.core.events import Noticed
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.lock_errors import other_bytes
from nbrucio.core.plan import FileKey, ResolvedRequirement
from nbrucio.core.planner import Availability, wanted
from nbrucio.errors import NbrucioError, Offline
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.download import Downloads
from nbrucio.pipeline.known_replicas import asking
from nbrucio.pipeline.mounted import MountedFiles
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.replica_spool import ReplicaSpool
from nbrucio.pipeline.unavailable import why_unavailable
from nbrucio.store import Stored

#: Files in one request for replicas by the names of datasets: Rucio takes about a millisecond for each.
_AT_ONCE = 1_000


def locate(
    run: RunContext,
    requirements: Sequence[ResolvedRequirement],
    options: Options,
    on_stored: Callable[[Stored], None] | None = None,
    downloads: Downloads | None = None,
    read_again: Callable[[Availability], None] | None = None,
    before_downloads: Callable[[Availability], None] | None = None,
) -> Availability:
    """Find the files in the store, then on mounts where earlier runs found them; ask Rucio for the others.

    Args:
        on_stored: receives each object that was found.
        downloads: receives each file to download as soon as its replicas are known.
        read_again: reads stored files without a valid record, given the findings so far; None does not read them.
        before_downloads: called with the findings so far if downloads begin before all replicas are known.
    """
    local = LocalFiles(run, on_stored)
    local.find_all(requirements)
    if local.doubtful and read_again is not None:
        read_again(local.availability())
        local.find_reread(requirements)
    stored = local.stored
    mounted: dict[FileKey, tuple[str, Replica]] = {}
    mounts = cache(lambda identity: MountedFiles(run.config.instance(identity), run.reporter))
    replicas = ReplicaSpool()
    errors: dict[str | FileKey, NbrucioError] = {}
    unavailable: Mapping[FileKey, NbrucioError] = {}
    for resolved in requirements:
        for entry, places in _remembered(run, resolved, stored):
            key = (resolved.instance, entry.did)
            where = mounts(resolved.instance).find(entry, places)
            if where is not None:
                mounted[key] = where
            # Ask for streamed files each time unless offline: replicas move.
            elif options.offline and resolved.access == "stream":
                replicas.add(key, places)
    if not options.offline:
        lacking = wanted(requirements, stored, mounted, local.doubtful)
        is_early = downloads is not None and downloads.start_early(requirements, lacking)
        if is_early and before_downloads is not None:
            before_downloads(local.availability()._replace(mounted=mounted))
        for identity, files in lacking.items():
            try:
                # A plan records nothing.
                shares = nullcontext() if downloads is None else asking(run, requirements, identity, files, replicas)
                with shares as recorded:
                    known = recorded or {}
                    whole = {} if known else _whole(requirements, identity, files)
                    _ask(run, identity, files, known, whole, replicas, mounts(identity), mounted, errors, downloads)
            except NbrucioError as error:
                errors[identity] = error
        without = (key for key in replicas.without() if key not in errors and key[0] not in errors)
        unavailable = why_unavailable(run, lacking, without)
    return local.availability()._replace(
        mounted=mounted, replicas=replicas, replica_errors=errors, unavailable=unavailable, local=options.local
    )


class LocalFiles:
    """The state of files in the store: verified, without a valid record, or with other bytes than a lock names."""

    def __init__(self, run: RunContext, on_stored: Callable[[Stored], None] | None) -> None:
        self._store = run.store
        self._on_stored = on_stored
        self.stored: dict[FileKey, str] = {}
        self.doubtful: dict[FileKey, FileEntry] = {}
        self._stats: dict[FileKey, tuple[int, int, int]] = {}
        self._refused: dict[FileKey, NbrucioError] = {}

    def find_all(self, requirements: Sequence[ResolvedRequirement]) -> None:
        """Find the files of ``requirements``."""
        for resolved in requirements:
            for entry in resolved.files:
                if not self._find(resolved, entry) and self._store.is_candidate(resolved.instance, entry):
                    self.doubtful[resolved.instance, entry.did] = entry

    def find_reread(self, requirements: Sequence[ResolvedRequirement]) -> None:
        """Find the files that were read again; the others are missing."""
        doubtful, self.doubtful = self.doubtful, {}
        for resolved in requirements:
            for entry in resolved.files:
                if (resolved.instance, entry.did) in doubtful:
                    self._find(resolved, entry)

    def availability(self) -> Availability:
        """Return what was found."""
        return Availability(self.stored, {}, {}, {}, self._refused, self._stats, self.doubtful)

    def _find(self, resolved: ResolvedRequirement, entry: FileEntry) -> bool:
        found = self._store.find(resolved.instance, entry)
        if found is None:
            return False
        key = (resolved.instance, entry.did)
        self.stored[key] = found.where
        self._stats[key] = found.stat
        if self._on_stored is not None:
            self._on_stored(found)
        fault = other_bytes(resolved, entry, found.sha256) if resolved.sha256 else None
        if fault is not None:
            self._refused[key] = fault
        return True


def _remembered(
    run: RunContext, resolved: ResolvedRequirement, stored: Mapping[FileKey, str]
) -> Iterator[tuple[FileEntry, tuple[Replica, ...]]]:
    """Return the replicas of ``resolved`` files that an earlier run knew, unless all are in the store."""
    if resolved.lock is None or all((resolved.instance, entry.did) in stored for entry in resolved.files):
        return
    places = run.replica_places.read(resolved.instance, resolved.lock.digest)
    for entry in resolved.files if places else ():
        if entry.did in places:
            yield entry, places[entry.did]


def _whole(
    requirements: Sequence[ResolvedRequirement], identity: str, files: Mapping[Did, FileEntry]
) -> dict[Did, tuple[Did, ...]]:
    """Return the closed datasets and containers of which all files are missing, with these files, for at most one
    request. An open one may have grown, so its files are requested by name.
    """
    whole: dict[Did, tuple[Did, ...]] = {}
    covered: set[Did] = set()
    for resolved in requirements:
        lock, names = resolved.lock, tuple(entry.did for entry in resolved.files)
        if resolved.instance != identity or lock is None or lock.open or lock.select is not None or len(names) < 2:
            continue
        if len(names) != lock.files:  # a part of it
            continue
        if len(covered) + len(names) <= _AT_ONCE and all(name in files and name not in covered for name in names):
            whole[lock.did] = names
            covered.update(names)
    return whole


class _MalformedRows:
    """Records the error of each file with a malformed row of replicas. Reports rows of unknown files once."""

    def __init__(
        self, run: RunContext, identity: str, files: Mapping[Did, FileEntry], errors: dict[str | FileKey, NbrucioError]
    ) -> None:
        self._run = run
        self._identity = identity
        self._files = files
        self._errors = errors
        self._by_name: dict[str, Did] = {}
        self._reported = False

    def __call__(self, error: NbrucioError) -> None:
        self._by_name = self._by_name or {str(did): did for did in self._files}
        did = self._by_name.get(error.subject or "")
        if did is not None:
            self._errors[self._identity, did] = error
        elif not self._reported:
            self._reported = True
            self._run.reporter.report(Noticed(f"{self._identity}: {error.message}"))


def _ask(
    run: RunContext,
    identity: str,
    files: Mapping[Did, FileEntry],
    known: Mapping[Did, tuple[Replica, ...]],
    whole: Mapping[Did, Sequence[Did]],
    replicas: ReplicaSpool,
    mounts: MountedFiles,
    mounted: dict[FileKey, tuple[str, Replica]],
    errors: dict[str | FileKey, NbrucioError],
    downloads: Downloads | None,
) -> None:
    """Ask for the replicas of ``files`` except the ``known`` ones, by the dataset's name if all of its files are
    missing. Check immediately which of them are mounted.
    """
    replicas.expect((identity, did) for did in files)

    def take(entry: FileEntry, places: tuple[Replica, ...]) -> None:
        replicas.add((identity, entry.did), places)
        where = mounts.find(entry, places)
        if where is not None:
            mounted[identity, entry.did] = where
        elif downloads is not None:
            downloads.submit(identity, entry, places)

    for did, places in known.items():
        take(files[did], places)
    unanswered = {did for names in whole.values() for did in names}
    covered = frozenset(unanswered)
    requested = [*whole, *(did for did in files if did not in covered and did not in known)]
    malformed = _MalformedRows(run, identity, files, errors)
    try:
        # A file that was removed from its dataset since the lock may still exist.
        for dids in filter(None, (requested, unanswered)):
            for did, places in run.catalogue(identity).replicas(list(dids), malformed):
                entry = files.get(did)
                if entry is None or (did in covered and did not in unanswered):
                    continue  # not requested, or in two datasets
                unanswered.discard(did)
                take(entry, places)
    except Offline as error:
        missing = f"{len(files):,} files are" if len(files) > 1 else f"{next(iter(files))} is"
        raise Offline(
            f"{missing} not in the store, and {identity} cannot be reached: {error.message}",
            subject=identity,
            hint=error.hint,
            next_command=error.next_command,
        ) from error
