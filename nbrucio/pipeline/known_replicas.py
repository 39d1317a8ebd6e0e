"""The replicas of files that a run knows, for the next run and for workers on other machines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import FileKey, FilePlan, RequirementPlan, ResolvedRequirement
from nbrucio.core.report import RequirementReport
from nbrucio.pipeline.context import RunContext

#: Of a larger requirement only the replicas that were used are recorded: all would double the time of its manifest.
_MAX_FILES = 10_000


def with_replicas(
    run: RunContext, report: RequirementReport, planned: RequirementPlan, answers: Mapping[FileKey, tuple[Replica, ...]]
) -> RequirementReport:
    """Return ``report`` with the replicas of its files: the used one, then those of Rucio's answer, else those that an
    earlier run recorded.

    Args:
        planned: the plan of the same requirement.
        answers: replicas that this run asked for.
    """
    resolved = report.resolved
    if resolved.lock is None:
        return report
    few = len(report.files) <= _MAX_FILES
    recorded = run.replica_places.read(resolved.instance, resolved.lock.digest) if few else {}

    def replicas(file: FilePlan) -> Iterable[Replica]:
        used = () if file.replica is None else (file.replica,)
        if not few:
            return used
        did = file.entry.did
        return dict.fromkeys((*used, *(answers.get((resolved.instance, did)) or recorded.get(did, ()))))

    found = (_sendable(replicas(file)) for file in planned.files)
    files = (file._replace(replicas=known) for file, known in zip(report.files, found, strict=True))
    return report._replace(files=tuple(files))


@contextmanager
def asking(
    run: RunContext,
    requirements: Iterable[ResolvedRequirement],
    instance: str,
    files: Mapping[Did, FileEntry],
    answers: Mapping[FileKey, tuple[Replica, ...]],
) -> Iterator[Mapping[Did, tuple[Replica, ...]]]:
    """Let processes of this machine that start at once ask for the replicas of ``files`` one after another: the first
    one records its ``answers`` at the end of the block for the others. Provide the recorded answer, unless it is older
    than this run by more than `SHARED_NS`.
    """
    shared = [
        (one.lock.digest, [entry.did for entry in one.files if entry.did in files])
        for one in requirements
        if one.instance == instance and one.lock is not None and len(one.files) <= _MAX_FILES
    ]
    lists = [(digest, dids) for digest, dids in shared if dids]
    if not lists:
        yield {}
        return
    name = hashlib.sha256("\n".join(sorted(digest for digest, _ in lists)).encode()).hexdigest()
    with run.resolutions.alone(f"sha256:{name}"):
        answered = {digest: run.replica_answers.read(instance, digest) for digest, _ in lists}
        known = {did: places for one in answered.values() for did, places in one.items() if did in files}
        yield known
        for digest, dids in lists:
            found = {did: _sendable(answers.get((instance, did), ())) for did in dids if did not in known}
            new = {did: places for did, places in found.items() if places}
            if new:
                with suppress(OSError):
                    run.replica_answers.save(instance, digest, {**answered[digest], **new})


def _sendable(replicas: Iterable[Replica]) -> tuple[Replica, ...]:
    """Return the replicas on disk whose URLs hold no credentials."""
    from nbrucio.transfer.urls import is_signed

    return tuple(one for one in replicas if not one.tape and not is_signed(one.pfn))


def remember_replicas(run: RunContext, requirements: Iterable[RequirementReport]) -> None:
    """Record the replicas of each file, and forget an answer that left a file unavailable: a second try asks again. A
    store that cannot be written costs the next run a request.
    """
    for report in requirements:
        lock, instance = report.resolved.lock, report.resolved.instance
        if lock is None:
            continue
        with suppress(OSError):
            places = {file.entry.did: file.replicas for file in report.files if file.replicas}
            run.replica_places.add(instance, lock.digest, places)
        if any(file.error is not None for file in report.files):
            run.replica_answers.forget(instance, lock.digest)
