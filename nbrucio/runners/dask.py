"""Data on the nodes of a Dask cluster.

The values of ``nbrucio.data["muons"]`` can be sent to workers, see `nbrucio.kernel.travel`. `SyncPlugin` downloads the
data to each node instead::

    client.register_plugin(SyncPlugin("analysis.ipynb"))
    client.map(analyse, range(4))      # analyse() uses nbrucio.data["muons"] on its node
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from distributed import Status, Worker, WorkerPlugin

from nbrucio.config import load
from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.disk.locks import locked
from nbrucio.disk.read import reason
from nbrucio.disk.system_errors import kind_of, system_error
from nbrucio.errors import NbrucioError, UnreadableFile
from nbrucio.kernel.errors import DataNotHere
from nbrucio.kernel.lookup import Data
from nbrucio.kernel.where import MANIFEST_VARIABLE, NOTEBOOK_VARIABLE, manifest_name
from nbrucio.notebook import lock_file
from nbrucio.notebook.base import KEY
from nbrucio.notebook.declared import read_declared
from nbrucio.notebook.lock_file import LockFile
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.reach import also_read
from nbrucio.pipeline.run import sync
from nbrucio.runners.dask_pickle import RefusedPlugin, reduced, refused
from nbrucio.runners.dask_tasks import TASKS, at_this_node, error_at_this_node, waiting
from nbrucio.runners.prepare import private_runtime, refuse_unready

#: Length of the digest in a plugin's name.
_DIGEST_CHARS = 16
_STEM_CHARS = 80
#: Seconds after which a worker no longer waits for another one of its node: their downloads share files anyway.
_TURN_S = 600.0
#: Seconds after which it checks whether it has to stop.
_LOOK_S = 1.0
#: Seconds of a sync for which a worker that joins waits before it starts.
_JOIN_S = 20.0
_LOG = logging.getLogger(__name__)


class SyncPlugin(WorkerPlugin):  # type: ignore[misc] # distributed has no types here
    """Syncs a notebook's data on each node before its workers take tasks.

    Workers of one node share a store, so that each file is downloaded once per node. The plugin contains the
    declaration with its lock, but neither code nor outputs of the notebook. Instances and logins are those configured
    on the node.

    In tasks ``nbrucio.data`` is that of the plugin that was registered last, and `data_of` that of any plugin. A newer
    plugin for the same notebook and parameters replaces an older one, also on workers that join later. A plugin's name
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
        self._replaces = json.dumps([str(path.absolute()), dict(parameters)], sort_keys=True, default=repr)
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
        self._live, self.former = _Live(), ExitStack()
        await asyncio.sleep(0)  # a joining worker receives all plugins at once
        if any(isinstance(one, SyncPlugin) and one.replaces(self) for one in worker.plugins.values()):
            self.former.close()
            return
        if worker.periodic_callbacks["heartbeat"].is_running():
            await self._sync(worker)
        else:
            # Dask stops a worker whose start takes too long, with dask-jobqueue after 60 s, or whose first heartbeat is
            # late. So the worker starts before a long sync ends, and its tasks wait for that.
            self._live.joining = asyncio.create_task(self._join(worker))
            await asyncio.wait({self._live.joining}, timeout=min(_JOIN_S, (worker.death_timeout or math.inf) / 3))

    async def _join(self, worker: Worker) -> None:
        with waiting(worker):
            try:
                await self._sync(worker)
            except NbrucioError as error:
                _LOG.error("%s", error)  # tasks that use the data raise it, too

    async def _sync(self, worker: Worker) -> None:
        scratch = Path(worker.local_directory)
        notebook = scratch / f"{self.name}.ipynb"
        # Until there is a manifest; a set-up may fail before.
        self._live.variables = {NOTEBOOK_VARIABLE: str(notebook), MANIFEST_VARIABLE: f"{notebook}.none"}
        try:
            await asyncio.to_thread(self._prepare, notebook, self._live)
        except (NbrucioError, OSError) as error:
            known = error if isinstance(error, NbrucioError) else system_error(error)
            if known is None:
                raise
            raise error_at_this_node(known) from error
        finally:
            if not self._live.left:  # also after a failure: tasks must not read an earlier plugin's data
                TASKS.set_variables(self, self._live.variables)
            self.former.close()

    def replaces(self, other: SyncPlugin) -> bool:
        """Whether this one is newer than ``other``, and for the same notebook and parameters."""
        return self.registered_ns > other.registered_ns and self._replaces == other._replaces

    def teardown(self, worker: Worker) -> None:
        """Withdraw the data from tasks; the files stay in the node's store."""
        self._live.left = True
        if worker.status is Status.closing:
            self._live.stop.set()
        # When the plugin is registered again, tasks continue to read until its data is ready.
        asyncio.get_running_loop().call_soon(self._leave, worker)

    def _leave(self, worker: Worker) -> None:
        successor = worker.plugins.get(self.name)
        if isinstance(successor, SyncPlugin):
            successor.former.push(self._live.open)
        else:
            self._live.open.close()

    def _prepare(self, notebook: Path, live: _Live) -> None:
        self._write(notebook)
        node = notebook.parent.parent  # the scratch folders of a node's workers are in one folder
        runtime = live.open.enter_context(private_runtime())
        live.open.callback(TASKS.set_variables, self, None)
        live.variables = {NOTEBOOK_VARIABLE: str(notebook), MANIFEST_VARIABLE: str(runtime / manifest_name(notebook))}
        config = load()
        if self._store is not None:
            config = config._replace(store_path=node / self._store)
            also_read(config.store_path)
        options = Options(parameters=self._parameters, runtime=runtime)
        with _node_turn(node, live.stop):
            report = sync([notebook], config, options=options, cancel=live.stop)
        refuse_unready(report.notebooks[0])

    def _write(self, notebook: Path) -> None:
        content = {"cells": [], "metadata": {KEY: self._value}, "nbformat": 4, "nbformat_minor": 5}
        try:
            notebook.write_text(json.dumps(content), encoding="utf-8")
        except OSError as error:
            words = f"{notebook} cannot be written: {reason(error)}."
            hint = "Free some space on its disk, or choose another local_directory for the workers."
            raise kind_of(error, UnreadableFile)(words, subject=str(notebook), hint=hint) from error
        if any(self._beside):
            lock_file.add(notebook, LockFile(*self._beside))

    def __reduce__(self) -> tuple[Any, ...]:
        state = {key: value for key, value in vars(self).items() if key not in ("_live", "former")}
        state["registered_ns"] = time.time_ns()  # registering a plugin pickles it
        return reduced(state)


