"""Data on the nodes of a Dask cluster.

The values of ``nbrucio.data["muons"]`` are plain paths, or PFNs of streamed files, and can be sent to workers. When the
workers do not share the notebook's store or mount, `SyncPlugin` downloads the data to each node::

    client.register_plugin(SyncPlugin("analysis.ipynb"))
    client.map(analyse, range(4))      # analyse() uses nbrucio.data["muons"] on its node
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
from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.kernel.where import MANIFEST_VARIABLE, NOTEBOOK_VARIABLE, manifest_name
from nbrucio.launch.environment import environment
from nbrucio.notebook import lock_file
from nbrucio.notebook.base import KEY
from nbrucio.notebook.declared import read_declared
from nbrucio.notebook.lock_file import LockFile
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.runners.prepare import private_runtime, refuse_unready

#: Length of the digest in a plugin's name.
_DIGEST_CHARS = 16
_STEM_CHARS = 80


class SyncPlugin(WorkerPlugin):  # type: ignore[misc] # distributed has no types here
    """Syncs a notebook's data on each node before its workers take tasks.

    Workers of one node share a store, so that each file is downloaded once per node. The plugin contains the
    declaration with its lock, but neither code nor outputs of the notebook. Instances and logins are those configured
    on the node.

    Tasks read the data of the plugin that was registered last, also on workers that join later. A plugin's name
    contains a digest of the declaration with its lock, the parameters and the store.

    Args:
        notebook: the notebook, which is read immediately.
        parameters: parameter values, for requirements that take their DID from one.
        store: folder of the store on the nodes, relative to the node's scratch folder; None means the configured store.

    Attributes:
        registered_ns: time of the last registration by the client's clock, in ns since the epoch.
        former: resources of an earlier registration of this plugin, closed once the data is ready.

    Raises:
        BadNotebook, BadDeclaration, UnreadableFile: the notebook or its lock file cannot be read.
        NbrucioError: raised by ``client.register_plugin`` when the data of a node is incomplete.
    """

    # A replaced plugin must take effect when it is registered again. That costs one sync without downloads.
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
        """Return a digest of everything that selects the data."""
        store = None if self._store is None else str(self._store)
        text = json.dumps([self._value, self._parameters, store], sort_keys=True, default=repr)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]

    async def setup(self, worker: Worker) -> None:
        """Download the data in a thread, so that the worker's event loop continues its heartbeat."""
        self._open, self.former = ExitStack(), ExitStack()
        await asyncio.sleep(0)  # a joining worker receives all plugins at once
        try:
            if not any(
                isinstance(one, SyncPlugin) and one.registered_ns > self.registered_ns
                for one in worker.plugins.values()
            ):
                await asyncio.to_thread(self._prepare, Path(worker.local_directory))
        finally:
            self.former.close()

    def teardown(self, worker: Worker) -> None:
        """Withdraw the data from tasks; the files stay in the node's store."""
        # When the plugin is registered again, tasks continue to read until its data is ready.
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
        self._open.callback(_TASKS.set_variables, self, None)
        variables = {NOTEBOOK_VARIABLE: str(notebook), MANIFEST_VARIABLE: str(runtime / manifest_name(notebook))}
        try:
            config = load()
            if self._store is not None:
                # The scratch folders of a node's workers have one parent folder.
                config = config._replace(store_path=scratch.parent / self._store)
            report = sync([notebook], config, options=Options(parameters=self._parameters, runtime=runtime))
            refuse_unready(report.notebooks[0])
        finally:
            _TASKS.set_variables(self, variables)  # also after a failure: tasks must not read an earlier plugin's data

    def __getstate__(self) -> dict[str, Any]:
        state = {key: value for key, value in vars(self).items() if key not in ("_open", "former")}
        return state | {"registered_ns": time.time_ns()}  # registering a plugin pickles it


class _Tasks:
    """Environment variables for the tasks of this process, from the newest of several plugins or workers."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._variables: dict[SyncPlugin, Mapping[str, str]] = {}
        self._shown = ExitStack()

    def set_variables(self, plugin: SyncPlugin, variables: Mapping[str, str] | None) -> None:
        """Set the environment variables of ``plugin``; None removes them."""
        with self._guard:
            self._variables.pop(plugin, None)
            if variables is not None:
                self._variables[plugin] = variables
            newest = max(self._variables, key=lambda one: one.registered_ns, default=None)
            self._shown.close()
            if newest is not None:
                self._shown.enter_context(environment(self._variables[newest]))


_TASKS = _Tasks()
