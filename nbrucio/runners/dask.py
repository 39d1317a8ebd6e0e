"""Data on the nodes of a Dask cluster.

What ``nbrucio.data["muons"]`` gives travels to workers as plain paths, or PFNs where it is streamed. Where the workers
do not share the store or mount of the notebook, `SyncPlugin` brings the data to each node::

    client.register_plugin(SyncPlugin("analysis.ipynb"))
    client.map(analyse, range(4))      # analyse() asks nbrucio.data["muons"] where it runs
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin

from nbrucio.config import load
from nbrucio.declaration import NO_PARAMETERS
from nbrucio.notebook import KEY
from nbrucio.resolve import read_declared
from nbrucio.runners.environment import environment
from nbrucio.runners.prepare import ready


class SyncPlugin(WorkerPlugin):  # type: ignore[misc] # distributed has no types here
    """Syncs what a notebook declares on each node before its workers take tasks.

    Workers of one node share a store, so that each file comes to the node once. The declaration travels with the
    plugin, the notebook's code and outputs do not; instances and logins are those that are configured on the node.

    Args:
        notebook: whose data; read here and now.
        parameters: the values for requirements that take their DID from one.
        store: the folder of the store on the nodes; a relative one is below the node's scratch folder. None is the
            store that is configured there.

    Raises:
        BadNotebook, BadDeclaration: the notebook cannot be read.
        NbrucioError: from ``client.register_plugin``, when a node cannot have the data.
    """

    idempotent = True

    def __init__(
        self,
        notebook: str | os.PathLike[str],
        parameters: Mapping[str, object] = NO_PARAMETERS,
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        path = Path(notebook)
        self.name = f"nbrucio-{path.name}"
        self._value = read_declared(path).declaration.as_json()
        self._parameters = dict(parameters)
        self._store = None if store is None else Path(store)

    async def setup(self, worker: Worker) -> None:
        """Bring the data, beside the worker's event loop: its heartbeat goes on."""
        self._open = await asyncio.to_thread(self._prepare, Path(worker.local_directory))

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - distributed's signature
        """Forget the data; the files stay in the node's store."""
        self._open.close()

    def _prepare(self, scratch: Path) -> ExitStack:
        config = load()
        if self._store is not None:
            # The scratch folders of a node's workers stand side by side.
            config = config._replace(store_path=scratch.parent / self._store)
        content = {"cells": [], "metadata": {KEY: self._value}, "nbformat": 4, "nbformat_minor": 5}
        notebook = scratch / f"{self.name}.ipynb"
        notebook.write_text(json.dumps(content), encoding="utf-8")
        with ExitStack() as stack:
            here = stack.enter_context(ready(notebook, self._parameters, config=config))
            stack.enter_context(environment(here.environment))
            return stack.pop_all()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_open"}
