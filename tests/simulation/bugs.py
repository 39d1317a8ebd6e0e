"""Planted bugs: each takes one protection out of the product. A simulation that is worth its name finds them."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from nbrucio.core import planner
from nbrucio.core.eviction import FileUse
from nbrucio.core.files import FileEntry
from nbrucio.core.report import RequirementReport
from nbrucio.kernel import files, lookup
from nbrucio.notebook import ipynb
from nbrucio.operations import edit, grants
from nbrucio.pipeline import cache_writer, cached_status, eviction, resolve, run, status
from nbrucio.pipeline.eviction import CachedData
from nbrucio.pipeline.notebooks import with_drift
from nbrucio.state import replica_answers, status_cache
from nbrucio.state.notebook_uses import NotebookUses
from nbrucio.store import objects
from nbrucio.store.checksums import Sums
from nbrucio.store.objects import Examined, Objects
from nbrucio.store.partial import Partial
from nbrucio.store.record import Record
from nbrucio.store.session import Session
from nbrucio.transfer.allowance import Allowance
from nbrucio.transfer.worker import Worker
from tests.simulation import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing, and say that nothing is wrong."""


def _true(*_: Any) -> bool:
    return True


def _read_only(self: Worker, job: Any, host: str, sink: Any) -> None:
    source = self._context.sources.source(job.task.instance, job.left[0])
    assert source is not None
    self._read(job, host, sink, source)


_begin = Session.begin


def _under_its_final_name(self: Session, instance: str, entry: FileEntry, before_block: Any) -> Partial:
    partial, place = _begin(self, instance, entry, before_block), self._layout.place(instance, entry.did)
    with suppress(OSError):
        Path(partial.path).rename(place.path)
        partial.path = place.path
    return partial


_drift = with_drift


def _says_nothing(run: Any, notebook: Any) -> Any:
    found = _drift(run, notebook)
    return found._replace(requirements=tuple(one._replace(unchecked=None) for one in found.requirements))


_covers = grants.Grant.covers
_write = NotebookUses._write


def _in_pieces(target: Path, data: bytes, last_check: Any) -> None:
    last_check()
    descriptor = os.open(target, os.O_WRONLY | os.O_TRUNC)
    try:
        for part in (data[:100], data[100:]):
            os.write(descriptor, part)
    finally:
        os.close(descriptor)


def _whole_list(self: Objects, place: Any, _: str, entry: FileEntry, __: Any, **___: Any) -> Examined:
    return Examined(self.find(place, entry))


#: Name of each bug: what is replaced, and by what.
BUGS: dict[str, Sequence[tuple[Any, str, Any]]] = {
    "arriving bytes are not compared": [(Worker, "_attempt", _read_only)],
    "a file has its final name from the first byte": [(Session, "begin", _under_its_final_name)],
    "a record describes every file": [(Record, "describes", _true)],
    "a record proves every version": [(Sums, "proves", _true)],
    "a file that is read again is not compared": [(objects, "_problem", _nothing)],
    "verify believes the record": [(Objects, "examine", _whole_list)],
    "cells do not see that a file changed": [(files, "fault_of", _nothing), (lookup, "fault_of", _nothing)],
    "cells do not see that the declaration changed": [(lookup.Data, "outdated", _nothing)],
    "some files are enough": [(RequirementReport, "state", property(lambda one: "ready" if one.here else "missing"))],
    "a cached status outlives the files": [(status_cache, "_all_there", _true)],
    "a cached status outlives the declaration": [
        (cached_status, "request_digest", lambda *_: ""),
        (cache_writer, "request_digest", lambda *_: ""),
    ],
    "the remembered list is not used": [(resolve.Resolver, "_remembered", lambda *_: {})],
    "the lock is not used": [(resolve.Resolver, "_known", _nothing)],
    "a lock leaves an older remembered list": [(edit, "_keep", _nothing)],
    "a check finds no difference": [(resolve, "drift_words", _nothing)],
    "a check without an answer says nothing": [(status, "with_drift", _says_nothing)],
    "consent does not end": [(grants, "LIFETIME", timedelta(days=5_000))],
    "consent of a clock that was ahead counts": [(grants, "_CLOCKS", timedelta(days=5_000))],
    "consent to one thing is consent to all": [
        (grants.Grant, "covers", lambda one, instance, _, size, now: _covers(one, instance, one.did, size, now))
    ],
    "consent has no size": [(grants, "allowance", lambda *_: None)],
    "opening asks nobody": [(steps, "limited", lambda config, *_: config)],
    "the download limit is not kept": [(planner, "refusal", _nothing), (Allowance, "_spend", _nothing)],
    "cleaning does not know notebooks": [(CachedData, "needed", {})],
    "no data is recent": [(eviction, "FileUse", lambda last_s, protected: FileUse(last_s, protected is None))],
    "a sync does not record what it needs": [(run, "remember_use", _nothing)],
    "a pin ends with the next sync": [
        (NotebookUses, "_write", lambda one, use: _write(one, use._replace(pinned=False)))
    ],
    "a saved notebook is written in place": [(ipynb, "replace_file", _in_pieces)],
    "a changed notebook is overwritten": [(ipynb, "_refuse_if_changed", _nothing)],
    "answers of the future count": [(replica_answers, "_CLOCKS_NS", 10**20)],
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Take the protection out during the block."""
    with ExitStack() as stack:
        for owner, attribute, replacement in BUGS[name]:
            stack.enter_context(mock.patch.object(owner, attribute, replacement))
        yield
