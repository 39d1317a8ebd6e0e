"""The operations add, remove and lock, the only ones that write a notebook.

Each reads the notebook, makes the new declaration, and writes only our key. A notebook that changed on disk meanwhile
is rejected, not overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.declaration import Declaration
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.lockentry import LockEntry, same_content
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, check_declared, not_declared
from nbrucio.errors import NbrucioError, exit_code_for
from nbrucio.notebook import lock_file
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.notebook.ipynb import save
from nbrucio.notebook.lock_file import LockFile
from nbrucio.operations.locking import make_locks
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.outdate import outdate
from nbrucio.pipeline.resolve import ResolveOptions
from nbrucio.pipeline.status import status


@dataclass(frozen=True)
class Edit:
    """Result of an edit.

    Attributes:
        path: the notebook.
        requirements: the affected requirements; resolved where the operation resolves.
        changed: whether the file was written.
        acts: by handle, what happened to its lock: ``locked``, ``upgraded``, ``checksums added``, ``unchanged`` or
            ``failed``.
        warnings: the notebook's unknown keys, which were kept.
    """

    path: Path
    requirements: tuple[ResolvedRequirement, ...]
    changed: bool
    acts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[NbrucioError, ...] = ()

    def errors(self) -> tuple[NbrucioError, ...]:
        """The errors of requirements that could not be resolved."""
        return tuple(resolved.error for resolved in self.requirements if resolved.error is not None)

    def as_json(self) -> dict[str, object]:
        """Return this edit as a JSON-ready mapping."""
        return {
            "version": 1,
            "exit_code": exit_code_for(self.errors()),
            "notebook": str(self.path),
            "changed": self.changed,
            "requirements": [_as_json(resolved) for resolved in self.requirements],
            "warnings": [warning.as_json() for warning in self.warnings],
        }


def _as_json(resolved: ResolvedRequirement) -> dict[str, object]:
    return {
        **resolved.requirement.as_json(),
        "lock": resolved.lock.as_json() if resolved.lock else None,
        "drift": resolved.drift,
        "error": resolved.error.as_json() if resolved.error else None,
    }


def remove(path: Path, names: Sequence[str]) -> Edit:
    """Remove the requirements with these handles or DIDs, and their locks, from the notebook at ``path``.

    Raises:
        BadDeclaration: one of them is not declared; nothing is removed.
        BadNotebook: the notebook cannot be edited.
    """
    declared = read_declared(path)
    declaration, gone = declared.declaration, []
    for name in names:
        requirement = declaration.get(name)
        if requirement is None:
            raise not_declared(name, path, declared.declaration.requirements)
        declaration = declaration.without(requirement.handle)
        gone.append(ResolvedRequirement(requirement, ""))
    return Edit(declared.path, tuple(gone), write(declared, declaration), warnings=declared.unknown_keys())


def lock(
    path: Path,
    config: Config,
    *,
    upgrade: Collection[str] | None = None,
    variant: str | None = None,
    reporter: Reporter | None = None,
) -> Edit:
    """Freeze the file list of each requirement in the notebook at ``path``.

    Locked data stays locked as it is, unless it is in ``upgrade``. The lock includes the SHA-256 of files in the store,
    because their bytes were verified. A requirement that cannot be resolved has an error in the result; the others are
    locked.

    Args:
        upgrade: handles to resolve again; an empty collection means all, None means none.
        variant: lock the selections of this variant, beside the lock of the whole.

    Raises:
        NbrucioError: the notebook cannot be edited; nothing is written.
    """
    declared = read_declared(path)
    chosen = declared.declaration.in_variant(variant)
    check_declared(upgrade or (), path, declared.declaration.requirements)
    anew = [r for r in chosen.requirements if upgrade is None or not upgrade or r.handle in upgrade]
    return lock_and_write(
        declared, declared.declaration, config, anew, ResolveOptions(refresh=upgrade is not None), reporter
    )


def lock_elsewhere(
    path: Path, config: Config, *, upgrade: Collection[str]
) -> tuple[Declaration, tuple[ResolvedRequirement, ...]]:
    """Return what `lock` would write into the notebook at ``path``, for an editor that writes it itself.

    Lists that are too long for a notebook are written to the lock file.

    Args:
        upgrade: handles to resolve again; an empty collection means all.

    Returns:
        The declaration with its locks, and the requirements that could be resolved.

    Raises:
        NbrucioError: the notebook cannot be read, or no requirement can be resolved.
    """
    declared = read_declared(path)
    check_declared(upgrade, path, declared.declaration.requirements)
    anew = [r for r in declared.declaration.requirements if not upgrade or r.handle in upgrade]
    with RunContext(config) as run:
        declaration, beside, requirements = make_locks(
            run, declared, declared.declaration, ResolveOptions(refresh=True), anew
        )
        if all(resolved.error is not None for resolved in requirements):
            _raise_first(requirements)
        lock_file.add(declared.path, beside)
        for resolved in requirements:
            _keep(run, resolved)
    return declaration, tuple(resolved for resolved in requirements if resolved.error is None)


def _raise_first(requirements: Sequence[ResolvedRequirement]) -> None:
    for resolved in requirements:
        if resolved.error is not None:
            raise resolved.error


def lock_and_write(
    declared: Declared,
    declaration: Declaration,
    config: Config,
    chosen: Sequence[Requirement],
    options: ResolveOptions,
    reporter: Reporter | None,
    *,
    whole: bool = False,
) -> Edit:
    """Write the locks; with ``whole`` only if every requirement can be resolved."""
    with RunContext(config, reporter) as run:
        declaration, beside, requirements = make_locks(run, declared, declaration, options, chosen)
        if whole:
            _raise_first(requirements)
        changed = write(declared, declaration, beside)
        for resolved in requirements:
            _keep(run, resolved)
    status([declared.path], config)  # saves the cached status, so that the next status need not check a fresh lock
    acts = {
        resolved.requirement.handle: "failed"
        if resolved.error is not None
        else _act(
            declared.declaration.lock.get(resolved.requirement.lock_key),
            declaration.lock.get(resolved.requirement.lock_key),
        )
        for resolved in requirements
    }
    return Edit(declared.path, requirements, changed, acts, declared.unknown_keys())


def _act(old: LockEntry | None, new: LockEntry | None) -> str:
    if old is None or new is None:
        return "locked"
    if not same_content(old, new):
        return "upgraded"
    return "unchanged" if old.sha256 == new.sha256 else "checksums added"


def _keep(run: RunContext, resolved: ResolvedRequirement) -> None:
    """Save the file list in the store, where the next sync finds it; without it, that sync asks Rucio."""
    try:
        run.resolutions.save_files(resolved.files)
    except OSError as error:
        where, why = run.store.root, error.strerror
        run.reporter.report(Noticed(f"The file list of {resolved.requirement.did} is not cached in {where}: {why}."))


def write(declared: Declared, declaration: Declaration, beside: LockFile | None = None) -> bool:
    """Write the notebook. New long lists are written before it, and unused ones removed after it."""
    before = lock_file.read(declared.path)
    if beside is not None:
        lock_file.add(declared.path, beside)
    written = save(declared.notebook, declaration.as_json())
    if not declaration.bad_lock:  # the lists of an invalid lock are unknown
        lock_file.prune(declared.path, frozenset(entry.digest for entry in declaration.lock.values()))
    outdate(declared.path, written.metadata)
    return written.raw != declared.notebook.raw or before != lock_file.read(declared.path)
