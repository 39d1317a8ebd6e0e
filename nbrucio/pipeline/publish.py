"""Hand a run's result to those who come after: kernels by the manifest, the next sync by what is remembered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from nbrucio.core.declaration import handle_of, lock_for
from nbrucio.core.events import Noticed
from nbrucio.core.plan import Plan, ResolvedRequirement
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.errors import BadConfig, UnreadableFile
from nbrucio.kernel.asked import Asked
from nbrucio.kernel.where import RUNTIME_VARIABLE
from nbrucio.notebook.declared import Declared
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError, ManifestFile, State, write
from nbrucio.state.resolutions import SavedLock
from nbrucio.store.inodes import stable_inode


def publish(
    reports: Iterable[NotebookReport], *, syncing: bool = False, runtime: Path | None = None
) -> list[NotebookReport]:
    """Write the manifest of each notebook; returns the reports with its path, or with the error that prevented it.

    Args:
        syncing: whether what is not here yet is on its way.
        runtime: the folder for the manifests; None means this user's runtime folder.
    """
    environ = os.environ if runtime is None else {RUNTIME_VARIABLE: str(runtime)}
    return [_publish(report, environ, syncing=syncing) for report in reports]


def _publish(report: NotebookReport, environ: Mapping[str, str], *, syncing: bool) -> NotebookReport:
    if not report.requirements and report.faults:
        return report
    entries = [manifest_entry(requirement, report.asked, syncing=syncing) for requirement in report.requirements]
    try:
        return report._replace(manifest=write(Manifest.of(report.path, entries), environ))
    except BadConfig as error:
        return report._replace(faults=(*report.faults, error))


def manifest_entry(requirement: RequirementReport, asked: Asked | None, *, syncing: bool) -> ManifestEntry:
    """What kernels are told of a requirement.

    Args:
        asked: what its notebook asks for.
        syncing: whether what is not here yet is on its way.
    """
    resolved = requirement.resolved
    errors = tuple(requirement.errors())
    state: State = "ready" if requirement.state == "ready" else "syncing" if syncing and not errors else "failed"
    objects = _objects(requirement)
    files = (
        ManifestFile(
            did=str(file.entry.did),
            path=file.where,
            pfn=file.pfn,
            bytes=file.entry.size_bytes,
            checksum=file.entry.checksum,
            stat=None if file.stat is None else (*file.stat[:2], file.stat[2] if objects else None),
        )
        for file in requirement.here
    )
    return ManifestEntry(
        handle=resolved.requirement.handle,
        did=str(resolved.requirement.did),
        instance=resolved.instance or None,
        state=state,
        files=tuple(files) if state == "ready" else (),
        folder=str(requirement.folder) if requirement.folder else None,
        error=ManifestError.of(errors[0]) if state == "failed" and errors else None,
        bind=resolved.requirement.extra.get("bind") is True,
        ca=requirement.ca,
        objects=objects,
        answers=answer_to(asked, resolved) if asked else None,
        token=requirement.token,
    )


def _objects(requirement: RequirementReport) -> tuple[str, int] | None:
    """The folder of the store's objects and its inode, if the requirement has files there and inodes last."""
    where = next((file.where for file in requirement.files if file.stat is not None), None)
    if where is None:
        return None
    folder = str(Path(where).parents[2])
    inode = stable_inode(folder)
    return None if inode is None else (folder, inode)


def answer_to(asked: Asked, resolved: ResolvedRequirement) -> Mapping[str, object] | None:
    """What a notebook that asks this is answered by ``resolved``; None when it asks nothing under its handle."""
    digest = resolved.lock.digest if resolved.lock else None
    return asked.answer(resolved.requirement.handle, resolved.requirement.lock_key, digest, resolved.instance or None)


def keep_resolved(run: RunContext, report: NotebookReport, declared: Declared | None) -> None:
    """Remember what each requirement resolved to, so that the next sync asks nobody.

    A store that cannot be written costs the next sync some requests, so it is mentioned and stops nothing.
    """
    if declared is None:
        return
    requirements = [r.resolved for r in report.requirements if r.resolved.lock is not None]
    try:
        for resolved in requirements:
            if resolved.lock is not None and run.resolutions.files(resolved.lock.digest) is None:
                run.resolutions.save_files(resolved.files)
        own = declared.declaration.lock
        if any(lock_for(resolved.requirement, own) is None for resolved in requirements):
            handles = {requirement.handle for requirement in declared.declaration.requirements}
            lock = {key: e for key, e in run.resolutions.lock(declared.path).items() if handle_of(key) in handles}
            lock |= {t.requirement.lock_key: SavedLock(t.lock, t.instance) for t in requirements if t.lock is not None}
            run.resolutions.save_lock(declared.path, lock)
    except (OSError, UnreadableFile) as error:
        run.reporter.report(Noticed(f"What was resolved could not be kept in the store: {error}."))


def keep_places(run: RunContext, plan: Plan) -> None:
    """Remember where files outside the store are had; without that the next sync asks, which stops nothing."""
    for requirement in plan.requirements:
        resolved = requirement.resolved
        places = {file.entry.did: file.replica for file in requirement.files if file.replica is not None}
        if places and resolved.lock and places != run.replica_places.read(resolved.instance, resolved.lock.digest):
            with suppress(OSError):
                run.replica_places.save(resolved.instance, resolved.lock.digest, places)


def keep_rate(run: RunContext, size_bytes: int, elapsed_s: float) -> None:
    """Remember how quickly this run brought data; without that the next plan tells no time, which stops nothing."""
    with suppress(OSError):
        run.rate.save(size_bytes, elapsed_s)
