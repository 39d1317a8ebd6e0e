"""Remember the results of a run, which saves the next one requests. Errors of writing them are reported only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from nbrucio.core.events import Noticed
from nbrucio.core.hosts import HostBook
from nbrucio.core.plan import Access
from nbrucio.core.report import NotebookReport
from nbrucio.core.requirement import NO_PARAMETERS, handle_of, lock_for
from nbrucio.errors import UnreadableFile
from nbrucio.notebook.declared import Declared
from nbrucio.pipeline.cache_writer import StatusRecorder, record_status
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.known_replicas import remember_replicas
from nbrucio.pipeline.notebooks import DeclaringNotebook
from nbrucio.pipeline.options import Options
from nbrucio.state.expiry import prune
from nbrucio.state.notebook_uses import UsedData
from nbrucio.state.resolutions import SavedLock
from nbrucio.state.status_cache import Stat


def remember(
    run: RunContext,
    recorder: StatusRecorder,
    notebooks: Sequence[DeclaringNotebook],
    reports: Sequence[NotebookReport],
    options: Options,
) -> None:
    """Remember the places of files, the content of each requirement, and the status of each notebook.

    Args:
        recorder: that of this run.
        notebooks: the resolved notebooks.
        reports: the published reports of the ``notebooks``.
        options: those of the sync.
    """
    for report in reports:
        remember_replicas(run, report.requirements)
    for notebook, report in zip(notebooks, reports, strict=True):
        if notebook.declared is not None:
            _remember_resolved(run, report, notebook.declared)
    downloaded = _downloaded(reports)
    if downloaded:
        recorder.store_changed(downloaded)
    remember_status(recorder.settled(), notebooks, reports, options)
    prune(run.config.store_path)


def remember_use(run: RunContext, notebooks: Iterable[DeclaringNotebook]) -> None:
    """Record which files the ``notebooks`` need before they are downloaded, so that cleaning the store keeps them."""
    for notebook in notebooks:
        if notebook.declared is None:
            continue
        locked = [(one, one.lock.digest) for one in notebook.requirements if one.lock is not None]
        data = [UsedData(one.requirement.handle, one.requirement.did, one.instance, digest) for one, digest in locked]
        unresolved = {
            (one.requirement.handle, one.requirement.did) for one in notebook.requirements if one.lock is None
        }
        try:
            if unresolved:  # an error now does not mean that the notebook no longer needs its files
                known = run.uses.read(notebook.declared.path)
                data += [one for one in known.data if (one.handle, one.did) in unresolved] if known else []
            for one, digest in locked:
                if run.resolutions.files(digest) is None:
                    run.resolutions.save_files(one.files)
            run.uses.save(notebook.declared.path, data)
        except UnreadableFile as error:
            run.reporter.report(Noticed(f"Which files {notebook.path} needs cannot be recorded: {error}"))
        except OSError:
            pass  # nothing can be removed from a store that cannot be written


def remember_status(
    recorder: StatusRecorder,
    notebooks: Sequence[DeclaringNotebook],
    reports: Sequence[NotebookReport],
    options: Options,
) -> None:
    """Remember the totals of ``reports`` for `nbrucio.pipeline.cached_status`.

    Totals of a run with parameters, or of a part, are valid for that run only and are not remembered.
    """
    if options.parameters != NO_PARAMETERS or options.part is not None:
        return
    for notebook, report in zip(notebooks, reports, strict=True):
        if notebook.declared is not None:
            record_status(recorder, report, notebook.declared.notebook, options.variant)


def _downloaded(reports: Iterable[NotebookReport]) -> dict[str, Stat]:
    return {
        file.where: file.stat
        for report in reports
        for requirement in report.requirements
        for file in requirement.files
        if file.access is Access.DOWNLOAD and file.where is not None and file.stat is not None
    }


def remember_rate(run: RunContext, size_bytes: int, elapsed_s: float) -> None:
    """Remember the rate of a download, from which the next estimate calculates the time."""
    with suppress(OSError):
        run.rate.save(size_bytes, elapsed_s)


def remember_hosts(run: RunContext, book: HostBook) -> None:
    """Remember what a run found out about storage, from which the next one begins."""
    with suppress(OSError):
        run.host_memory.save(book)


def _remember_resolved(run: RunContext, report: NotebookReport, declared: Declared) -> None:
    requirements = [r.resolved for r in report.requirements if r.resolved.lock is not None]
    try:
        own = declared.declaration.lock
        if any(lock_for(resolved.requirement, own) is None for resolved in requirements):
            handles = {requirement.handle for requirement in declared.declaration.requirements}
            lock = {key: e for key, e in run.resolutions.lock(declared.path).items() if handle_of(key) in handles}
            lock |= {r.requirement.lock_key: SavedLock(r.lock, r.instance) for r in requirements if r.lock is not None}
            run.resolutions.save_lock(declared.path, lock)
    except (OSError, UnreadableFile) as error:
        run.reporter.report(Noticed(f"The file list of {declared.path} cannot be saved in the store: {error}."))
