"""From a declaration to the files it stands for: by the lock where there is one, else by asking the catalogue.

Nobody is asked twice. A lock whose file list is at hand (pinned in it, or kept from an earlier sync) answers without a
network; a DID that two requirements name is asked for once in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from nbrucio.catalogue.base import Catalogue
from nbrucio.config import Config, Instance
from nbrucio.core import lock_errors
from nbrucio.core.did import Did
from nbrucio.core.events import Noticed, Reporter, Resolved, ResolveStarted
from nbrucio.core.filelist import digest_of
from nbrucio.core.files import DidFacts, FileEntry, total_bytes, unique_files
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, LockEntry, count_words, drift_words, lock_entry, now
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, lock_for
from nbrucio.core.text import printable
from nbrucio.errors import NbrucioError
from nbrucio.notebook import lock_file
from nbrucio.notebook.declared import Declared
from nbrucio.notebook.lock_file import LockFile
from nbrucio.state.resolutions import Resolutions, SavedLock


def remembered_lock(path: Path, config: Config) -> Mapping[str, LockEntry]:
    """By handle, what the notebook at ``path``, which has no lock of its own, resolved to on this machine.

    Raises:
        UnreadableFile: the file that remembers it is there, but cannot be read.
    """
    return {key: kept.entry for key, kept in Resolutions(config.store_path).lock(path).items()}


class ResolveOptions(NamedTuple):
    """How to resolve.

    Attributes:
        refresh: ask the catalogue even where a lock could answer.
        offline: never ask the catalogue.
        locked: ask the catalogue, and refuse what is not locked in the notebook or differs from its lock.
        frozen: never ask the catalogue for contents, and refuse what is not locked in the notebook.
    """

    refresh: bool = False
    offline: bool = False
    locked: bool = False
    frozen: bool = False


class _Known(NamedTuple):
    """A lock entry, its files where their list is at hand, and the SHA-256 of those that were verified."""

    entry: LockEntry
    files: tuple[FileEntry, ...] | None
    sha256: Mapping[str, str]


def _sums(locked: LockEntry, beside: LockFile) -> Mapping[str, str]:
    if locked.files <= INLINE_LIST_MAX_FILES:  # they stand in the lock itself, whatever became of the lock file
        return locked.sha256
    return {**beside.sums(locked.digest), **locked.sha256}


class Resolver:
    """Resolves the requirements of one run."""

    def __init__(
        self,
        config: Config,
        catalogue: Callable[[str], Catalogue],
        resolutions: Resolutions,
        reporter: Reporter,
        prefer: Callable[[Instance], None] | None = None,
    ) -> None:
        self._config = config
        self._catalogue = catalogue
        self._resolutions = resolutions
        self._reporter = reporter
        self._prefer = prefer
        self._matched: set[str] = set()
        self._answers: dict[tuple[str, Did], tuple[DidFacts, tuple[FileEntry, ...]] | NbrucioError] = {}

    def resolve(self, declared: Declared, options: ResolveOptions) -> tuple[ResolvedRequirement, ...]:
        """Each requirement resolved, in order. One that fails carries its error; the others go on."""
        beside = lock_file.read_or_error(declared.path)
        kept = cache(partial(self._resolutions.lock, declared.path))  # asked for only by what has no lock of its own
        return tuple(
            self._target(requirement, declared.declaration.lock, kept, beside, options)
            for requirement in declared.declaration.requirements
        )

    def _target(
        self,
        requirement: Requirement,
        lock: Mapping[str, LockEntry],
        kept: Callable[[], Mapping[str, SavedLock]],
        beside: LockFile,
        options: ResolveOptions,
    ) -> ResolvedRequirement:
        identity = ""
        try:
            identity = self._identity(requirement)
            locked = known = self._known(requirement, lock, beside)
            if locked is None and (options.locked or options.frozen):
                raise lock_errors.absent(requirement)
            if known is None and not (options.refresh or options.locked):
                known = self._known(requirement, self._of_instance(kept(), identity), beside)
            if known and known.files is not None and not (options.refresh or options.locked):
                sums = locked.sha256 if locked else {}
                return ResolvedRequirement(requirement, identity, known.files, known.entry, sha256=sums)
            if options.frozen:
                raise lock_errors.list_not_here(requirement)
            return self._asked(requirement, identity, locked, options)
        except NbrucioError as error:
            return ResolvedRequirement(requirement, identity, error=error)

    def _identity(self, requirement: Requirement) -> str:
        """The identity of the instance that ``requirement`` means. A match by a part of its name is reported."""
        instance, name = self._config.instance(requirement.instance), requirement.instance
        if name is not None and name not in self._matched and not instance.is_called(name):
            self._matched.add(name)
            words = f"{printable(name)} means {instance.name} ({instance.identity}) here: no other instance fits."
            self._reporter.report(Noticed(words))
        if self._prefer is not None and self._config.instance(instance.identity) != instance:
            self._prefer(instance)  # its short name chooses one of several logins to that server
        return instance.identity

    def _of_instance(self, kept: Mapping[str, SavedLock], identity: str) -> dict[str, LockEntry]:
        """Those of the kept lock entries that this instance resolved. Older ones do not say which did."""
        alone = len(self._config.instances) == 1
        return {key: one.entry for key, one in kept.items() if one.instance == identity or (alone and not one.instance)}

    def _known(self, requirement: Requirement, lock: Mapping[str, LockEntry], beside: LockFile) -> _Known | None:
        """What a lock says of ``requirement``; for a variant without an entry of its own, by the whole's entry."""
        entry = lock_for(requirement, lock)
        if entry is not None:
            return _Known(entry, self._listed(entry, beside), _sums(entry, beside))
        whole = lock.get(requirement.handle) if requirement.variant and requirement.select else None
        if whole is None or whole.did != requirement.did or whole.select is not None:
            return None
        everything = self._listed(whole, beside)
        if everything is None or requirement.select is None:
            return None
        files = requirement.select.apply(everything)
        facts = DidFacts(whole.did, whole.type, whole.open)
        part = lock_entry(facts, requirement.select, files, whole.locked)
        return _Known(part, files, _sums(whole, beside))

    def _listed(self, locked: LockEntry, beside: LockFile) -> tuple[FileEntry, ...] | None:
        """The files that a lock entry names, if their list is at hand and is the one that was locked."""
        if locked.pinned is not None and digest_of(locked.pinned) == locked.digest:
            return locked.pinned
        listed = beside.files(locked.digest) if locked.files > INLINE_LIST_MAX_FILES else None
        return listed or self._resolutions.files(locked.digest)

    def _asked(
        self, requirement: Requirement, identity: str, locked: _Known | None, options: ResolveOptions
    ) -> ResolvedRequirement:
        if options.offline:
            raise lock_errors.not_asked(requirement, locked=locked is not None)
        facts, everything = self._ask(requirement.did, identity)
        files = requirement.select.apply(everything) if requirement.select else everything
        entry = lock_entry(facts, requirement.select, files, now())
        if locked is None:
            return ResolvedRequirement(requirement, identity, files, entry)
        lists = None if locked.files is None else (locked.files, files)
        drift = drift_words(locked.entry, entry, lists)
        if drift is None:
            return ResolvedRequirement(requirement, identity, files, locked.entry, sha256=locked.sha256)
        if options.locked:
            error = lock_errors.stale(requirement, drift)
            return ResolvedRequirement(
                requirement, identity, error=error, drift=count_words(locked.entry, entry) or drift
            )
        if not options.refresh:
            raise lock_errors.lost(requirement, locked.entry, drift)
        return ResolvedRequirement(requirement, identity, files, entry, drift)

    def _ask(self, did: Did, identity: str) -> tuple[DidFacts, tuple[FileEntry, ...]]:
        key = (identity, did)
        if key not in self._answers:
            self._reporter.report(ResolveStarted(did, identity))
            try:
                self._answers[key] = self._ask_catalogue(did, identity)
            except NbrucioError as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, NbrucioError):
            raise answer
        return answer

    def _ask_catalogue(self, did: Did, identity: str) -> tuple[DidFacts, tuple[FileEntry, ...]]:
        catalogue = self._catalogue(identity)
        facts = catalogue.describe(did)
        files = unique_files(catalogue.files(did))
        self._reporter.report(Resolved(did, len(files), total_bytes(entry.size_bytes for entry in files)))
        return facts, files
