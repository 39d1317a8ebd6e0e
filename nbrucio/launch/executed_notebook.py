"""Finds the notebook for which a program starts a kernel in this process.

nbconvert, ``jupyter execute``, papermill, jupytext, nbmake and nbval start kernels deep in their call stack. None of
them passes the notebook to Jupyter, but each has its path in a variable of a running function, also for the second of
several notebooks and when another program calls it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from nbrucio.kernel.where import existing_notebook

#: By module and function: the variable with the path of the notebook, or an attribute of one.
_HOLDERS = {
    ("nbconvert.nbconvertapp", "convert_single_notebook"): "notebook_filename",
    ("nbconvert.exporters.exporter", "from_filename"): "filename",
    ("nbconvert.exporters.exporter", "from_file"): "file_stream.name",
    ("nbclient.cli", "run_notebook"): "input_path",
    ("papermill.execute", "execute_notebook"): "input_path",
    ("jupytext.cli", "jupytext_single_file"): "nb_file",
    ("nbmake.nb_run", "execute"): "self.filename",
    ("nbval.plugin", "setup"): "self.fspath",
}


def executed_notebook() -> Path | None:
    """Return the notebook for which a kernel is being started; None when that is uncertain."""
    frames = sys._current_frames()  # noqa: SLF001 no other call shows the stacks of other threads
    own = _held_by(frames.pop(threading.get_ident()))
    if own is not None:
        return own
    # When an event loop is running, Jupyter starts kernels in another thread.
    others = {found for found in map(_held_by, frames.values()) if found is not None}
    return others.pop() if len(others) == 1 else _named_by_application()


def _held_by(frame: FrameType | None) -> Path | None:
    for module, function, variables in _calls(frame):
        holder = _HOLDERS.get((module, function))
        if holder is not None:
            name, _, attribute = holder.partition(".")
            value = variables.get(name)
            found = _notebook(getattr(value, attribute, None) if attribute else value)
            if found is not None:
                return found
    return None


def _calls(frame: FrameType | None) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    while frame is not None:
        yield str(frame.f_globals.get("__name__")), frame.f_code.co_name, frame.f_locals
        frame = frame.f_back


def _named_by_application() -> Path | None:
    """Return the notebook of a Jupyter application that was started with exactly one."""
    from traitlets.config import Application

    notebooks = getattr(Application.instance(), "notebooks", None) if Application.initialized() else None
    return _notebook(notebooks[0]) if isinstance(notebooks, list) and len(notebooks) == 1 else None


def _notebook(value: object) -> Path | None:
    try:
        path = Path(working_folder(), value)  # type: ignore[arg-type]
    except TypeError:
        return None
    return existing_notebook(str(path))


def working_folder() -> str:
    """Return the base of relative paths. papermill changes to ``--cwd``, but resolves paths in the earlier folder."""
    iorw = sys.modules.get("papermill.iorw")
    handler = iorw.papermill_io.get_handler("local") if iorw is not None else None
    return getattr(handler, "_cwd", None) or ""