class _Live:
    """The state of a plugin on one worker.

    Attributes:
        open: the runtime folder and the variables of tasks, closed when the plugin leaves.
        variables: the environment variables of tasks.
        left: whether the plugin was removed from the worker, or replaced.
        stop: set when the worker closes, to stop the sync.
        joining: the sync of a worker that joined; None on the others.
    """

    def __init__(self) -> None:
        self.open = ExitStack()
        self.variables: dict[str, str] = {}
        self.left = False
        self.stop = threading.Event()
        self.joining: asyncio.Task[None] | None = None


def restored(version: int, state: Mapping[str, Any]) -> SyncPlugin | RefusedPlugin:
    """Return the plugin that a client pickled."""
    instead = refused(version, state)
    if instead is not None:
        return instead
    plugin = SyncPlugin.__new__(SyncPlugin)
    plugin.__dict__.update(state)
    return plugin


@contextmanager
def _node_turn(folder: Path, stop: threading.Event) -> Iterator[None]:
    """Let the workers of a node sync one after another: the first one downloads, the others find the files, and ask
    neither Rucio nor the storage. A worker that is killed in the middle releases the next one.
    """
    end = time.monotonic() + _TURN_S
    with ExitStack() as stack:
        while not stop.is_set() and time.monotonic() < end:
            try:
                stack.enter_context(locked(folder / "nbrucio-sync", _LOOK_S))
                break
            except OSError as error:
                if error.errno != errno.ETIMEDOUT:
                    break
        yield


def data_of(plugin: SyncPlugin | str) -> Data:
    """Return the data of one of several plugins, in a task: ``data_of(name)["muons"]``.

    Args:
        plugin: the plugin or its name; a name is smaller to send.

    Raises:
        DataNotHere: the plugin is not registered, or a newer one for the same notebook has replaced it.
    """
    name = plugin if isinstance(plugin, str) else plugin.name
    variables = TASKS.variables_of(name)
    if variables is None:
        words = f"{name} is not registered on {socket.gethostname()}, or was replaced by a newer plugin."
        raise DataNotHere(f"{words} Register it: client.register_plugin(SyncPlugin(…)).", name)
    data = Data(environ=variables)
    data.refused = at_this_node
    return data
