"""Find out where files are, asking for no more than a plan needs to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nbrucio.catalogue.base import Replica
from nbrucio.config import Config
from nbrucio.did import Did
from nbrucio.engine import Engine
from nbrucio.errors import NbrucioError, Offline
from nbrucio.plan import Facts, FileKey, Target, lock_fault, wanted
from nbrucio.resolve import Question


def survey(engine: Engine, targets: Sequence[Target], question: Question) -> Facts:
    """Look where the files are: in the store first; only what is not there costs a question to the catalogue."""
    stored: dict[FileKey, Path] = {}
    refused: dict[FileKey, NbrucioError] = {}
    for target in targets:
        for entry in target.files:
            found = engine.store.find(target.instance, entry)
            if found is None:
                continue
            stored[target.instance, entry.did] = found.path
            fault = lock_fault(target, entry, found.sha256) if target.sha256 else None
            if fault is not None:
                refused[target.instance, entry.did] = fault
    mounted: dict[FileKey, Path] = {}
    replicas: dict[FileKey, tuple[Replica, ...]] = {}
    errors: dict[str, NbrucioError] = {}
    if not question.offline:
        sizes = {(target.instance, entry.did): entry.size_bytes for target in targets for entry in target.files}
        for instance, dids in wanted(targets, stored).items():
            try:
                answer = _replicas(engine, instance, dids)
                replicas.update(answer)
                mounted.update(_mounted(engine.config, instance, answer, sizes))
            except NbrucioError as error:
                errors[instance] = error
    return Facts(stored, mounted, replicas, errors, refused)


def _replicas(engine: Engine, instance: str, dids: Sequence[Did]) -> dict[FileKey, tuple[Replica, ...]]:
    answer: dict[FileKey, tuple[Replica, ...]] = {(instance, did): () for did in dids}
    try:
        for did, replicas in engine.catalogue(instance).replicas(dids):
            answer[instance, did] = replicas
    except Offline as error:
        missing = f"{len(dids):,} files are" if len(dids) > 1 else f"{dids[0]} is"
        raise Offline(
            f"{missing} not in the store, and {instance} cannot be reached: {error.message}",
            subject=instance,
            hint=error.hint,
            next_command=error.next_command,
        ) from error
    return answer


def _mounted(
    config: Config,
    identity: str,
    replicas: Mapping[FileKey, tuple[Replica, ...]],
    sizes: Mapping[FileKey, int | None],
) -> Iterator[tuple[FileKey, Path]]:
    """Files whose replica on a mounted RSE is really there, with the right size."""
    instance = config.instance(identity)
    for key, places in replicas.items():
        for replica in places if instance.mounts else ():
            path = instance.local_path(replica.rse, replica.pfn)
            if path is not None and _is_file(path, sizes.get(key)):
                yield key, path
                break


def _is_file(path: Path, size_bytes: int | None) -> bool:
    try:
        return path.is_file() and (size_bytes is None or path.stat().st_size == size_bytes)
    except OSError:
        return False
