"""Publish the reports of a run to kernels, through manifests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.errors import BadConfig, NoSpace
from nbrucio.kernel.asked import Asked
from nbrucio.kernel.where import RUNTIME_VARIABLE
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError, ManifestFile, State
from nbrucio.pipeline.manifest_files import write
from nbrucio.store.inodes import stable_inode


def publish(
    reports: Iterable[NotebookReport],
    *,
    syncing: bool = False,
    runtime: Path | None = None,
    arrivals: str | None = None,
) -> list[NotebookReport]:
    """Write the manifest of each notebook. Return the reports with its path or with the error of writing it.

    Args:
        syncing: whether missing files are being downloaded.
        runtime: the folder for the manifests; None means this user's runtime folder.
        arrivals: the run whose files kernels get as they arrive; None without one.
    """
    environ = os.environ if runtime is None else {RUNTIME_VARIABLE: str(runtime)}
    return [_publish(report, environ, syncing=syncing, arrivals=arrivals) for report in reports]


def _publish(
    report: NotebookReport, environ: Mapping[str, str], *, syncing: bool, arrivals: str | None
) -> NotebookReport:
    if not report.requirements and report.faults:
        return report
    entries = [manifest_entry(requirement, report.asked, syncing=syncing) for requirement in report.requirements]
    try:
        manifest = Manifest.of(report.path, entries, report.config)._replace(arrivals=arrivals)
        return report._replace(manifest=write(manifest, environ))
    except (BadConfig, NoSpace) as error:
        return report._replace(faults=(*report.faults, error))


def manifest_entry(requirement: RequirementReport, asked: Asked | None, *, syncing: bool) -> ManifestEntry:
    """Return the entry of a requirement in the manifest.

    Args:
        asked: the requests of its notebook, see `nbrucio.kernel.asked`.
        syncing: whether missing files are being downloaded.
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
            replicas=file.replicas,
        )
        for file in requirement.here
    )
    return ManifestEntry(
        handle=resolved.requirement.handle,
        did=str(resolved.requirement.did),
        instance=resolved.instance or None,
        state=state,
        files=tuple(files),
        folder=str(requirement.folder) if requirement.folder else None,
        error=ManifestError.of(errors[0]) if state == "failed" and errors else None,
        bind=resolved.requirement.extra.get("bind") is True,
        ca=requirement.ca,
        objects=objects,
        answers=answer_to(asked, resolved) if asked else None,
        token=requirement.token,
    )


def _objects(requirement: RequirementReport) -> tuple[str, int] | None:
    """Return the folder of the store's objects and its inode, if the requirement has files there and inodes are
    stable.
    """
    where = next((file.where for file in requirement.files if file.stat is not None), None)
    if where is None:
        return None
    folder = str(Path(where).parents[2])
    inode = stable_inode(folder)
    return None if inode is None else (folder, inode)


def answer_to(asked: Asked, resolved: ResolvedRequirement) -> Mapping[str, object] | None:
    """Return the requests that ``resolved`` answers; None if its notebook does not declare its handle."""
    digest = resolved.lock.digest if resolved.lock else None
    return asked.answer(resolved.requirement.handle, resolved.requirement.lock_key, digest, resolved.instance or None)
