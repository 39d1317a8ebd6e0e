"""Check whether declaration, lock, code and data of notebooks agree, for example before they are published.

The checks, and the exit code of each finding: the notebook is valid by nbformat, and its declaration by its schema (2);
every requirement is locked, by a lock of the declared data (10); the code uses only declared data (3). With a network
also: the catalogue agrees with the lock (3), and every file has a readable replica (4). Nothing is downloaded, and
nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from nbrucio.config import Config
from nbrucio.core.declaration import Declaration
from nbrucio.core.did import Did
from nbrucio.core.events import Reporter
from nbrucio.core.files import FileEntry
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement
from nbrucio.core.scope_rule import ScopeRule
from nbrucio.core.text import plural
from nbrucio.errors import (
    Drift,
    NbrucioError,
    NoReplica,
    Undeclared,
    envelope,
    exit_code_for,
)
from nbrucio.kernel.quoting import quoted_path
from nbrucio.notebook import lock_file
from nbrucio.notebook.code_scan import scan
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.notebook.schema_errors import declaration_faults
from nbrucio.notebook.validity import format_errors, require_nbformat
from nbrucio.operations.check_declaration import declaration_findings, lock_findings
from nbrucio.operations.proposing import Note, notes_on
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.resolve import ResolveOptions


@dataclass(frozen=True)
class NotebookCheck:
    """Findings in one notebook.

    Attributes:
        path: the notebook.
        requirements: number of valid requirements.
        findings: errors, in the order of the checks.
        notes: proposals, which do not change the exit code.
    """

    path: Path
    requirements: int
    findings: tuple[NbrucioError, ...]
    notes: tuple[Note, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        findings = [finding.as_json() for finding in self.findings]
        notes = [note.as_json() for note in self.notes]
        return {"notebook": str(self.path), "requirements": self.requirements, "findings": findings, "notes": notes}


@dataclass(frozen=True)
class CheckReport:
    """Findings in all notebooks; ``online`` is true if the catalogue was queried."""

    notebooks: tuple[NotebookCheck, ...]
    online: bool

    @property
    def findings(self) -> tuple[NbrucioError, ...]:
        """All findings, in the order of the notebooks."""
        return tuple(finding for notebook in self.notebooks for finding in notebook.findings)

    def errors(self) -> tuple[NbrucioError, ...]:
        """Return the findings, under the name that every result has for its errors."""
        return self.findings

    @property
    def exit_code(self) -> int:
        """0 without findings, else the code of the most serious one."""
        return exit_code_for(self.findings)

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return {
            **envelope(self.errors()),
            "online": self.online,
            "notebooks": [notebook.as_json() for notebook in self.notebooks],
        }


@dataclass
class _Open:
    """A notebook while it is checked."""

    path: Path
    declared: Declared | None = None
    findings: list[NbrucioError] = field(default_factory=list)
    requirements: tuple[ResolvedRequirement, ...] = ()
    notes: tuple[Note, ...] = ()

    def done(self) -> NotebookCheck:
        count = len(self.declared.declaration.requirements) if self.declared else 0
        return NotebookCheck(self.path, count, tuple(self.findings), self.notes)


def check(paths: Sequence[Path], config: Config | None, *, reporter: Reporter | None = None) -> CheckReport:
    """Check the notebooks at ``paths``. Errors of one notebook are in the report, and the others are still checked.

    Args:
        config: configuration with the catalogues; None checks without a network and needs no configuration. A policy
            of no network has the same effect.

    Raises:
        MissingDependency: jsonschema or nbformat cannot be loaded.
    """
    require_nbformat()
    declaration_faults({})  # so that a missing library is one error, not one for each notebook
    rule = config.default.scope_rule if config is not None and config.default is not None else ScopeRule()
    notebooks = [_check_alone(Path(path), rule) for path in paths]  # programs may pass a str
    online = config is not None and not config.policy.offline
    if config is not None and online:
        with RunContext(config, reporter) as run:
            _check_catalogue(run, notebooks)
    return CheckReport(tuple(notebook.done() for notebook in notebooks), online)


def _check_alone(path: Path, rule: ScopeRule) -> _Open:
    notebook = _Open(path)
    try:
        notebook.declared = read_declared(path)
        declaration = notebook.declared.declaration
        notebook.findings += format_errors(notebook.declared.notebook)
        faults = declaration_faults(notebook.declared.notebook.value())
        notebook.findings += declaration_findings(declaration, faults)
        notebook.findings += lock_findings(path, declaration, faults)
        notebook.findings += _list_findings(path, declaration)
        notebook.findings += _use_findings(notebook.declared)
        notebook.notes = notes_on(notebook.declared, rule)
    except NbrucioError as error:
        notebook.findings.append(error)
    return notebook


def _list_findings(path: Path, declaration: Declaration) -> Iterator[NbrucioError]:
    """Report an unreadable lock file, if the lock needs it."""
    error = lock_file.read_or_error(path).error
    if error is not None and any(entry.files > INLINE_LIST_MAX_FILES for entry in declaration.lock.values()):
        yield error


def _use_findings(declared: Declared) -> Iterator[Undeclared]:
    notebook, declaration, path = declared.notebook, declared.declaration, declared.path
    if b"rucio" not in notebook.raw:
        return  # so that scripts need no jupytext
    used = scan(notebook.code_cells(), notebook.language() or "python")
    raws = [fault.raw for fault in declaration.faults if isinstance(fault.raw, Mapping)]
    handles = {r.handle for r in declaration.requirements} | {str(raw.get("handle")) for raw in raws}
    dids = {str(did) for r in declaration.requirements for did in _possible_dids(r)} | {
        str(raw.get("did")) for raw in raws
    }
    for handle in used.handles:
        if handle not in handles:
            yield Undeclared(
                f"The code uses '{handle}', which is not declared.",
                subject=handle,
                next_command=f"nbrucio add {quoted_path(path)} SCOPE:NAME --as {handle}",
            )
    for did in used.dids:
        if str(did) not in dids:
            yield Undeclared(
                f"The code uses {did}, which is not declared.",
                subject=str(did),
                next_command=f"nbrucio add {quoted_path(path)} {quote(str(did))}",
            )


def _possible_dids(requirement: Requirement) -> Iterable[Did]:
    choices = requirement.parameter.choices if requirement.parameter else None
    return choices.values() if choices else (requirement.did,)


def _check_catalogue(run: RunContext, notebooks: Sequence[_Open]) -> None:
    resolver = run.resolver()
    for notebook in notebooks:
        if notebook.declared is None:
            continue
        notebook.requirements = resolver.resolve(notebook.declared, ResolveOptions(refresh=True))
        reported = {finding.message for finding in notebook.findings}  # for example an unreadable lock file
        for resolved in notebook.requirements:
            if resolved.error is None or resolved.error.message not in reported:
                notebook.findings += _requirement_findings(notebook.path, resolved)
    readable = _Readable(run, [resolved for notebook in notebooks for resolved in notebook.requirements])
    for notebook in notebooks:
        notebook.findings += readable.findings(notebook.requirements)


def _requirement_findings(path: Path, resolved: ResolvedRequirement) -> Iterator[NbrucioError]:
    if resolved.error is not None:
        yield resolved.error
    if resolved.drift is not None:
        handle = resolved.requirement.handle
        yield Drift(
            f"'{handle}' ({resolved.requirement.did}) {resolved.drift}.",
            subject=handle,
            next_command=f"nbrucio lock {quoted_path(path)} {handle} --upgrade",
        )


class _Readable:
    """The files that have a readable replica. Each file is requested once."""

    def __init__(self, run: RunContext, requirements: Iterable[ResolvedRequirement]) -> None:
        wanted: dict[str, dict[Did, None]] = {}
        for resolved in requirements:
            wanted.setdefault(resolved.instance, {}).update((entry.did, None) for entry in _needed(resolved))
        self._on_disk: set[tuple[str, Did]] = set()
        self._errors: dict[str, NbrucioError] = {}
        for instance, dids in wanted.items():
            try:
                for did, replicas in run.catalogue(instance).replicas(list(dids), _ignore) if dids else ():
                    if any(not replica.tape for replica in replicas):
                        self._on_disk.add((instance, did))
            except NbrucioError as error:
                self._errors[instance] = error

    def findings(self, requirements: Iterable[ResolvedRequirement]) -> Iterator[NbrucioError]:
        """Report the files of ``requirements`` without a readable replica."""
        for resolved in requirements:
            files = _needed(resolved)
            if files and resolved.instance in self._errors:
                yield self._errors[resolved.instance]
                return
            missing = [entry.did for entry in files if (resolved.instance, entry.did) not in self._on_disk]
            if missing:
                yield NoReplica(
                    f"{len(missing):,} of {plural(len(files), 'file')} of {resolved.requirement.did} cannot be read "
                    f"from any disk, among them {missing[0]}.",
                    subject=str(resolved.requirement.did),
                    next_command=f"rucio replica list file {quote(str(missing[0]))}",
                )


def _ignore(_: NbrucioError) -> None:
    """Ignore a malformed row: its file counts as one without a readable replica."""


def _needed(resolved: ResolvedRequirement) -> Sequence[FileEntry]:
    """Return the files that a run of the notebook would use: the lock's if it lists them, else the catalogue's."""
    if resolved.drift is None and resolved.lock is not None and resolved.lock.pinned is not None:
        return resolved.lock.pinned
    return resolved.files
