"""The manifest for kernels before a sync has its status, and after a sync that failed."""

from __future__ import annotations

from logging import Logger
from pathlib import Path

from nbrucio.config import load
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.errors import ConsentNeeded, NbrucioError
from nbrucio.kernel.asked import Asked
from nbrucio.kernel.quoting import quoted_path
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError
from nbrucio.pipeline.manifest_files import is_empty, path_for, write
from nbrucio.pipeline.publish import manifest_entry
from nbrucio.pipeline.status import status


def announce(report: NotebookReport, log: Logger) -> None:
    """Publish ready data, and mark the rest as being synced, so that a starting kernel waits for it.

    Errors are logged only, because the sync that follows reports them.

    Args:
        report: the present status of the notebook.
    """
    if any(requirement.state != "ready" for requirement in report.requirements):
        _write(report, None, log)


def refuse_unasked(path: Path, log: Logger, *, again: bool = False) -> None:
    """Publish ready data of the notebook at ``path`` if opening does nothing, unless it is already published.

    Args:
        again: publish again, because the declaration has changed.
    """
    if again or is_empty(path_for(path)):
        error = ConsentNeeded(
            "The setting 'on_open' of this server does not allow downloads when a notebook opens.",
            subject=str(path),
            next_command=f"nbrucio sync {quoted_path(path)}",
        )
        explain(path, error, log)


def explain(path: Path, error: NbrucioError, log: Logger) -> None:
    """Publish that the sync failed with ``error``; ready data stays usable."""
    try:
        report = status([path], load()).notebooks[0]
    except NbrucioError as fault:
        log.warning("nbrucio: the failure of %s was not published to its kernels: %s", path, fault)
        return
    _write(report, ManifestError.of(error), log)


def _write(report: NotebookReport, error: ManifestError | None, log: Logger) -> None:
    if not report.requirements:
        return
    try:
        entries = [_entry(requirement, report.asked, error) for requirement in report.requirements]
        write(Manifest.of(report.path, entries, report.config))
    except NbrucioError as fault:
        log.warning("nbrucio: no manifest was written for the kernels of %s: %s", report.path, fault)


def _entry(requirement: RequirementReport, asked: Asked | None, error: ManifestError | None) -> ManifestEntry:
    entry = manifest_entry(requirement, asked, syncing=True)
    if entry.state == "ready":
        return entry
    return entry._replace(state="failed" if error else "syncing", folder=None, ca=None, error=error)
