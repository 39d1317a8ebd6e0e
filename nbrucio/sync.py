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

from nbrucio.bringing import Bringing, limits_of
from nbrucio.config import Config
from nbrucio.declaration import NO_PARAMETERS
from nbrucio.did import Did
from nbrucio.engine import Engine
from nbrucio.errors import NbrucioError
from nbrucio.events import Noticed, Reporter
from nbrucio.handover import hand_over, keep_places, keep_resolved
from nbrucio.kernel.asked import Asked
from nbrucio.lockfaults import other_bytes
from nbrucio.lookout import Lookout, keep_look
from nbrucio.parameter import variant_name
from nbrucio.plan import Access, Facts, FileKey, Limits, Plan, Target, Wanted, make_plan
from nbrucio.report import FileReport, NotebookReport, RequirementReport, SyncReport
from nbrucio.rereading import Rereading
from nbrucio.resolve import Declared, Question, read_declared
from nbrucio.store.gone import sweep
from nbrucio.survey import survey

if TYPE_CHECKING:
    from nbrucio.forecast import Forecast
    from nbrucio.transfer import Outcome


class Options(NamedTuple):
    """How to sync.

    Attributes:
        refresh: ask the catalogue even for what was resolved before.
        offline: no network at all; also switched on by the machine's policy.
        locked: only what the notebook's lock names, and only if the catalogue still says the same.
        frozen: only what the notebook's lock names; the catalogue is not asked for contents.
        variant: the variant of the declarations to take; None leaves it to each declaration.
        parameters: the values that the notebooks run with, for what is chosen by one (see `nbrucio.parameter`).
        runtime: the folder for the manifests; None means this user's runtime folder.
    """

    refresh: bool = False
    offline: bool = False
    locked: bool = False
    frozen: bool = False
    variant: str | None = None
    parameters: Mapping[str, object] = NO_PARAMETERS
    runtime: Path | None = None


class Read(NamedTuple):
    """One notebook of a run: what it declares and what that resolved to, or why it could not be read."""

    path: Path
    declared: Declared | None
    targets: tuple[Target, ...]
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
    question = _question(config, options)
    with Engine(config, reporter) as engine, Bringing(engine, limits_of(engine), cancel, begins) as bringing:
        lookout = Lookout(engine)
        reads = _read_all(engine, paths, question, options)

        def announce(facts: Facts) -> None:
            hand_over(_awaited(reads, facts, bringing.limits), syncing=True, runtime=options.runtime)

        rereading = Rereading(engine, announce, cancel)
        plan = _plan(engine, reads, question, lookout, bringing, rereading)
        if plan.downloads and plan.refusal is None:
            hand_over([report for report, _ in _notebook_reports(reads, plan)], syncing=True, runtime=options.runtime)
        outcomes = bringing.finish(plan)
        done = [
            (_finished(engine, report, plan, outcomes), declared) for report, declared in _notebook_reports(reads, plan)
        ]
        keep_places(engine, plan)
        _renew(engine, reads, question)
        for report, declared in done:
            keep_resolved(engine, report, declared)
        notebooks = hand_over([report for report, _ in done], runtime=options.runtime)
        if outcomes or rereading.done:
            lookout = lookout.again(outcome.stored for outcome in outcomes.values() if outcome.stored is not None)
        for report, (_, declared) in zip(notebooks, done, strict=True):
            _keep_look(lookout, report, declared, options, synced=True)
    sweep(config.store_path)
    brought = [did for (_, did), outcome in outcomes.items() if outcome.stored and engine.reporter.started(did)]
    return SyncReport(tuple(notebooks), len(brought), engine.reporter.size_bytes, time.monotonic() - began)


