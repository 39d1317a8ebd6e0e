"""Make the reports of notebooks from a plan and its downloads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.core.did import Did
from nbrucio.core.events import Noticed
from nbrucio.core.lock_errors import other_bytes
from nbrucio.core.plan import Access, FileKey, Plan, ResolvedRequirement
from nbrucio.core.planner import Availability, make_plan
from nbrucio.core.report import FileReport, NotebookReport, RequirementReport, SyncReport
from nbrucio.errors import NbrucioError
from nbrucio.kernel.asked import Asked
from nbrucio.pipeline.cached_status import instance_digests
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.known_replicas import with_replicas
from nbrucio.pipeline.notebooks import DeclaringNotebook, requirements_of

if TYPE_CHECKING:
    from nbrucio.transfer.types import Outcome


def planned(run: RunContext, notebooks: Sequence[DeclaringNotebook], plan: Plan) -> list[NotebookReport]:
    """Return the report of each notebook before any download."""
    plans, config = iter(plan.requirements), instance_digests(run.given)
    return [
        NotebookReport(
            notebook.path,
            tuple(_openable(run, RequirementReport.of(next(plans))) for _ in notebook.requirements),
            notebook.faults(),
            asked=Asked(notebook.declared.notebook.metadata) if notebook.declared else None,
            invalid=notebook.invalid(),
            config=config,
        )
        for notebook in notebooks
    ]


def verified(
    run: RunContext, notebooks: Sequence[DeclaringNotebook], availability: Availability
) -> list[NotebookReport]:
    """Return the report of each notebook with its verified stored files; missing files are not errors yet."""
    requirements = requirements_of(notebooks)
    reports = planned(run, notebooks, make_plan(requirements, availability, run.limits(requirements)))
    return [
        report._replace(requirements=tuple(_without_errors(requirement) for requirement in report.requirements))
        for report in reports
    ]


def _without_errors(requirement: RequirementReport) -> RequirementReport:
    return requirement._replace(files=tuple(file._replace(error=None) for file in requirement.files))


def finish(
    run: RunContext, reports: Iterable[NotebookReport], plan: Plan, outcomes: Mapping[FileKey, Outcome]
) -> list[NotebookReport]:
    """Return ``reports`` from `planned`, updated after the downloads of ``plan``. Create the folders of links."""
    plans = iter(plan.requirements)
    return [
        report._replace(
            requirements=tuple(
                with_replicas(run, _finished(run, one, plan, outcomes), next(plans), plan.replicas)
                for one in report.requirements
            )
        )
        for report in reports
    ]


def summary(run: RunContext, reports: Sequence[NotebookReport], outcomes: Mapping[FileKey, Outcome]) -> SyncReport:
    """Return the report of the whole run. Files that another process committed, or a killed run had completed, do not
    count as downloaded.
    """
    downloaded = [did for (_, did), outcome in outcomes.items() if outcome.stored and run.reporter.started(did)]
    return SyncReport(tuple(reports), len(downloaded), run.reporter.size_bytes, run.elapsed_s())


def _finished(
    run: RunContext, requirement: RequirementReport, plan: Plan, outcomes: Mapping[FileKey, Outcome]
) -> RequirementReport:
    files = tuple(_file_report(requirement.resolved, file, plan, outcomes) for file in requirement.files)
    finished = _streamed(run, requirement._replace(files=files))
    links = [(file.entry.did, file.where) for file in files if file.where is not None]
    lock = requirement.resolved.lock
    # A folder without the streamed files, or of a part, would seem complete.
    if finished.state == "ready" and len(links) == len(files) and (lock is None or lock.files == len(files)):
        finished = finished._replace(folder=_folder(run, requirement.resolved, links))
    return finished


def _folder(run: RunContext, resolved: ResolvedRequirement, links: Sequence[tuple[Did, str]]) -> Path | None:
    """Return the folder of links to the available files; they can also be used without it."""
    try:
        return run.store.view(resolved.instance, resolved.requirement.did, links)
    except NbrucioError as error:
        run.reporter.report(
            Noticed(f"The folder of links for {resolved.requirement.did} was not created: {error.message}")
        )
        return None


def _openable(run: RunContext, requirement: RequirementReport) -> RequirementReport:
    """Return ``requirement`` with the error of its streamed files if the CAs of their storage cannot be read.

    Only https needs these CAs: the libraries of root:// find their own.
    """
    if not any(_needs_cas(file) for file in requirement.files):
        return requirement
    from nbrucio.catalogue.credentials import ca_fault

    fault = ca_fault(run.config.instance(requirement.resolved.instance), os.environ)
    if fault is None:
        return requirement
    files = (file._replace(pfn=None, error=fault) if _needs_cas(file) else file for file in requirement.files)
    return requirement._replace(files=tuple(files))


def _needs_cas(file: FileReport) -> bool:
    return file.access is Access.STREAM and file.pfn is not None and file.pfn.startswith("https:")


def with_storage(run: RunContext, reports: Iterable[NotebookReport]) -> list[NotebookReport]:
    """Return ``reports`` with CAs and places of the tokens for streamed files, as the final ones have them."""
    return [
        report._replace(requirements=tuple(_streamed(run, requirement) for requirement in report.requirements))
        for report in reports
    ]


def _streamed(run: RunContext, requirement: RequirementReport) -> RequirementReport:
    """Return ``requirement`` with CAs and place of the token for its streamed files, if it has any."""
    if not any(file.access is Access.STREAM for file in requirement.files):
        return requirement
    from nbrucio.catalogue.credentials import storage_credentials

    instance = run.config.instance(requirement.resolved.instance)
    found = storage_credentials(instance, os.environ, run.config)
    token = found.token_place.as_json() if found.token_place else None
    return requirement._replace(ca=str(found.ca) if found.ca else None, token=token)


def _file_report(
    resolved: ResolvedRequirement, file: FileReport, plan: Plan, outcomes: Mapping[FileKey, Outcome]
) -> FileReport:
    outcome = outcomes.get((resolved.instance, file.entry.did))
    if file.access is Access.MISSING and outcome is not None and outcome.stored is not None:
        # The catalogue failed after it had listed this file's replicas: it was downloaded, but is not in the plan.
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
