"""The verbs that write a notebook: add, remove and lock. Nothing else does.

Each reads the notebook, makes the new declaration, and writes only our key; a notebook that changed on disk meanwhile
is refused, not overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.config import Config, Instance
from nbrucio.core.declaration import (
    Declaration,
    Requirement,
    already_declared,
    handle_of,
    propose_handle,
    variant_of,
)
from nbrucio.core.did import Did
from nbrucio.core.events import Reporter
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, LockEntry, pins, same_content
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.errors import BadDeclaration, NbrucioError
from nbrucio.notebook import lock_file
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.notebook.ipynb import save
from nbrucio.notebook.lock_file import LockFile
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.outdate import outdate
from nbrucio.pipeline.resolve import ResolveOptions
from nbrucio.pipeline.status import status


@dataclass(frozen=True)
class Edit:
    """What an editing verb did.

    Attributes:
        path: the notebook.
        targets: the requirements that the verb dealt with, resolved where it resolves.
        changed: whether the file was written.
    """

    path: Path
    targets: tuple[ResolvedRequirement, ...]
    changed: bool

    def as_json(self) -> dict[str, object]:
        """This edit as a JSON-ready mapping."""
        return {
            "version": 1,
            "notebook": str(self.path),
            "changed": self.changed,
            "requirements": [_target_json(target) for target in self.targets],
        }


def _target_json(target: ResolvedRequirement) -> dict[str, object]:
    return {
        **target.requirement.as_json(),
        "lock": target.lock.as_json() if target.lock else None,
        "drift": target.drift,
        "error": target.error.as_json() if target.error else None,
    }


def add(
    path: Path,
    dids: Sequence[Did],
    config: Config,
    *,
    handle: str | None = None,
    instance: str | None = None,
    offline: bool = False,
    reporter: Reporter | None = None,
) -> Edit:
    """Declare ``dids`` in the notebook at ``path``, lock them, and write it; all of them or none.

    Args:
        handle: for a single DID; None proposes one from the DID's name.
        instance: a name of a configured instance; None is the default one.
        offline: declare without asking whether the DIDs exist; `lock` can do that later.

    Raises:
        NbrucioError: the notebook cannot be edited, a handle or DID is declared already, or a DID does not exist.
    """
    if handle is not None and len(dids) > 1:
        raise BadDeclaration("One handle cannot name several DIDs.", hint="Add them one by one.")
    declared = read_declared(path)
    declaration, fresh = declared.declaration, []
    chosen = config.instance(instance) if instance is not None else None
    for did in dids:
        _refuse_declared(declaration, did, chosen or config.default, config)
        taken = [requirement.handle for requirement in declaration.requirements]
        requirement = Requirement.parse(
            {"did": str(did), "handle": handle or propose_handle(did, taken)}
            | ({"instance": config.written(chosen)} if chosen else {})
        )
        declaration = declaration.with_requirement(requirement)
        fresh.append(requirement)
    if offline:
        targets = tuple(
            ResolvedRequirement(r, chosen.identity if chosen else "") for r in declaration.requirements if r in fresh
        )
        return Edit(declared.path, targets, _write(declared, declaration))
    return _lock_and_write(declared, declaration, config, fresh, ResolveOptions(refresh=True), reporter)


def _refuse_declared(declaration: Declaration, did: Did, wanted: Instance | None, config: Config) -> None:
    """Refuse a DID that is declared whole, however its instance is written there."""
    for present in declaration.requirements:
        if present.did == did and present.select is None and wanted and config.means(present.instance, wanted):
            raise already_declared(present)


def remove(path: Path, names: Sequence[str]) -> Edit:
    """Remove the requirements with these handles or DIDs, and their locks, from the notebook at ``path``.

    Raises:
        BadDeclaration: one of them is not declared; nothing is removed then.
        BadNotebook: the notebook cannot be edited.
    """
    declared = read_declared(path)
    declaration, gone = declared.declaration, []
    for name in names:
        requirement = declaration.get(name)
        if requirement is None:
            handles = ", ".join(r.handle for r in declaration.requirements) or "nothing"
            raise BadDeclaration(f"'{name}' is not declared in {path}.", subject=name, hint=f"Declared: {handles}.")
        declaration = declaration.without(requirement.handle)
        gone.append(ResolvedRequirement(requirement, ""))
    return Edit(declared.path, tuple(gone), _write(declared, declaration))


def lock(
    path: Path,
    config: Config,
    *,
    upgrade: Collection[str] | None = None,
    variant: str | None = None,
    reporter: Reporter | None = None,
) -> Edit:
    """Write what each requirement resolves to into the notebook at ``path``.

    What is locked stays locked as it is, unless it is among ``upgrade``. The SHA-256 of files that are in the store
    enters the lock: their bytes were verified here.

    Args:
        upgrade: handles to resolve anew; an empty collection means all of them, None means none.
        variant: lock the selections of this variant, beside the lock of the whole.

    Raises:
        NbrucioError: the notebook cannot be edited, or a requirement cannot be resolved; nothing is written then.
    """
    declared = read_declared(path)
    chosen = declared.declaration.in_variant(variant)
    for name in upgrade or ():
        if all(requirement.handle != name for requirement in declared.declaration.requirements):
            raise BadDeclaration(f"'{name}' is not declared in {path}.", subject=name)
    anew = [r for r in chosen.requirements if upgrade is None or not upgrade or r.handle in upgrade]
    return _lock_and_write(
        declared, declared.declaration, config, anew, ResolveOptions(refresh=upgrade is not None), reporter
    )


def lock_elsewhere(
    path: Path, config: Config, *, upgrade: Collection[str]
) -> tuple[Declaration, tuple[ResolvedRequirement, ...]]:
    """What `lock` would write into the notebook at ``path``, for an editor that has it open and writes it itself.

    Lists that are too long for a notebook are added to those beside it, where nobody has them open.

    Args:
        upgrade: handles to resolve anew; an empty collection means all of them.

    Returns:
        The declaration with its locks, and what was resolved.

    Raises:
        NbrucioError: the notebook cannot be read, or a requirement cannot be resolved.
    """
    declared = read_declared(path)
    known = {requirement.handle for requirement in declared.declaration.requirements}
    for name in upgrade:
        if name not in known:
            raise BadDeclaration(f"'{name}' is not declared in {path}.", subject=name)
    anew = [r for r in declared.declaration.requirements if not upgrade or r.handle in upgrade]
    with RunContext(config) as run:
        declaration, beside, targets = _lock(run, declared, declared.declaration, ResolveOptions(refresh=True), anew)
        lock_file.add(declared.path, beside)
        for target in targets:
            _keep(run, target)
    return declaration, targets


def _lock_and_write(
    declared: Declared,
    declaration: Declaration,
    config: Config,
    requirements: Sequence[Requirement],
    options: ResolveOptions,
    reporter: Reporter | None,
) -> Edit:
    with RunContext(config, reporter) as run:
        declaration, beside, targets = _lock(run, declared, declaration, options, requirements)
        changed = _write(declared, declaration, beside)
        for target in targets:
            _keep(run, target)
    status([declared.path], config)  # what it sees is kept, so that nobody has to look at a fresh lock
    return Edit(declared.path, targets, changed)


def _lock(
    run: RunContext,
    declared: Declared,
    declaration: Declaration,
    options: ResolveOptions,
    requirements: Sequence[Requirement],
) -> tuple[Declaration, LockFile, tuple[ResolvedRequirement, ...]]:
    """``declaration`` with locks of these ``requirements``, the lists beside it, and what was resolved."""
    wanted = declaration._replace(entries=tuple(requirements))
    beside = lock_file.read(declared.path)
    targets = run.resolver().resolve(Declared(declared.notebook, wanted), options)
    for target in targets:
        if target.error is not None:
            raise target.error
        if target.lock is not None:
            sums = _sums(_verified(run, target), target, beside, declaration, anew=options.refresh)
            declaration = _without_stale(_locked(declaration, target, sums, run.given), target)
            beside = _pinned(beside, target, target.lock, sums)
    return declaration, beside, targets


def _verified(run: RunContext, target: ResolvedRequirement) -> dict[str, str]:
    """The SHA-256 by DID of those files whose bytes were verified on this machine."""
    found = ((entry, run.store.find(target.instance, entry)) for entry in target.files)
    return {str(entry.did): stored.sha256 for entry, stored in found if stored is not None}


def _sums(
    verified: dict[str, str], target: ResolvedRequirement, beside: LockFile, declaration: Declaration, *, anew: bool
) -> dict[str, str]:
    """The SHA-256 to lock: what is locked stays as it is, unless this locks ``anew``."""
    assert target.lock is not None
    present = declaration.lock.get(target.requirement.lock_key)
    inline = present.sha256 if present and same_content(present, target.lock) else {}
    locked = {**beside.sums(target.lock.digest), **inline}
    return {**locked, **verified} if anew else {**verified, **locked}


def _pinned(beside: LockFile, target: ResolvedRequirement, entry: LockEntry, sums: Mapping[str, str]) -> LockFile:
    """The lock file with what of this lock entry is too long for the notebook."""
    if entry.files <= INLINE_LIST_MAX_FILES:
        return beside
    return beside.with_list(entry.digest, target.files if pins(entry.open, entry.select) else None, sums)


def _without_stale(declaration: Declaration, target: ResolvedRequirement) -> Declaration:
    """``declaration`` without locks of variants of what was locked, where they speak of what it was before."""
    if target.requirement.variant is not None:
        return declaration
    handle, variants = target.requirement.handle, declaration.extra.get("variants")
    known = variants if isinstance(variants, Mapping) else {}
    stale = {
        key
        for key, entry in declaration.lock.items()
        if key != handle
        and handle_of(key) == handle
        and (target.drift is not None or entry.did != target.requirement.did or variant_of(key) not in known)
    }
    return declaration._replace(lock={key: entry for key, entry in declaration.lock.items() if key not in stale})


def _locked(
    declaration: Declaration, target: ResolvedRequirement, sums: Mapping[str, str], config: Config
) -> Declaration:
    assert target.lock is not None
    key, name = target.requirement.lock_key, target.requirement.instance
    # A host alone means this instance only while no other of that host is configured.
    if name is None or not config.instance(name).is_called(name):
        named = target.requirement._replace(instance=target.instance)
        entries = tuple(named if entry == target.requirement else entry for entry in declaration.entries)
        declaration = declaration._replace(entries=entries)
    present = declaration.lock.get(key)
    # An unchanged lock keeps its time, so that locking twice changes nothing.
    entry = present if present and same_content(present, target.lock) else target.lock
    return declaration.with_lock(key, entry._replace(sha256=sums if entry.files <= INLINE_LIST_MAX_FILES else {}))


def _keep(run: RunContext, target: ResolvedRequirement) -> None:
    try:
        run.resolutions.save_files(target.files)
    except OSError as error:
        raise NbrucioError(
            f"The notebook is written, but the store {run.store.root} is not: {error}.",
            subject=str(run.store.root),
        ) from error


def _write(declared: Declared, declaration: Declaration, beside: LockFile | None = None) -> bool:
    """Write the notebook, before it the long lists that its lock names, and drop after it what no lock names."""
    before = lock_file.read(declared.path)
    if beside is not None:
        lock_file.add(declared.path, beside)
    written = save(declared.notebook, declaration.as_json())
    if not declaration.bad_lock:  # what a lock that cannot be understood names is not known here
        lock_file.prune(declared.path, frozenset(entry.digest for entry in declaration.lock.values()))
    outdate(declared.path, written.metadata)
    return written.raw != declared.notebook.raw or before != lock_file.read(declared.path)
