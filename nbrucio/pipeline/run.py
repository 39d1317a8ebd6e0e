"""Resolve, plan, apply: the functions that every face calls.

`sync` carries out exactly what `plan` says; `status` is the same look without a network. None of them raises for what
is wrong with one notebook or requirement: that stands in the report, and the others go on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nbrucio.config import Config
from nbrucio.core.declaration import NO_PARAMETERS
from nbrucio.core.did import Did
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.lock_errors import other_bytes
from nbrucio.core.parameter import variant_name
from nbrucio.core.plan import Access, DownloadLimits, FileKey, Plan, ResolvedRequirement
from nbrucio.core.planner import Availability, Wanted, make_plan
from nbrucio.core.report import FileReport, NotebookReport, RequirementReport, SyncReport
from nbrucio.errors import NbrucioError
from nbrucio.kernel.asked import Asked
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.pipeline.cache_writer import StatusRecorder, record_status
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.download import Downloads, download_limits
from nbrucio.pipeline.locate import locate
from nbrucio.pipeline.publish import keep_places, keep_resolved, publish
from nbrucio.pipeline.reread import Reread
from nbrucio.pipeline.resolve import ResolveOptions
from nbrucio.state.expiry import prune

if TYPE_CHECKING:
    from nbrucio.core.estimate import Estimate
    from nbrucio.transfer.types import Outcome


class Options(NamedTuple):
    """How to sync.

    Attributes:
        refresh: ask the catalogue even for what was resolved before.
        offline: no network at all; also switched on by the machine's policy.
        locked: only what the notebook's lock names, and only if the catalogue still says the same.
        frozen: only what the notebook's lock names; the catalogue is not asked for contents.
        variant: the variant of the declarations to take; None leaves it to each declaration.
        parameters: the values that the notebooks run with, for what is chosen by one (see `nbrucio.core.parameter`).
        runtime: the folder for the manifests; None means this user's runtime folder.
    """

    refresh: bool = False
    offline: bool = False
    locked: bool = False
    frozen: bool = False
    variant: str | None = None
    parameters: Mapping[str, object] = NO_PARAMETERS
    runtime: Path | None = None


class ReadNotebook(NamedTuple):
    """One notebook of a run: what it declares and what that resolved to, or why it could not be read."""

    path: Path
    declared: Declared | None
    requirements: tuple[ResolvedRequirement, ...]
    fault: NbrucioError | None = None

    def unusable(self) -> int:
        """How many requirements are written and could not be understood."""
        return len(self.declared.declaration.faults) if self.declared else 0

    def faults(self) -> tuple[NbrucioError, ...]:
        """What could not be understood, or why the notebook could not be read at all."""
        unread = () if self.fault is None else (self.fault,)
        return unread + (tuple(each.error for each in self.declared.declaration.faults) if self.declared else ())


def sync(
    paths: Sequence[Path],
    config: Config,
    *,
    options: Options | None = None,
    reporter: Reporter | None = None,
    cancel: threading.Event | None = None,
    begins: Callable[[Sequence[Wanted]], object] | None = None,
) -> SyncReport:
    """Bring what the notebooks at ``paths`` declare, and hand it to their kernels through manifests.

    Never writes a notebook. Files that several requirements hold are brought once.

    Args:
        begins: called once with what will be downloaded, just before the first of it is; not when nothing will.

    Raises:
        Interrupted: the run was cancelled; finished files stay, unfinished ones resume at the next sync.
    """
    began = time.monotonic()
    options = options or Options()
    resolve_options = _resolve_options(config, options)
    with RunContext(config, reporter) as run, Downloads(run, download_limits(run), cancel, begins) as downloads:
        recorder = StatusRecorder(run)
        reads = _read_all(run, paths, resolve_options, options)

        def announce(availability: Availability) -> None:
            publish(_awaited(reads, availability, downloads.limits), syncing=True, runtime=options.runtime)

        reread = Reread(run, announce, cancel)
        plan = _plan(run, reads, resolve_options, recorder, downloads, reread)
        if plan.downloads and plan.refusal is None:
            publish([report for report, _ in _notebook_reports(reads, plan)], syncing=True, runtime=options.runtime)
        outcomes = downloads.finish(plan)
        done = [
            (_finished(run, report, plan, outcomes), declared) for report, declared in _notebook_reports(reads, plan)
        ]
        keep_places(run, plan)
        _renew(run, reads, resolve_options)
        for report, declared in done:
            keep_resolved(run, report, declared)
        notebooks = publish([report for report, _ in done], runtime=options.runtime)
        if outcomes or reread.done:
            recorder = recorder.after_downloads(
                outcome.stored for outcome in outcomes.values() if outcome.stored is not None
            )
        for report, (_, declared) in zip(notebooks, done, strict=True):
            _record_status(recorder, report, declared, options, synced=True)
    prune(config.store_path)
    brought = [did for (_, did), outcome in outcomes.items() if outcome.stored and run.reporter.started(did)]
    return SyncReport(tuple(notebooks), len(brought), run.reporter.size_bytes, time.monotonic() - began)


def status(
    paths: Sequence[Path], config: Config, *, variant: str | None = None, check: bool = False, tell: bool = False
) -> SyncReport:
    """What is here of what the notebooks at ``paths`` declare. Writes nothing but what it saw, for the status cache.

    Args:
        variant: the variant of the declarations to take.
        check: ask the catalogue whether what is locked has changed; otherwise there is no network.
        tell: hand over to kernels the notebooks of which everything is here, as a sync that brings nothing does; their
            reports have a manifest then.
    """
    began = time.monotonic()
    resolve_options, options = ResolveOptions(offline=True), Options(variant=variant)
    with RunContext(config) as run:
        recorder = StatusRecorder(run)
        reads = _read_all(run, paths, resolve_options, options)
        if check:
            reads = [_with_drift(run, read) for read in reads]
        plan = _plan(run, reads, resolve_options, recorder)
        found = list(_notebook_reports(reads, plan))
        if tell:
            found = [(_published(run, report, plan), declared) for report, declared in found]
        for report, declared in found:
            _record_status(recorder, report, declared, options, synced=report.manifest is not None)
    return SyncReport(tuple(report for report, _ in found), elapsed_s=time.monotonic() - began)


def _published(run: RunContext, report: NotebookReport, plan: Plan) -> NotebookReport:
    requirements = report.requirements
    if not requirements or report.faults or any(one.state != "ready" or one.resolved.drift for one in requirements):
        return report
    return publish([_finished(run, report, plan, {})])[0]


def plan(paths: Sequence[Path], config: Config, *, options: Options | None = None) -> Plan:
    """What `sync` with the same arguments would do now; nothing is written.

    Notebooks that cannot be read are left out; `sync` and `status` say what is wrong with them.
    """
    options = options or Options()
    resolve_options = _resolve_options(config, options)
    with RunContext(config) as run:
        return _plan(run, _read_all(run, paths, resolve_options, options), resolve_options)


def estimate(
    paths: Sequence[Path], config: Config, *, options: Options | None = None, reporter: Reporter | None = None
) -> Estimate:
    """What `sync` with the same arguments would do now, in amounts, time and space; nothing is written."""
    from nbrucio.core.estimate import Estimate, NotebookEstimate

    options = options or Options()
    resolve_options = _resolve_options(config, options)
    with RunContext(config, reporter) as run:
        reads = _read_all(run, paths, resolve_options, options)
        plan = _plan(run, reads, resolve_options)
        plans = iter(plan.requirements)
        notebooks = tuple(
            NotebookEstimate(read.path, tuple(next(plans) for _ in read.requirements), read.faults()) for read in reads
        )
        return Estimate(notebooks, plan, run.store.free_bytes(), run.rate.last())


def _renew(run: RunContext, reads: Sequence[ReadNotebook], resolve_options: ResolveOptions) -> None:
    for read in reads:
        if not resolve_options.offline and run.staged.has(read.path):
            from nbrucio.pipeline.renew_rules import renew_due  # few notebooks have rules

            renew_due(run, read.path, read.requirements)


def _resolve_options(config: Config, options: Options) -> ResolveOptions:
    offline = options.offline or config.policy.offline
    return ResolveOptions(options.refresh, offline, options.locked, options.frozen)


def _read_all(
    run: RunContext, paths: Sequence[Path], resolve_options: ResolveOptions, options: Options
) -> list[ReadNotebook]:
    resolver = run.resolver()
    reads = []
    for path in map(Path, paths):  # programs give texts, too
        try:
            declared = read_declared(path, options.parameters)
            variant = options.variant or variant_name(declared.declaration.extra.get("variant"), options.parameters)
            declared = declared._replace(declaration=declared.declaration.in_variant(variant))
        except NbrucioError as error:
            reads.append(ReadNotebook(path, None, (), error))
            continue
        requirements = resolver.resolve(declared, resolve_options)
        for resolved in requirements:
            if resolved.drift:
                run.reporter.report(Noticed(f"{resolved.requirement.did} {resolved.drift}."))
        reads.append(ReadNotebook(path, declared, requirements))
    return reads


def _with_drift(run: RunContext, read: ReadNotebook) -> ReadNotebook:
    """``read`` with how the catalogue differs now from what its requirements are locked to."""
    if read.declared is None:
        return read
    fresh = run.resolver().resolve(read.declared, ResolveOptions(refresh=True, offline=run.config.policy.offline))
    requirements = tuple(
        resolved._replace(drift=now.drift) for resolved, now in zip(read.requirements, fresh, strict=True)
    )
    return read._replace(requirements=requirements, fault=next((now.error for now in fresh if now.error), None))


def _plan(
    run: RunContext,
    reads: Sequence[ReadNotebook],
    resolve_options: ResolveOptions,
    recorder: StatusRecorder | None = None,
    downloads: Downloads | None = None,
    reread: Reread | None = None,
) -> Plan:
    requirements = [resolved for read in reads for resolved in read.requirements]
    availability = locate(run, requirements, resolve_options, recorder.note if recorder else None, downloads, reread)
    return make_plan(requirements, availability, downloads.limits if downloads else download_limits(run))


def _awaited(reads: Sequence[ReadNotebook], availability: Availability, limits: DownloadLimits) -> list[NotebookReport]:
    """What is verified in the store, for kernels to use while the rest is looked for."""
    plan = make_plan([resolved for read in reads for resolved in read.requirements], availability, limits)
    return [
        report._replace(
            requirements=tuple(
                one._replace(files=tuple(file._replace(error=None) for file in one.files))
                for one in report.requirements
            )
        )
        for report, _ in _notebook_reports(reads, plan)
    ]


def _record_status(
    recorder: StatusRecorder,
    report: NotebookReport,
    declared: Declared | None,
    options: Options,
    *,
    synced: bool = False,
) -> None:
    """Record a status for the cache; one with parameters is that of a single run."""
    if declared is not None and options.parameters == NO_PARAMETERS:
        record_status(recorder, report, declared.notebook, options.variant, synced=synced)


def _notebook_reports(reads: Sequence[ReadNotebook], plan: Plan) -> Iterator[tuple[NotebookReport, Declared | None]]:
    plans = iter(plan.requirements)
    for read in reads:
        requirements = tuple(RequirementReport.of(next(plans)) for _ in read.requirements)
        asked = Asked(read.declared.notebook.metadata) if read.declared else None
        yield (
            NotebookReport(read.path, requirements, read.faults(), asked=asked, unusable=read.unusable()),
            read.declared,
        )


def _finished(
    run: RunContext, report: NotebookReport, plan: Plan, outcomes: Mapping[FileKey, Outcome]
) -> NotebookReport:
    requirements = []
    for requirement in report.requirements:
        files = tuple(_file_report(requirement.resolved, file, plan, outcomes) for file in requirement.files)
        finished = requirement._replace(files=files)
        if any(file.access is Access.STREAM for file in files):
            finished = _streamed(run, finished)
        if finished.state == "ready":
            links = [(file.entry.did, file.where) for file in files if file.where is not None]
            # A folder that lacks the streamed files would pass for the whole.
            if len(links) == len(files):
                finished = finished._replace(folder=_folder(run, requirement.resolved, links))
        requirements.append(finished)
    return report._replace(requirements=tuple(requirements))


def _folder(run: RunContext, resolved: ResolvedRequirement, links: Sequence[tuple[Did, str]]) -> Path | None:
    """The folder of links to files that are all here. Where it cannot be made, they are usable all the same."""
    try:
        return run.store.view(resolved.instance, resolved.requirement.did, links)
    except NbrucioError as error:
        run.reporter.report(Noticed(f"There is no folder of links for {resolved.requirement.did}: {error.message}"))
        return None


def _streamed(run: RunContext, requirement: RequirementReport) -> RequirementReport:
    """``requirement`` with what its kernel needs to open its streamed files."""
    from nbrucio.catalogue.credentials import storage_credentials

    instance = run.config.instance(requirement.resolved.instance)
    found = storage_credentials(instance, os.environ, run.config)
    token = found.token_place.told() if found.token_place else None
    return requirement._replace(ca=str(found.ca) if found.ca else None, token=token)


def _file_report(
    resolved: ResolvedRequirement, file: FileReport, plan: Plan, outcomes: Mapping[FileKey, Outcome]
) -> FileReport:
    outcome = outcomes.get((resolved.instance, file.entry.did))
    if file.access is Access.MISSING and outcome is not None and outcome.stored is not None:
        # The catalogue failed after it had told of this file, and so the plan could not name it.
        file = file._replace(access=Access.DOWNLOAD, error=None)
    if file.access is not Access.DOWNLOAD:
        return file
    if outcome is None:
        return file._replace(access=Access.MISSING, error=plan.refusal)
    if outcome.stored is None:
        return file._replace(access=Access.MISSING, error=outcome.error)
    fault = other_bytes(resolved, file.entry, outcome.stored.sha256)
    if fault is not None:
        return file._replace(access=Access.MISSING, error=fault)
    return file._replace(where=outcome.stored.where, stat=outcome.stored.stat)
