"""Limits the downloads when a notebook opens to the user's grants and the opening budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from logging import Logger
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.files import total_bytes
from nbrucio.core.planner import Wanted
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import ConsentNeeded, MissingDependency, OverBudget, UnreadableFile
from nbrucio.kernel.quoting import quoted_path
from nbrucio.operations.grants import Grant, Grants, allowance


def limited(
    config: Config, report: NotebookReport, budget_bytes: int | None, grants: Grants, under_way: Sequence[Grant] = ()
) -> Config:
    """Return ``config`` with the download limit for opening: 0, unless all missing data is granted.

    Args:
        report: the present status of the notebook.
        under_way: the downloads of its interrupted sync.
    """
    missing = list(_missing(report))
    asked = allowance(under_way, missing)
    # The user started the interrupted sync, so the opening budget does not limit it.
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
    """Remember that the user started these downloads, so that opening a notebook may download them again."""
    try:
        grants.extend(wanted)
    except (OSError, UnreadableFile, MissingDependency) as error:
        log.warning("nbrucio: the consent to download could not be saved: %s", error)


def ask_for_consent(report: NotebookReport) -> NotebookReport:
    """Return ``report`` with a request for consent in place of each download that `limited` refused."""
    return report._replace(requirements=tuple(_ask(requirement, report.path) for requirement in report.requirements))


def _ask(requirement: RequirementReport, path: Path) -> RequirementReport:
    refused = [file for file in requirement.files if isinstance(file.error, OverBudget)]
    if not refused:
        return requirement
    size = total_bytes(file.entry.size_bytes for file in refused)
    error = ConsentNeeded(
        f"Downloading {plural(len(refused), 'file')}, {human_bytes(size)}, needs your consent.",
        subject=str(requirement.resolved.requirement.did),
        next_command=f"nbrucio sync {quoted_path(path)}",
    )
    return requirement._replace(
        files=tuple(f._replace(error=error) if isinstance(f.error, OverBudget) else f for f in requirement.files),
    )
