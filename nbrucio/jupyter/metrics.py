"""Counters for operators, which Jupyter's server shows at ``/metrics``. No label names a user, a notebook or data."""

from __future__ import annotations

from prometheus_client import Counter

from nbrucio.errors import NbrucioError
from nbrucio.jupyter.sync_job import SyncResult
from nbrucio.pipeline.progress import Progress

_SYNCS = Counter("nbrucio_syncs", "Syncs of notebooks that ended, also those with nothing to download.", ["state"])
_BYTES = Counter("nbrucio_downloaded_bytes", "Bytes that syncs of notebooks downloaded or resumed.")
_FAILURES = Counter("nbrucio_failures", "Errors of syncs of notebooks, by the code of the error.", ["code"])


def count(progress: Progress, ended: SyncResult | NbrucioError) -> None:
    """Count a sync: ``complete``, ``incomplete`` where data is not ready, or ``failed`` as a whole."""
    _BYTES.inc(progress.bytes_done)
    if isinstance(ended, NbrucioError):
        state, codes = "failed", [ended.code]
    else:
        complete = set(ended.states.values()) <= {"ready"} and not ended.faults
        state = "complete" if complete else "incomplete"
        codes = [*ended.faults, *(str(error["code"]) for errors in ended.errors.values() for error in errors)]
    _SYNCS.labels(state).inc()
    for code in codes:
        _FAILURES.labels(code).inc()