def status(
    paths: Sequence[Path], config: Config, *, variant: str | None = None, check: bool = False, tell: bool = False
) -> SyncReport:
    """What is here of what the notebooks at ``paths`` declare. Writes nothing but what it saw, for the next glance.

    Args:
        variant: the variant of the declarations to take.
        check: ask the catalogue whether what is locked has changed; otherwise there is no network.
        tell: hand over to kernels the notebooks of which everything is here, as a sync that brings nothing does; their
            reports have a manifest then.
    """
    began = time.monotonic()
    question, options = Question(offline=True), Options(variant=variant)
    with Engine(config) as engine:
        lookout = Lookout(engine)
        reads = _read_all(engine, paths, question, options)
        if check:
            reads = [_with_drift(engine, read) for read in reads]
        plan = _plan(engine, reads, question, lookout)
        found = list(_notebook_reports(reads, plan))
        if tell:
            found = [(_told(engine, report, plan), declared) for report, declared in found]
        for report, declared in found:
            _keep_look(lookout, report, declared, options, synced=report.manifest is not None)
    return SyncReport(tuple(report for report, _ in found), elapsed_s=time.monotonic() - began)


def _told(engine: Engine, report: NotebookReport, plan: Plan) -> NotebookReport:
    requirements = report.requirements
    if not requirements or report.faults or any(one.state != "ready" or one.target.drift for one in requirements):
        return report
    return hand_over([_finished(engine, report, plan, {})])[0]


def plan(paths: Sequence[Path], config: Config, *, options: Options | None = None) -> Plan:
    """What `sync` with the same arguments would do now; nothing is written.

    Notebooks that cannot be read are left out; `sync` and `status` say what is wrong with them.
    """
    options = options or Options()
    question = _question(config, options)
    with Engine(config) as engine:
        return _plan(engine, _read_all(engine, paths, question, options), question)


def forecast(
    paths: Sequence[Path], config: Config, *, options: Options | None = None, reporter: Reporter | None = None
) -> Forecast:
    """What `sync` with the same arguments would do now, in amounts, time and space; nothing is written."""
    from nbrucio.forecast import Forecast, NotebookForecast

    options = options or Options()
    question = _question(config, options)
    with Engine(config, reporter) as engine:
        reads = _read_all(engine, paths, question, options)
        plan = _plan(engine, reads, question)
        plans = iter(plan.requirements)
        notebooks = tuple(
            NotebookForecast(read.path, tuple(next(plans) for _ in read.targets), read.faults()) for read in reads
        )
        return Forecast(notebooks, plan, engine.store.free_bytes(), engine.rate.last())


def _renew(engine: Engine, reads: Sequence[Read], question: Question) -> None:
    for read in reads:
        if not question.offline and engine.staged.knows(read.path):
            from nbrucio.renewal import renew_due  # few notebooks have rules

            renew_due(engine, read.path, read.targets)


def _question(config: Config, options: Options) -> Question:
    offline = options.offline or config.policy.offline
    return Question(options.refresh, offline, options.locked, options.frozen)


def _read_all(engine: Engine, paths: Sequence[Path], question: Question, options: Options) -> list[Read]:
    resolver = engine.resolver()
    reads = []
    for path in map(Path, paths):  # programs give texts, too
        try:
            declared = read_declared(path, options.parameters)
            variant = options.variant or variant_name(declared.declaration.extra.get("variant"), options.parameters)
            declared = declared._replace(declaration=declared.declaration.in_variant(variant))
        except NbrucioError as error:
            reads.append(Read(path, None, (), error))
            continue
        targets = resolver.resolve(declared, question)
        for target in targets:
            if target.drift:
                engine.reporter.report(Noticed(f"{target.requirement.did} {target.drift}."))
        reads.append(Read(path, declared, targets))
    return reads


def _with_drift(engine: Engine, read: Read) -> Read:
    """``read`` with how the catalogue differs now from what its requirements are locked to."""
    if read.declared is None:
        return read
    fresh = engine.resolver().resolve(read.declared, Question(refresh=True, offline=engine.config.policy.offline))
    targets = tuple(target._replace(drift=now.drift) for target, now in zip(read.targets, fresh, strict=True))
    return read._replace(targets=targets, fault=next((now.error for now in fresh if now.error), None))


def _plan(
    engine: Engine,
    reads: Sequence[Read],
    question: Question,
    lookout: Lookout | None = None,
    bringing: Bringing | None = None,
    rereading: Rereading | None = None,
) -> Plan:
    targets = [target for read in reads for target in read.targets]
    facts = survey(engine, targets, question, lookout.saw if lookout else None, bringing, rereading)
    return make_plan(targets, facts, bringing.limits if bringing else limits_of(engine))


