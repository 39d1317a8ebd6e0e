"""What kernels are told before a sync has looked, and when it could not."""

from __future__ import annotations

import shlex
from logging import Logger
from pathlib import Path

from nbrucio.config import load
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.errors import ConsentNeeded, NbrucioError
from nbrucio.kernel.asked import Asked
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError, path_for, says_nothing, write
from nbrucio.pipeline.publish import manifest_entry
from nbrucio.pipeline.status import status


def announce(report: NotebookReport, log: Logger) -> None:
    """Tell kernels at once what is here, and that the rest is looked for. A kernel that starts now waits for it.

    What goes wrong is logged: the sync that follows meets it too, and reports it.

    Args:
        report: what `status` says of the notebook now.
    """
    if any(requirement.state != "ready" for requirement in report.requirements):
        _write(report, None, log)


def refuse_unasked(path: Path, log: Logger, *, again: bool = False) -> None:
    """Tell kernels what is here of the notebook at ``path``, where opening one does nothing, unless they were told.

    Args:
        again: also when they were told, since what it declares has changed.
    """
    if again or says_nothing(path_for(path)):
        error = ConsentNeeded(
            "Opening a notebook downloads nothing here, by the setting 'on_open'.",
            subject=str(path),
            next_command=f"nbrucio sync {shlex.quote(str(path))}",
        )
        explain(path, error, log)


def explain(path: Path, error: NbrucioError, log: Logger) -> None:
    """Tell kernels that the sync ended by ``error``; what is here stays usable."""
    try:
        report = status([path], load()).notebooks[0]
    except NbrucioError as fault:
        log.warning("nbrucio: no kernel is told why %s failed: %s", path, fault)
        return
    _write(report, ManifestError.of(error), log)


def _write(report: NotebookReport, error: ManifestError | None, log: Logger) -> None:
    if not report.requirements:
        return
    try:
        entries = [_entry(requirement, report.asked, error) for requirement in report.requirements]
        write(Manifest.of(report.path, entries, report.config))
    except NbrucioError as fault:
        log.warning("nbrucio: kernels of %s are told nothing: %s", report.path, fault)


def _entry(requirement: RequirementReport, asked: Asked | None, error: ManifestError | None) -> ManifestEntry:
    entry = manifest_entry(requirement, asked, syncing=True)
    if entry.state == "ready":
        return entry
    return entry._replace(state="failed" if error else "syncing", files=(), folder=None, ca=None, error=error)
