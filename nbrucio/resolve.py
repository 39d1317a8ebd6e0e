"""From a declaration to the files it stands for: by the lock where there is one, else by asking the catalogue.

Nobody is asked twice. A lock whose file list is at hand (pinned in it, or kept from an earlier sync) answers without a
network; a DID that two requirements name is asked for once in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbrucio.catalogue.base import Catalogue, DidFacts, FileEntry, unique_files
from nbrucio.config import Config
from nbrucio.declaration import NO_PARAMETERS, Declaration, Requirement, from_attachments, lock_for
from nbrucio.did import Did
from nbrucio.errors import NbrucioError, Offline
from nbrucio.events import Reporter, Resolved, ResolveStarted
from nbrucio.lock import LockEntry, digest_of, drift_words, lock_entry, now
from nbrucio.notebook import Notebook, load
from nbrucio.plan import Target
from nbrucio.store.resolved import Resolutions

#: The metadata key of rucio-jupyterlab, read as a declaration where ours is absent.
ATTACHMENTS_KEY = "rucio_attachments"


@dataclass(frozen=True)
class Declared:
    """A notebook and what it declares."""

    notebook: Notebook
    declaration: Declaration

    @property
    def path(self) -> Path:
        """Where the notebook is."""
        return self.notebook.path


def read_declared(path: Path, parameters: Mapping[str, object] = NO_PARAMETERS) -> Declared:
    """The declaration of the notebook at ``path``; rucio-jupyterlab's attachments where it has none of ours.

    Args:
        parameters: the values that the notebook runs with.

    Raises:
        BadNotebook: it cannot be read.
        BadDeclaration: its declaration as a whole cannot be read.
    """
    notebook = load(path)
    value = notebook.value()
    if value is None:
        return Declared(notebook, from_attachments(notebook.metadata.get(ATTACHMENTS_KEY)))
    try:
        return Declared(notebook, Declaration.parse(value, parameters))
    except NbrucioError as error:
        error.subject = error.subject or str(path)
        raise


@dataclass(frozen=True)
class Question:
    """How to resolve.

    Attributes:
        refresh: ask the catalogue even where a lock could answer.
        offline: never ask the catalogue.
    """

    refresh: bool = False
    offline: bool = False


class Resolver:
    """Resolves the requirements of one run."""

    def __init__(
        self, config: Config, catalogue: Callable[[str], Catalogue], resolutions: Resolutions, reporter: Reporter
    ) -> None:
        self._config = config
        self._catalogue = catalogue
        self._resolutions = resolutions
        self._reporter = reporter
        self._answers: dict[tuple[str, Did], tuple[DidFacts, tuple[FileEntry, ...]] | NbrucioError] = {}

    def resolve(self, declared: Declared, question: Question) -> tuple[Target, ...]:
        """A target for each requirement, in order. A requirement that fails carries its error; the others go on."""
        kept = self._resolutions.lock(declared.path)
        return tuple(
            self._target(requirement, declared.declaration, kept, question)
            for requirement in declared.declaration.requirements
        )

    def _target(
        self, requirement: Requirement, declaration: Declaration, kept: dict[str, LockEntry], question: Question
    ) -> Target:
        identity = ""
        try:
            identity = self._config.instance(requirement.instance).identity
            locked = lock_for(requirement, declaration.lock)
            known = locked or lock_for(requirement, kept)
            files = self._listed(known) if known and not question.refresh else None
            if known and files is not None:
                return Target(requirement, identity, files, known)
            return self._asked(requirement, identity, locked, question)
        except NbrucioError as error:
            return Target(requirement, identity, error=error)

    def _listed(self, locked: LockEntry) -> tuple[FileEntry, ...] | None:
        """The files that a lock entry names, if their list is at hand and is the one that was locked."""
        if locked.pinned is not None and digest_of(locked.pinned) == locked.digest:
            return locked.pinned
        return self._resolutions.files(locked.digest)

    def _asked(self, requirement: Requirement, identity: str, locked: LockEntry | None, question: Question) -> Target:
        if question.offline:
            raise Offline(
                f"{requirement.did} was never resolved on this machine, and nbrucio works offline.",
                subject=str(requirement.did),
                hint="Run `nbrucio sync` once with a network.",
            )
        facts, everything = self._ask(requirement.did, identity)
        files = requirement.select.apply(everything) if requirement.select else everything
        entry = lock_entry(facts, requirement.select, files, now())
        drift = drift_words(locked, entry) if locked else None
        if locked and drift is None:
            entry = locked
        return Target(requirement, identity, files, entry, drift)

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
        self._reporter.report(Resolved(did, len(files), sum(entry.size_bytes or 0 for entry in files)))
        return facts, files