def _awaited(reads: Sequence[Read], facts: Facts, limits: Limits) -> list[NotebookReport]:
    """What is verified in the store, for kernels to use while the rest is looked for."""
    plan = make_plan([target for read in reads for target in read.targets], facts, limits)
    return [
        report._replace(
            requirements=tuple(
                one._replace(files=tuple(file._replace(error=None) for file in one.files))
                for one in report.requirements
            )
        )
        for report, _ in _notebook_reports(reads, plan)
    ]


def _keep_look(
    lookout: Lookout, report: NotebookReport, declared: Declared | None, options: Options, *, synced: bool = False
) -> None:
    """Keep a look for the next glance; one with parameters is that of a single run."""
    if declared is not None and options.parameters == NO_PARAMETERS:
        keep_look(lookout, report, declared.notebook, options.variant, synced=synced)


def _notebook_reports(reads: Sequence[Read], plan: Plan) -> Iterator[tuple[NotebookReport, Declared | None]]:
    plans = iter(plan.requirements)
    for read in reads:
        requirements = tuple(RequirementReport.of(next(plans)) for _ in read.targets)
        asked = Asked(read.declared.notebook.metadata) if read.declared else None
        yield (
            NotebookReport(read.path, requirements, read.faults(), asked=asked, unusable=read.unusable()),
            read.declared,
        )


def _finished(
    engine: Engine, report: NotebookReport, plan: Plan, outcomes: Mapping[FileKey, Outcome]
) -> NotebookReport:
    requirements = []
    for requirement in report.requirements:
        files = tuple(_file_report(requirement.target, file, plan, outcomes) for file in requirement.files)
        finished = requirement._replace(files=files)
        if any(file.access is Access.STREAM for file in files):
            finished = _streamed(engine, finished)
        if finished.state == "ready":
            links = [(file.entry.did, file.where) for file in files if file.where is not None]
            # A folder that lacks the streamed files would pass for the whole.
            if len(links) == len(files):
                finished = finished._replace(folder=_folder(engine, requirement.target, links))
        requirements.append(finished)
    return report._replace(requirements=tuple(requirements))


def _folder(engine: Engine, target: Target, links: Sequence[tuple[Did, str]]) -> Path | None:
    """The folder of links to files that are all here. Where it cannot be made, they are usable all the same."""
    try:
        return engine.store.view(target.instance, target.requirement.did, links)
    except NbrucioError as error:
        engine.reporter.report(Noticed(f"There is no folder of links for {target.requirement.did}: {error.message}"))
        return None


def _streamed(engine: Engine, requirement: RequirementReport) -> RequirementReport:
    """``requirement`` with what its kernel needs to open its streamed files."""
    from nbrucio.catalogue.storage import storage_credentials

    instance = engine.config.instance(requirement.target.instance)
    found = storage_credentials(instance, os.environ, engine.config)
    token = found.token_place.told() if found.token_place else None
    return requirement._replace(ca=str(found.ca) if found.ca else None, token=token)


def _file_report(target: Target, file: FileReport, plan: Plan, outcomes: Mapping[FileKey, Outcome]) -> FileReport:
    outcome = outcomes.get((target.instance, file.entry.did))
    if file.access is Access.MISSING and outcome is not None and outcome.stored is not None:
        # The catalogue failed after it had told of this file, and so the plan could not name it.
        file = file._replace(access=Access.DOWNLOAD, error=None)
    if file.access is not Access.DOWNLOAD:
        return file
    if outcome is None:
        return file._replace(access=Access.MISSING, error=plan.refusal)
    if outcome.stored is None:
        return file._replace(access=Access.MISSING, error=outcome.error)
    fault = other_bytes(target, file.entry, outcome.stored.sha256)
    if fault is not None:
        return file._replace(access=Access.MISSING, error=fault)
    return file._replace(where=outcome.stored.where, stat=outcome.stored.stat)
