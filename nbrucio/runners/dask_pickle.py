"""The pickle of a plugin: on a worker that cannot use it, one whose set-up fails with words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distributed import Worker, WorkerPlugin

from nbrucio.errors import MissingDependency, NbrucioError
from nbrucio.runners.dask_tasks import error_at_this_node

#: The version of a pickled plugin.
VERSION = 1
# A worker without nbrucio gets a plugin whose set-up fails with words, see also `nbrucio.kernel.travel`. A pickle that
# cannot be loaded would stop a worker that joins.
_RESTORE = """(
    __import__("nbrucio.runners.dask", fromlist=["dask"]).restored(version, state)
    if __import__("importlib.util").util.find_spec("nbrucio")
    and __import__("importlib.util").util.find_spec("nbrucio.runners")
    and __import__("importlib.util").util.find_spec("nbrucio.runners.dask_pickle")
    else type("NoNbrucio", (__import__("distributed").WorkerPlugin,), {
        "name": state["name"],
        "setup": lambda self, worker: (_ for _ in ()).throw(ModuleNotFoundError(
            "On " + __import__("socket").gethostname() + ": no nbrucio of this version to sync "
            + state["name"] + ". Next: run `pip install --upgrade 'nbrucio[dask]'` there"
        )),
    })()
)"""


def reduced(state: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the value of ``__reduce__`` for a plugin with this state."""
    return eval, (_RESTORE, {"version": VERSION, "state": state})


class RefusedPlugin(WorkerPlugin):  # type: ignore[misc] # distributed has no types here
    """Stands for a plugin that this worker cannot have; its set-up raises why."""

    def __init__(self, error: NbrucioError) -> None:
        self._error = error

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - distributed names it
        """Raises: NbrucioError: always."""
        raise self._error


def refused(version: int, state: Mapping[str, Any]) -> RefusedPlugin | None:
    """Return what stands for a plugin of this version of pickles; None if this nbrucio can use it."""
    if version <= VERSION:
        return None
    words = f"A newer nbrucio sent {state['name']}."
    error = MissingDependency(words, subject="nbrucio", next_command="pip install --upgrade 'nbrucio[dask]'")
    return RefusedPlugin(error_at_this_node(error))
