"""The tasks of a Dask worker: which data they read, on which node, and when they may begin."""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Protocol

from distributed import Worker

from nbrucio.errors import NbrucioError
from nbrucio.kernel import data
from nbrucio.kernel.errors import DataNotHere
from nbrucio.launch.environment import environment


class Registered(Protocol):
    """A plugin with its name, and the time of its last registration in ns since the epoch."""

    name: str
    registered_ns: int


class Tasks:
    """Environment variables for the tasks of this process, from the newest of several plugins or workers."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._variables: dict[Registered, Mapping[str, str]] = {}
        self._shown = ExitStack()

    def variables_of(self, name: str) -> Mapping[str, str] | None:
        """Return the environment variables of the newest plugin of this name; None without one."""
        with self._guard:
            named = [plugin for plugin in self._variables if plugin.name == name]
            newest = max(named, key=lambda one: one.registered_ns, default=None)
            return None if newest is None else self._variables[newest]

    def set_variables(self, plugin: Registered, variables: Mapping[str, str] | None) -> None:
        """Set the environment variables of ``plugin``; None removes them."""
        with self._guard:
            self._variables.pop(plugin, None)
            if variables is not None:
                self._variables[plugin] = variables
            newest = max(self._variables, key=lambda one: one.registered_ns, default=None)
            self._shown.close()
            if newest is not None:
                self._shown.enter_context(environment(self._variables[newest]))
            data.refused = None if newest is None else at_this_node


TASKS = Tasks()


@contextmanager
def waiting(worker: Worker) -> Iterator[None]:
    """Let the worker start no task during the block: waiting calls occupy all its threads."""
    done = threading.Event()
    for _ in range(worker.state.nthreads):
        worker.executor.submit(done.wait)
    try:
        yield
    finally:
        done.set()


def at_this_node(error: DataNotHere) -> DataNotHere:
    """Return ``error`` as one line that names this node, for code that runs elsewhere than its reader."""
    node = socket.gethostname()
    # The path of the notebook on a node is the plugin's own.
    syncs = error.next_command is not None and error.next_command.startswith("nbrucio sync ")
    action = "Register the plugin again." if syncs else error.next_command and f"Next: run `{error.next_command}` there"
    return DataNotHere(" ".join(filter(None, (f"On {node}: {error.message}", action))), error.subject)


def error_at_this_node(error: NbrucioError) -> NbrucioError:
    """Return ``error`` with the name of this node and the next action in its message, which Dask shows alone."""
    node = socket.gethostname()
    action = f"run `{error.next_command}` there" if error.next_command else error.hint
    named = copy.copy(error)
    named.message = f"On {node}: {error.message}" + (f" Next: {action}" if action else "")
    named.args = (named.message,)
    return named
