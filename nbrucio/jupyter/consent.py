"""What a sync that nobody asked for may download: what was granted, within the budget of opening a notebook."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from logging import Logger
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.files import total_bytes
from nbrucio.core.planner import Wanted
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import ConsentNeeded, OverBudget, UnreadableFile
from nbrucio.operations.grants import Grant, Grants, allowance
from nbrucio.pipeline.publish import publish


def limited(
    config: Config, report: NotebookReport, budget_bytes: int | None, grants: Grants, under_way: Sequence[Grant] = ()
) -> Config:
    """``config`` with a download limit that allows what may come without asking: nothing, unless all of it is granted.

    Args:
        report: what `status` says of the notebook now.
        under_way: what a sync of it that did not end was asked for.
    """
    missing = list(_missing(report))
    asked = allowance(under_way, missing)
    # What was asked for before the server ended was no opening, so the budget of one is no limit to it.
    limits = (budget_bytes, grants.allowance(missing)) if asked == 0 else (asked,)
    limits = (config.policy.max_download_bytes, *limits)
    known = [limit for limit in limits if limit is not None]
    return config._replace(policy=config.policy._replace(max_download_bytes=min(known, default=None)))


def _missing(report: NotebookReport) -> Iterator[tuple[str, Did, int]]:
    for requirement in report.requirements:
        if requirement.state != "ready":
            target = requirement.resolved
            yield target.instance, target.requirement.did, requirement.missing_bytes


def agree(grants: Grants, wanted: Iterable[Wanted], log: Logger) -> None:
    """Keep that the user asked for these downloads, so that opening a notebook downloads them again."""
    try:
        grants.extend(wanted)
    except (OSError, UnreadableFile) as error:
        log.warning("nbrucio: the consent to download could not be kept: %s", error)


def ask_for_consent(report: NotebookReport) -> NotebookReport:
    """``report`` with consent asked for where the limit of `limited` stood in the way; kernels are told the same."""
    requirements = tuple(_ask(requirement, report.path) for requirement in report.requirements)
    if requirements == report.requirements:
        return report
    return publish([report._replace(requirements=requirements)])[0]


def _ask(requirement: RequirementReport, path: Path) -> RequirementReport:
    refused = [file for file in requirement.files if isinstance(file.error, OverBudget)]
    if not refused:
        return requirement
    size = total_bytes(file.entry.size_bytes for file in refused)
    error = ConsentNeeded(
        f"{plural(len(refused), 'file')}, {human_bytes(size)}, would be downloaded, and nobody has agreed to that yet.",
        subject=str(requirement.resolved.requirement.did),
        next_command=f"nbrucio sync {shlex.quote(str(path))}",
    )
    return requirement._replace(
        files=tuple(f._replace(error=error) if isinstance(f.error, OverBudget) else f for f in requirement.files),
    )
