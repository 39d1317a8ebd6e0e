"""Check notebooks before others rely on them: declaration, lock, code and data agree.

What is checked, and the exit code of what is found: the declaration can be used (2); every requirement is locked, and
the lock is the one of what is declared (10); the code uses nothing that is not declared (3). With a network also: the
catalogue says what the lock says (3), and every file has a replica that can be read (4). Nothing is downloaded and
nothing written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.declaration import NO_PARAMETERS, Declaration, Requirement, lock_for
from nbrucio.core.did import Did
from nbrucio.core.events import Reporter
from nbrucio.core.filelist import digest_of
from nbrucio.core.files import FileEntry
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES
from nbrucio.core.parameter import variant_name
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.text import plural
from nbrucio.errors import Drift, LockStale, NbrucioError, NoReplica, ParameterNeeded, Undeclared, exit_code_for
from nbrucio.notebook import lock_file
from nbrucio.notebook.code_scan import scan
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.resolve import ResolveOptions


@dataclass(frozen=True)
class NotebookCheck:
    """What was found in one notebook.

    Attributes:
        path: the notebook.
        requirements: how many it declares that can be used.
        findings: what is wrong, in the order of the checks.
    """

    path: Path
    requirements: int
    findings: tuple[NbrucioError, ...]

    def as_json(self) -> dict[str, object]:
        """This as a JSON-ready mapping."""
        findings = [finding.as_json() for finding in self.findings]
        return {"notebook": str(self.path), "requirements": self.requirements, "findings": findings}


@dataclass(frozen=True)
class CheckReport:
    """What was found in all of them; ``online`` tells whether the catalogue was asked."""

    notebooks: tuple[NotebookCheck, ...]
    online: bool

    @property
    def findings(self) -> tuple[NbrucioError, ...]:
        """Every finding, in the order of the notebooks."""
        return tuple(finding for notebook in self.notebooks for finding in notebook.findings)

    @property
    def exit_code(self) -> int:
        """0 when nothing was found, else the code that decides among the findings."""
        return exit_code_for(self.findings)

    def as_json(self) -> dict[str, object]:
        """This as a JSON-ready mapping."""
        return {
            "version": 1,
            "exit_code": self.exit_code,
            "online": self.online,
            "notebooks": [notebook.as_json() for notebook in self.notebooks],
        }


@dataclass
class _Open:
    """A notebook while it is checked."""

    path: Path
    declared: Declared | None = None
    findings: list[NbrucioError] = field(default_factory=list)
    targets: tuple[ResolvedRequirement, ...] = ()

    def done(self) -> NotebookCheck:
        count = len(self.declared.declaration.requirements) if self.declared else 0
        return NotebookCheck(self.path, count, tuple(self.findings))


def check(paths: Sequence[Path], config: Config | None, *, reporter: Reporter | None = None) -> CheckReport:
    """Check the notebooks at ``paths``. What is wrong with one stands in the report, and the others go on.

    Args:
        config: where the catalogues are; None checks without a network, and needs no configuration.
    """
    notebooks = [_check_alone(Path(path)) for path in paths]  # programs give texts, too
    if config is not None:
        with RunContext(config, reporter) as run:
            _check_catalogue(run, notebooks)
    return CheckReport(tuple(notebook.done() for notebook in notebooks), online=config is not None)


def _check_alone(path: Path) -> _Open:
    notebook = _Open(path)
    try:
        notebook.declared = read_declared(path)
        declaration = notebook.declared.declaration
        # A requirement that waits for its parameter is as it should be: whoever runs the notebook gives the value.
        notebook.findings += [f.error for f in declaration.faults if not isinstance(f.error, ParameterNeeded)]
        notebook.findings += _variant_findings(declaration)
        notebook.findings += _lock_findings(path, declaration)
        notebook.findings += _list_findings(path, declaration)
        notebook.findings += _use_findings(notebook.declared)
    except NbrucioError as error:
        notebook.findings.append(error)
    return notebook


def _variant_findings(declaration: Declaration) -> Iterator[NbrucioError]:
    try:
        default = variant_name(declaration.extra.get("variant"), NO_PARAMETERS)
        variants = declaration.extra.get("variants")
        for name in {default: None, **dict.fromkeys(variants if isinstance(variants, Mapping) else ())}:
            declaration.in_variant(name)
    except NbrucioError as error:
        yield error


def _lock_findings(path: Path, declaration: Declaration) -> Iterator[LockStale]:
    for requirement in declaration.requirements:
        reason = _lock_fault(requirement, declaration)
        if reason:
            yield LockStale(
                f"'{requirement.handle}' ({requirement.did}) {reason}.",
                subject=requirement.handle,
                next_command=f"nbrucio lock {path}",
            )


def _list_findings(path: Path, declaration: Declaration) -> Iterator[NbrucioError]:
    """Why the lists that lie beside the notebook cannot be read, where its lock needs them."""
    fault = lock_file.read_or_error(path).error
    if fault is not None and any(entry.files > INLINE_LIST_MAX_FILES for entry in declaration.lock.values()):
        yield fault


def _lock_fault(requirement: Requirement, declaration: Declaration) -> str | None:
    entry = lock_for(requirement, declaration.lock)
    if entry is not None:
        damaged = entry.pinned is not None and digest_of(entry.pinned) != entry.digest
        return "has a lock whose file list was changed by hand" if damaged else None
    if requirement.handle in declaration.lock:
        return "is locked to another DID or selection"
    return "has a lock that cannot be read" if requirement.handle in declaration.bad_lock else "has no lock"


def _use_findings(declared: Declared) -> Iterator[Undeclared]:
    notebook, declaration, path = declared.notebook, declared.declaration, declared.path
    used = scan(notebook.code_cells(), notebook.language() or "python")
    raws = [fault.raw for fault in declaration.faults if isinstance(fault.raw, Mapping)]
    handles = {r.handle for r in declaration.requirements} | {str(raw.get("handle")) for raw in raws}
    dids = {str(did) for r in declaration.requirements for did in _meant(r)} | {str(raw.get("did")) for raw in raws}
    for handle in used.handles:
        if handle not in handles:
            yield Undeclared(
                f"The code uses '{handle}', which is not declared.",
                subject=handle,
                next_command=f"nbrucio add {path} SCOPE:NAME --as {handle}",
            )
    for did in used.dids:
        if str(did) not in dids:
            yield Undeclared(
                f"The code uses {did}, which is not declared.",
                subject=str(did),
                next_command=f"nbrucio add {path} {did}",
            )


def _meant(requirement: Requirement) -> Iterable[Did]:
    choices = requirement.parameter.choices if requirement.parameter else None
    return choices.values() if choices else (requirement.did,)


def _check_catalogue(run: RunContext, notebooks: Sequence[_Open]) -> None:
    resolver = run.resolver()
    for notebook in notebooks:
        if notebook.declared is None:
            continue
        notebook.targets = resolver.resolve(notebook.declared, ResolveOptions(refresh=True))
        told = {finding.message for finding in notebook.findings}  # such as a lock file that cannot be read
        for target in notebook.targets:
            if target.error is None or target.error.message not in told:
                notebook.findings += _target_findings(notebook.path, target)
    readable = _Readable(run, [target for notebook in notebooks for target in notebook.targets])
    for notebook in notebooks:
        notebook.findings += readable.findings(notebook.targets)


def _target_findings(path: Path, target: ResolvedRequirement) -> Iterator[NbrucioError]:
    if target.error is not None:
        yield target.error
    if target.drift is not None:
        handle = target.requirement.handle
        yield Drift(
            f"'{handle}' ({target.requirement.did}) {target.drift}.",
            subject=handle,
            next_command=f"nbrucio lock {path} {handle} --upgrade",
        )


class _Readable:
    """Which files of all targets have a replica that can be read; each file is asked for once."""

    def __init__(self, run: RunContext, targets: Iterable[ResolvedRequirement]) -> None:
        wanted: dict[str, dict[Did, None]] = {}
        for target in targets:
            wanted.setdefault(target.instance, {}).update((entry.did, None) for entry in _needed(target))
        self._on_disk: set[tuple[str, Did]] = set()
        self._errors: dict[str, NbrucioError] = {}
        for instance, dids in wanted.items():
            try:
                for did, replicas in run.catalogue(instance).replicas(list(dids)) if dids else ():
                    if any(not replica.tape for replica in replicas):
                        self._on_disk.add((instance, did))
            except NbrucioError as error:
                self._errors[instance] = error

    def findings(self, targets: Iterable[ResolvedRequirement]) -> Iterator[NbrucioError]:
        """What is missing of ``targets``."""
        for target in targets:
            files = _needed(target)
            if files and target.instance in self._errors:
                yield self._errors[target.instance]
                return
            gone = [entry.did for entry in files if (target.instance, entry.did) not in self._on_disk]
            if gone:
                yield NoReplica(
                    f"{len(gone):,} of {plural(len(files), 'file')} of {target.requirement.did} cannot be read "
                    f"from any disk, among them {gone[0]}.",
                    subject=str(target.requirement.did),
                    next_command=f"rucio replica list file {gone[0]}",
                )


def _needed(target: ResolvedRequirement) -> tuple[FileEntry, ...]:
    """The files that a run of the notebook would want: what a pinned lock lists, else what the catalogue says."""
    if target.drift is None and target.lock is not None and target.lock.pinned is not None:
        return target.lock.pinned
    return target.files
