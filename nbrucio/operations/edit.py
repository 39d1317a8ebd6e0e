"""The operations add, remove and lock, the only ones that write a notebook.

Each reads the notebook, makes the new declaration, and writes only our key. A notebook that changed on disk meanwhile
is rejected, not overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.declaration import Declaration
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.lockentry import LockEntry, same_content
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, check_declared, not_declared
from nbrucio.errors import NbrucioError, UnreadableFile, envelope, exit_code_for
from nbrucio.notebook import lock_file
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.notebook.ipynb import save
from nbrucio.notebook.lock_file import LockFile
from nbrucio.notebook.schema_errors import declaration_warnings
from nbrucio.operations.locking import make_locks
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.outdate import outdate
from nbrucio.pipeline.resolve import ResolveOptions
from nbrucio.pipeline.status import status
from nbrucio.state.resolutions import SavedLock


@dataclass(frozen=True)
class Edit:
    """Result of an edit.

    Attributes:
        path: the notebook.
        requirements: the affected requirements; resolved where the operation resolves.
        changed: whether the file was written.
        acts: by handle, what happened to its lock: ``locked``, ``upgraded``, ``file list added``, ``checksums added``,
            ``unchanged`` or ``failed``.
        warnings: what is wrong with the notebook's declaration, and was kept.
    """

    path: Path
    requirements: tuple[ResolvedRequirement, ...]
    changed: bool
    acts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[NbrucioError, ...] = ()

    def errors(self) -> tuple[NbrucioError, ...]:
        """Return the errors of requirements that could not be resolved."""
        return tuple(resolved.error for resolved in self.requirements if resolved.error is not None)

    @property
    def exit_code(self) -> int:
        """0 without errors, else the code of the most serious one."""
        return exit_code_for(self.errors())

    def as_json(self) -> dict[str, object]:
        """Return this edit as a JSON-ready mapping."""
        return {
            **envelope(self.errors()),
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
    changed = write(declared, declaration)
    return Edit(declared.path, tuple(gone), changed, warnings=declaration_warnings(declaration.as_json()))


def lock(
    path: Path,
    config: Config,
    *,
    upgrade: Collection[str] | None = None,
    variant: str | None = None,
    pin: bool = False,
    reporter: Reporter | None = None,
) -> Edit:
    """Freeze the file list of each requirement in the notebook at ``path``.

    Locked data stays locked as it is, unless it is in ``upgrade``. The lock includes the SHA-256 of files in the store,
    because their bytes were verified. A requirement that cannot be resolved has an error in the result; the others are
    locked. A notebook without data is not written.

    Args:
        upgrade: handles to resolve again; an empty collection means all, None means none.
        variant: lock the selections of this variant, beside the lock of the whole.
        pin: save the file lists of closed datasets with the notebook, too: another machine then never asks for them.

    Raises:
        NbrucioError: the notebook cannot be edited; nothing is written.
    """
    declared = read_declared(path)
    if not declared.declaration.entries:
        return Edit(declared.path, (), changed=False, warnings=declaration_warnings(declared.declaration.as_json()))
    chosen = declared.declaration.in_variant(variant)
    check_declared(upgrade or (), path, declared.declaration.requirements)
    anew = [r for r in chosen.requirements if upgrade is None or not upgrade or r.handle in upgrade]
    options = ResolveOptions(refresh=upgrade is not None)
    return lock_and_write(declared, declared.declaration, config, anew, options, reporter, pin=pin)


def lock_elsewhere(
    path: Path, config: Config, *, upgrade: Collection[str]
) -> tuple[Declaration, tuple[ResolvedRequirement, ...]]:
    """Return what `lock` would write into the notebook at ``path``, for an editor that writes it itself.

    Lists that are too long for a notebook are written to the lock file.

    Args:
        upgrade: handles to resolve again; an empty collection means all.

    Returns:
        The declaration with its locks, and the requirements, of which some may have an error and no new lock.

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
        _keep(run, declared.path, requirements)
    return declaration, requirements


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
    pin: bool = False,
) -> Edit:
    """Write the locks; with ``whole`` only if every requirement can be resolved. ``pin`` is that of `lock`."""
    before = lock_file.read(declared.path)
    with RunContext(config, reporter) as run:
        declaration, beside, requirements = make_locks(run, declared, declaration, options, chosen, pin=pin)
        if whole:
            _raise_first(requirements)
        changed = write(declared, declaration, beside)
        _keep(run, declared.path, requirements)
    status([declared.path], config)  # saves the cached status, so that the next status need not check a fresh lock
    acts = {
        resolved.requirement.handle: "failed"
        if resolved.error is not None
        else _act(
            declared.declaration.lock.get(resolved.requirement.lock_key),
            declaration.lock.get(resolved.requirement.lock_key),
            beside.lists.keys() - before.lists.keys(),
        )
        for resolved in requirements
    }
    written = _as_written(requirements, declaration)
    return Edit(declared.path, written, changed, acts, declaration_warnings(declaration.as_json()))


def _as_written(
    requirements: Iterable[ResolvedRequirement], declaration: Declaration
) -> tuple[ResolvedRequirement, ...]:
    """Return ``requirements`` with their locks as ``declaration`` has them, with checksums; no lock of a failed one."""
    return tuple(
        one if one.error is not None else one._replace(lock=declaration.lock.get(one.requirement.lock_key, one.lock))
        for one in requirements
    )


def _act(old: LockEntry | None, new: LockEntry | None, lists: Collection[str]) -> str:
    """Return what happened to a lock. ``lists`` has the digests of the lists that the lock file gained."""
    if old is None or new is None:
        return "locked"
    if not same_content(old, new):
        return "upgraded"
    if new.digest in lists or (old.pinned is None and new.pinned is not None):
        return "file list added"
    return "unchanged" if old.sha256 == new.sha256 else "checksums added"


def _keep(run: RunContext, path: Path, requirements: Sequence[ResolvedRequirement]) -> None:
    """Save the file lists in the store, where the next sync finds them; without one, that sync asks Rucio.

    A list that an earlier sync remembered for the notebook at ``path`` is replaced: if the new lock is removed again,
    or if a program that has the notebook open saves it without, the notebook must not return to older data.
    """
    where = run.store.root
    for resolved in requirements:
        try:
            run.resolutions.save_files(resolved.files)
        except OSError as error:
            words = f"The file list of {resolved.requirement.did} is not cached in {where}: {error.strerror}."
            run.reporter.report(Noticed(words))
    locks = {r.requirement.lock_key: SavedLock(r.lock, r.instance) for r in requirements if r.lock is not None}
    try:
        remembered = run.resolutions.lock(path)
        run.resolutions.save_lock(path, remembered | {key: locks[key] for key in locks.keys() & remembered.keys()})
    except (OSError, UnreadableFile) as error:
        run.reporter.report(Noticed(f"The earlier file list of {path} in {where} cannot be replaced: {error}."))


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
