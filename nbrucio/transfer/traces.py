"""Sends traces of downloads to Rucio, like rucio-clients, because sites place data by them. Never fails a transfer."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing, suppress
from typing import Any

from nbrucio.core.files import Replica
from nbrucio.disk.threads import DaemonThread
from nbrucio.transfer.curl_pool import CurlHandle, curl_options
from nbrucio.transfer.errors import Shortage
from nbrucio.transfer.types import StorageAccess, Task, TraceTarget, TransferLimits

#: Largest number of traces per request, and seconds to collect them.
_BATCH = 500
_GATHER_S = 2.0
#: Seconds after which a trace host is dropped for this run, and seconds to wait at the end for unsent traces.
_TIMEOUT_S = 5.0
_LAST_WAIT_S = 1.0
_LIMITS = TransferLimits(connect_s=_TIMEOUT_S)

_Item = tuple[str, dict[str, Any]]


class Traces:
    """Sends traces in a thread of its own. Never raises; traces that cannot be sent are dropped.

    Args:
        targets: trace host of each instance; no traces are sent for others.
    """

    def __init__(self, targets: Mapping[str, TraceTarget]) -> None:
        self._targets = dict(targets)
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._run_id = uuid.uuid4().hex

    def add(self, task: Task, replica: Replica, began: float) -> None:
        """Add the trace of a download from ``replica`` that began at ``began`` (seconds since the epoch)."""
        target = self._targets.get(task.instance)
        if target is None:
            return
        self._items.put((task.instance, self._trace(task, replica, target, began)))
        with self._guard:
            if self._thread is None:
                thread = DaemonThread(self._send_all, "nbrucio-traces")
                with suppress(RuntimeError):  # no more threads: a trace is no reason to fail
                    thread.start()
                    self._thread = thread

    def close(self) -> None:
        """Send the remaining traces; wait at most `_LAST_WAIT_S`."""
        self._items.put(None)
        if self._thread is not None:
            self._thread.join(_LAST_WAIT_S)

    def _trace(self, task: Task, replica: Replica, target: TraceTarget, began: float) -> dict[str, Any]:
        """Return the keys that DownloadClient sends; their schema is in rucio/core/trace.py."""
        trace = {
            "hostname": socket.gethostname(),
            "localSite": "",
            "account": target.account,
            "eventType": "download",
            "eventVersion": "nbrucio",
            "uuid": self._run_id,
            "scope": task.entry.did.scope,
            "filename": task.entry.did.name,
            "datasetScope": "",
            "dataset": "",
            "filesize": task.entry.size_bytes,
            "remoteSite": replica.rse,
            "protocol": replica.scheme,
            "transferStart": began,
            "transferEnd": time.time(),
            "clientState": "DONE",
            "stateReason": "OK",
        }
        return trace if target.vo is None else {**trace, "vo": target.vo}

    def _send_all(self) -> None:
        last = False
        while not last:
            batches, last = self._gather()
            for instance, traces in batches.items():
                target = self._targets.get(instance)
                if target is not None and not _send(target, traces):
                    del self._targets[instance]

    def _gather(self) -> tuple[dict[str, list[dict[str, Any]]], bool]:
        """Return the traces of one batch by instance, and whether it is the last."""
        batches: dict[str, list[dict[str, Any]]] = defaultdict(list)
        deadline = time.monotonic() + _GATHER_S
        for _ in range(_BATCH):
            try:
                item = self._items.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if item is None:
                return batches, True
            batches[item[0]].append(item[1])
        return batches, False


def _send(target: TraceTarget, traces: list[dict[str, Any]]) -> bool:
    """Send traces; return whether the host accepted them."""
    try:
        import pycurl
    except ImportError:
        return False
    options = curl_options(StorageAccess(ca=target.ca), _LIMITS, with_certificate=False)
    try:
        with closing(CurlHandle(options)) as handle:
            handle.set(
                URL=target.url.rstrip("/") + "/traces/",
                HTTPHEADER=["Content-Type: application/json"],
                COPYPOSTFIELDS=json.dumps(traces),
                TIMEOUT_MS=round(_TIMEOUT_S * 1000),
                WRITEFUNCTION=len,  # discard the response
            )
            handle.curl.perform()
            return bool(200 <= handle.curl.getinfo(pycurl.RESPONSE_CODE) < 300)
    except (pycurl.error, Shortage):
        return False
