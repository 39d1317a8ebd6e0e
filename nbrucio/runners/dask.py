"""Data on the nodes of a Dask cluster.

What ``nbrucio.data["muons"]`` gives travels to workers as plain paths, or PFNs where it is streamed. Where the workers
do not share the store or mount of the notebook, `SyncPlugin` brings the data to each node::

    client.register_plugin(SyncPlugin("analysis.ipynb"))
    client.map(analyse, range(4))      # analyse() asks nbrucio.data["muons"] where it runs
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin

from nbrucio.config import load
from nbrucio.core.declaration import NO_PARAMETERS
from nbrucio.kernel.where import MANIFEST_VARIABLE, NOTEBOOK_VARIABLE, manifest_name
from nbrucio.launch.environment import environment
from nbrucio.notebook import lock_file
from nbrucio.notebook.base import KEY
from nbrucio.notebook.declared import read_declared
from nbrucio.notebook.lock_file import LockFile
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.runners.prepare import private_runtime, refuse_unready

#: Of the digest in a plugin's name.
_DIGEST_CHARS = 16
_STEM_CHARS = 80


class SyncPlugin(WorkerPlugin):  # type: ignore[misc] # distributed has no types here
    """Syncs what a notebook declares on each node before its workers take tasks.

    Workers of one node share a store, so that each file comes to the node once. The declaration travels with its
    lock, the notebook's code and outputs do not; instances and logins are those that are configured on the node.

    Tasks read the data of the plugin that was registered last, also on workers that join later. The name says which
    data that is: it holds a digest of the declaration with its lock, the parameters and the store.

    Args:
        notebook: whose data; read here and now.
        parameters: the values for requirements that take their DID from one.
        store: the folder of the store on the nodes; a relative one is below the node's scratch folder. None is the
            store that is configured there.

    Attributes:
        registered_ns: when it was registered last, by the clock of the client.
        former: what to close once its data is ready: the same plugin, as it was registered before.

    Raises:
        BadNotebook, BadDeclaration, UnreadableFile: the notebook or its long lists cannot be read.
        NbrucioError: from ``client.register_plugin``, when a node cannot have the data.
    """

    # A plugin that was replaced by another must take effect when it is registered again. That costs a sync which finds
    # everything in the store.
    idempotent = False

    def __init__(
        self,
        notebook: str | os.PathLike[str],
        parameters: Mapping[str, object] = NO_PARAMETERS,
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        path = Path(notebook)
        declaration = read_declared(path).declaration
        digests = frozenset(entry.digest for entry in declaration.lock.values())
        beside = lock_file.read(path).restricted_to(digests)
        self._value = declaration.as_json()
        self._beside = dict(beside.lists), {digest: dict(sums) for digest, sums in beside.sha256.items()}
        self._parameters = dict(parameters)
        self._store = None if store is None else Path(store)
        self.registered_ns = 0
        self.name = f"nbrucio-{path.name[:_STEM_CHARS]}-{self._digest()}"

    def _digest(self) -> str:
        """Stands for all that decides which data tasks read."""
        store = None if self._store is None else str(self._store)
        text = json.dumps([self._value, self._parameters, store], sort_keys=True, default=repr)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]

    async def setup(self, worker: Worker) -> None:
        """Download the data, beside the worker's event loop: its heartbeat goes on."""
        self._open, self.former = ExitStack(), ExitStack()
        await asyncio.sleep(0)  # a worker that joins is given all plugins at once
        try:
            if not any(
                isinstance(one, SyncPlugin) and one.registered_ns > self.registered_ns
                for one in worker.plugins.values()
            ):
                await asyncio.to_thread(self._prepare, Path(worker.local_directory))
        finally:
            self.former.close()

    def teardown(self, worker: Worker) -> None:
        """Forget the data; the files stay in the node's store."""
        # Where the plugin is registered once more, tasks go on reading until its data is ready again.
        asyncio.get_running_loop().call_soon(self._leave, worker)

    def _leave(self, worker: Worker) -> None:
        successor = worker.plugins.get(self.name)
        if isinstance(successor, SyncPlugin):
            successor.former.push(self._open)
        else:
            self._open.close()

    def _prepare(self, scratch: Path) -> None:
        content = {"cells": [], "metadata": {KEY: self._value}, "nbformat": 4, "nbformat_minor": 5}
        notebook = scratch / f"{self.name}.ipynb"
        notebook.write_text(json.dumps(content), encoding="utf-8")
        if any(self._beside):
            lock_file.add(notebook, LockFile(*self._beside))
        runtime = self._open.enter_context(private_runtime())
        self._open.callback(_TASKS.tell, self, None)
        told = {NOTEBOOK_VARIABLE: str(notebook), MANIFEST_VARIABLE: str(runtime / manifest_name(notebook))}
        try:
            config = load()
            if self._store is not None:
                # The scratch folders of a node's workers stand side by side.
                config = config._replace(store_path=scratch.parent / self._store)
            report = sync([notebook], config, options=Options(parameters=self._parameters, runtime=runtime))
            refuse_unready(report.notebooks[0])
        finally:
            _TASKS.tell(self, told)  # also of a failure: what an earlier plugin downloaded is other data

    def __getstate__(self) -> dict[str, Any]:
        kept = {key: value for key, value in vars(self).items() if key not in ("_open", "former")}
        return kept | {"registered_ns": time.time_ns()}  # to register a plugin is to pickle it


class _Tasks:
    """What the tasks of this process are told, where several plugins or workers tell: by the newest plugin."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._told: dict[SyncPlugin, Mapping[str, str]] = {}
        self._shown = ExitStack()

    def tell(self, plugin: SyncPlugin, variables: Mapping[str, str] | None) -> None:
        """Have tasks find these environment variables; None takes back those of ``plugin``."""
        with self._guard:
            self._told.pop(plugin, None)
            if variables is not None:
                self._told[plugin] = variables
            newest = max(self._told, key=lambda one: one.registered_ns, default=None)
            self._shown.close()
            if newest is not None:
                self._shown.enter_context(environment(self._told[newest]))


_TASKS = _Tasks()
