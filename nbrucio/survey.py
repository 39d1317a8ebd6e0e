"""Find out where files are, asking for no more than a plan needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from nbrucio.catalogue.base import Replica
from nbrucio.config import Config
from nbrucio.did import Did
from nbrucio.engine import Engine
from nbrucio.errors import NbrucioError, Offline
from nbrucio.lockfaults import other_bytes
from nbrucio.plan import Facts, FileKey, Target, wanted
from nbrucio.resolve import Question
from nbrucio.store import Stored


def survey(
    engine: Engine, targets: Sequence[Target], question: Question, saw: Callable[[Stored], None] | None = None
) -> Facts:
    """Look where the files are: in the store, then where earlier runs had them; the rest is asked for.

    Args:
        saw: is told of each object that was found.
    """
    stored, refused = _stored(engine, targets, saw)
    mounted: dict[FileKey, Path] = {}
    replicas: dict[FileKey, tuple[Replica, ...]] = {}
    errors: dict[str, NbrucioError] = {}
    sizes = {(target.instance, entry.did): entry.size_bytes for target in targets for entry in target.files}
    for target in targets:
        known = _remembered(engine, target, stored)
        here = dict(_mounted(engine.config, target.instance, known, sizes)) if known else {}
        mounted.update(here)
        # What is streamed is asked for anew as long as somebody can be asked: replicas move.
        streamed = question.offline and target.requirement.access == "stream"
        replicas.update({key: known[key] for key in (known if streamed else here)})
    if not question.offline:
        for instance, dids in wanted(targets, {**stored, **mounted}).items():
            try:
                answer = _replicas(engine, instance, dids)
                replicas.update(answer)
                mounted.update(_mounted(engine.config, instance, answer, sizes))
            except NbrucioError as error:
                errors[instance] = error
    return Facts(stored, mounted, replicas, errors, refused)


def _stored(
    engine: Engine, targets: Sequence[Target], saw: Callable[[Stored], None] | None
) -> tuple[dict[FileKey, Path], dict[FileKey, NbrucioError]]:
    """What is in the store, and what of it has other bytes than a lock names."""
    stored: dict[FileKey, Path] = {}
    refused: dict[FileKey, NbrucioError] = {}
    for target in targets:
        for entry in target.files:
            found = engine.store.find(target.instance, entry)
            if found is None:
                continue
            stored[target.instance, entry.did] = found.path
            if saw is not None:
                saw(found)
            fault = other_bytes(target, entry, found.sha256) if target.sha256 else None
            if fault is not None:
                refused[target.instance, entry.did] = fault
    return stored, refused


def _remembered(engine: Engine, target: Target, stored: Mapping[FileKey, Path]) -> dict[FileKey, tuple[Replica, ...]]:
    """The replicas by which an earlier run had files of ``target`` that are not in the store."""
    if target.lock is None or all((target.instance, entry.did) in stored for entry in target.files):
        return {}
    places = engine.places.read(target.instance, target.lock.digest)
    wanted_files = {entry.did for entry in target.files}
    return {(target.instance, did): (replica,) for did, replica in places.items() if did in wanted_files}


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
