"""Turn requirements into files: from the lock if there is one, else by asking the catalogue.

A lock whose file list is available (in the lock, or remembered from an earlier sync) needs no network. A DID of two
requirements is requested once in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from nbrucio.catalogue.base import Catalogue
from nbrucio.config import Config, Instance
from nbrucio.core import lock_errors
from nbrucio.core.did import Did, DidType
from nbrucio.core.events import Noticed, Reporter, Resolved, ResolveStarted
from nbrucio.core.filelist import digest_of
from nbrucio.core.files import DidFacts, FileEntry, unique_files
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, LockEntry, count_words, drift_words, lock_entry, now
from nbrucio.core.packed_files import bytes_of, digest_of_files, packed
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, lock_for
from nbrucio.core.text import plural, printable
from nbrucio.errors import DidNotFound, NbrucioError, RucioRefused, UnknownInstance
from nbrucio.notebook import lock_file
from nbrucio.notebook.declared import Declared
from nbrucio.notebook.lock_file import LockFile
from nbrucio.state.resolutions import Resolutions

_T = TypeVar("_T")


def remembered_lock(path: Path, config: Config) -> Mapping[str, LockEntry]:
    """Return by handle the content of the notebook at ``path`` when it was last resolved on this machine.

    Raises:
        UnreadableFile: the file with it exists, but cannot be read.
    """
    return {key: kept.entry for key, kept in Resolutions(config.store_path).lock(path).items()}


class ResolveOptions(NamedTuple):
    """The options of resolving.

    Attributes:
        refresh: ask the catalogue even if there is a lock.
        offline: never ask the catalogue.
        local: with ``offline``, whether that is the verb's way, and nbrucio is not offline.
        locked: ask the catalogue, and reject requirements without a lock or with another content.
        frozen: never ask the catalogue for contents, and reject requirements without a lock.
    """

    refresh: bool = False
    offline: bool = False
    locked: bool = False
    frozen: bool = False
    local: bool = False


class _Known(NamedTuple):
    """A lock entry, its files if their list is available, and the SHA-256 of those that were verified."""

    entry: LockEntry
    files: Sequence[FileEntry] | None
    sha256: Mapping[str, str]


def _sums(locked: LockEntry, beside: LockFile) -> Mapping[str, str]:
    if locked.files <= INLINE_LIST_MAX_FILES:  # they are in the lock itself, even if the lock file is missing
        return locked.sha256
    return {**beside.sums(locked.digest), **locked.sha256}


class Resolver:
    """Resolves the requirements of one run.

    Args:
        config: the instances.
        catalogue: opens the catalogue of an instance.
        resolutions: what earlier runs resolved.
        reporter: is told what is asked, and the answer.
        prefer: is told the instance that a requirement chooses among several of one server.
        compact: whether long lists are packed: they take a fifth of the memory, and each reading costs time.
    """

    def __init__(
        self,
        config: Config,
        catalogue: Callable[[str], Catalogue],
        resolutions: Resolutions,
        reporter: Reporter,
        prefer: Callable[[Instance], None] | None = None,
        *,
        compact: bool = False,
    ) -> None:
        self._compact = compact
        self._config = config
        self._catalogue = catalogue
        self._resolutions = resolutions
        self._reporter = reporter
        self._prefer = prefer
        self._matched: set[str] = set()
        self._unknown: dict[str | None, UnknownInstance] = {}
        self._facts: dict[tuple[str, Did], DidFacts | NbrucioError] = {}
        self._lists: dict[tuple[str, Did], Sequence[FileEntry] | NbrucioError] = {}

    def resolve(self, declared: Declared, options: ResolveOptions) -> tuple[ResolvedRequirement, ...]:
        """Return each requirement resolved, in order. The error of a failed one is in its result."""
        beside = lock_file.read_or_error(declared.path)
        # Needed only by requirements without a lock, and the same for all of an instance.
        kept = cache(partial(self._remembered, declared.path))
        return tuple(
            self._target(requirement, declared.declaration.lock, kept, beside, options)
            for requirement in declared.declaration.requirements
        )

    def _target(
        self,
        requirement: Requirement,
        lock: Mapping[str, LockEntry],
        kept: Callable[[str], Mapping[str, LockEntry]],
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
                known = self._known(requirement, kept(identity), beside)
            if known and known.files is not None and not (options.refresh or options.locked):
                sums = locked.sha256 if locked else {}
                return ResolvedRequirement(requirement, identity, known.files, known.entry, sha256=sums)
            if options.frozen:
                raise lock_errors.list_not_here(requirement)
            if known is None or options != ResolveOptions():
                return self._asked(requirement, identity, locked, options)
            return self._shared(requirement, identity, locked, known)
        except NbrucioError as error:
            return ResolvedRequirement(requirement, identity, error=error)

    def _identity(self, requirement: Requirement) -> str:
        """Return the identity of the instance of ``requirement``. A match by a part of the name is reported."""
        name = requirement.instance
        if name in self._unknown:  # its hint takes 10 ms, and a notebook may have 10,000 requirements of one name
            raise self._unknown[name]
        try:
            instance = self._config.instance(name)
        except UnknownInstance as error:
            self._unknown[name] = error
            raise
        if name is not None and name not in self._matched and not instance.is_called(name):
            self._matched.add(name)
            words = f"{printable(name)} means {instance.name} ({instance.identity}) here: no other instance fits."
            self._reporter.report(Noticed(words))
        if self._prefer is not None and self._config.instance(instance.identity) != instance:
            self._prefer(instance)  # its short name chooses one of several logins to that server
        return instance.identity

    def _remembered(self, notebook: Path, identity: str) -> dict[str, LockEntry]:
        """Return the lock entries of this instance that are remembered for the notebook at this path. Old entries have
        no instance and count, too.
        """
        names = (identity, "") if len(self._config.instances) == 1 else (identity,)
        return {key: one.entry for key, one in self._resolutions.lock(notebook).items() if one.instance in names}

    def _known(self, requirement: Requirement, lock: Mapping[str, LockEntry], beside: LockFile) -> _Known | None:
        """Return the lock entry of ``requirement``; for a variant without one, that of the whole DID."""
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

    def _listed(self, locked: LockEntry, beside: LockFile) -> Sequence[FileEntry] | None:
        """Return the files of a lock entry, if their list is available and has the locked digest."""
        if locked.pinned is not None and digest_of(locked.pinned) == locked.digest:
            return locked.pinned
        listed = beside.files(locked.digest) if locked.files > INLINE_LIST_MAX_FILES else None
        return listed or self._saved(locked.digest)

    def _saved(self, digest: str) -> Sequence[FileEntry] | None:
        return self._resolutions.packed(digest) if self._compact else self._resolutions.files(digest)

    def _shared(
        self, requirement: Requirement, identity: str, locked: _Known | None, known: _Known
    ) -> ResolvedRequirement:
        """Ask for the list of a lock. Processes of this machine that start at once ask one after another: the first one
        saves its answer for the others. A list with the digest of the lock needs no other request.
        """
        with self._resolutions.alone(known.entry.digest):
            files = self._saved(known.entry.digest)
            if files is None:
                files = self._ask_list(requirement.did, identity)
                files = requirement.select.apply(files) if requirement.select else files
                if digest_of_files(files) != known.entry.digest:
                    return self._asked(requirement, identity, locked, ResolveOptions())
                with suppress(OSError):
                    self._resolutions.save_files(files)
            sums = locked.sha256 if locked else {}
            return ResolvedRequirement(requirement, identity, files, known.entry, sha256=sums)

    def _asked(
        self, requirement: Requirement, identity: str, locked: _Known | None, options: ResolveOptions
    ) -> ResolvedRequirement:
        if options.offline:
            raise lock_errors.not_asked(requirement, locked=locked is not None, local=options.local)
        try:
            facts, everything = self._ask(requirement.did, identity)
        except DidNotFound as missing:
            if locked is None or not options.locked:
                raise
            raise lock_errors.gone(requirement, locked.entry) from missing
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

    def _ask(self, did: Did, identity: str) -> tuple[DidFacts, Sequence[FileEntry]]:
        facts = self._once(self._facts, did, identity, self._describe)
        files = self._ask_list(did, identity)
        stored = None if facts.type is DidType.CONTAINER else facts.files  # two datasets of one may have the same file
        if len(files) < (stored or 1):
            self._check_whole(did, identity, len(files))
        return facts, files

    def _check_whole(self, did: Did, identity: str, listed: int) -> None:
        """Compare a list that is shorter than Rucio's stored total, or empty, with what Rucio counts now.

        A stored total may be older than the loss of a file. An answer that a proxy or a server ended early looks whole.

        Raises:
            RucioRefused: the list lacks files.
        """
        counted = self._catalogue(identity).size(did).files
        if counted is not None and listed < counted:
            raise RucioRefused(
                f"{self._config.instance(identity).name} sent {listed:,} of {plural(counted, 'file')} of {did}.",
                subject=str(did),
                hint="Try again. If it happens again, report it to the operators of this Rucio server.",
            )

    def _ask_list(self, did: Did, identity: str) -> Sequence[FileEntry]:
        return self._once(self._lists, did, identity, self._list)

    def _once(
        self, answers: dict[tuple[str, Did], _T | NbrucioError], did: Did, identity: str, ask: Callable[[Did, str], _T]
    ) -> _T:
        """Return or raise the answer about ``did``, which is asked for at most once in a run."""
        key = (identity, did)
        if key not in answers:
            if key not in self._facts and key not in self._lists:
                self._reporter.report(ResolveStarted(did, identity))
            try:
                answers[key] = ask(did, identity)
            except NbrucioError as error:
                answers[key] = error
        answer = answers[key]
        if isinstance(answer, NbrucioError):
            raise answer
        return answer

    def _describe(self, did: Did, identity: str) -> DidFacts:
        return self._catalogue(identity).describe(did)

    def _list(self, did: Did, identity: str) -> Sequence[FileEntry]:
        files = (packed if self._compact else unique_files)(self._catalogue(identity).files(did))
        self._reporter.report(Resolved(did, len(files), bytes_of(files)))
        return files
