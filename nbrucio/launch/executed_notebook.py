"""Finds the notebook for which a program starts a kernel in this process.

nbconvert, ``jupyter execute``, papermill, jupytext, nbmake, nbval and jupyter-scheduler start kernels deep in their
call stack. None of them passes the notebook to Jupyter, but each has its path in a variable of a running function, also
for the second of several notebooks and when another program calls it. voila starts kernels in tasks, which have a call
stack of their own; their environment has the address of the page.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote

from nbrucio.kernel.where import existing_notebook

#: By module and function: the path of the notebook among its variables.
_HOLDERS: dict[tuple[str, str], Callable[[Mapping[str, Any]], object]] = {
    ("nbconvert.nbconvertapp", "convert_single_notebook"): lambda found: found["notebook_filename"],
    ("nbconvert.exporters.exporter", "from_filename"): lambda found: found["filename"],
    ("nbconvert.exporters.exporter", "from_file"): lambda found: found["file_stream"].name,
    ("nbclient.cli", "run_notebook"): lambda found: found["input_path"],
    ("papermill.execute", "execute_notebook"): lambda found: found["input_path"],
    ("jupytext.cli", "jupytext_single_file"): lambda found: found["nb_file"],
    ("nbmake.nb_run", "execute"): lambda found: found["self"].filename,
    ("nbval.plugin", "setup"): lambda found: found["self"].fspath,
    ("jupyter_scheduler.executors", "execute"): lambda found: found["self"].staging_paths["input"],
}


def executed_notebook(environ: Mapping[str, str] = os.environ, folder: str | None = None) -> Path | None:
    """Return the notebook for which a kernel is being started; None when that is uncertain.

    Args:
        environ: the environment of that kernel.
        folder: its working folder.
    """
    served = _served_by_voila(environ, folder)
    if served is not None:
        return served
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
        try:
            found = _notebook(holder(variables)) if holder is not None else None
        except (KeyError, AttributeError, TypeError):  # not yet set, or another version of the program
            continue
        if found is not None:
            return found
    return None


def _calls(frame: FrameType | None) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    while frame is not None:
        yield str(frame.f_globals.get("__name__")), frame.f_code.co_name, frame.f_locals
        frame = frame.f_back


def _served_by_voila(environ: Mapping[str, str], folder: str | None) -> Path | None:
    """Return the notebook of a page of voila, whose kernel works in the notebook's folder."""
    if not environ.get("SERVER_SOFTWARE", "").startswith("voila/"):
        return None
    _, marker, path = unquote(environ.get("SCRIPT_NAME", "")).rpartition("/voila/render/")
    return _notebook(Path(folder or "", Path(path).name)) if marker else None


def _named_by_application() -> Path | None:
    """Return the notebook of a Jupyter application that was started with exactly one."""
    from traitlets.config import Application

    application = Application.instance() if Application.initialized() else None
    notebooks = getattr(application, "notebooks", None) or [getattr(application, "notebook_path", None)]  # voila's
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
