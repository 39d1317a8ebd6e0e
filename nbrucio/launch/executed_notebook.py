"""Which notebook the program executes that starts a kernel in this process.

Kernels are started deep below nbconvert, ``jupyter execute``, papermill, jupytext, nbmake and nbval. None of them says
for which notebook, but each has it in a variable of a function that is running. That also holds for the second of
several notebooks, and where a program calls one of them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from nbrucio.kernel.where import existing_notebook

#: By module and function, the variable that holds the path of the notebook, or the attribute of one.
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
    """The notebook for which a kernel is being started; None when that is not known for sure."""
    frames = sys._current_frames()  # noqa: SLF001 - the only way to ask what other threads do
    own = _held_by(frames.pop(threading.get_ident()))
    if own is not None:
        return own
    # Where an event loop runs already, Jupyter starts kernels in a thread of its own.
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
    """The only notebook that an application of Jupyter was started with."""
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
    """What relative paths are relative to. papermill changes into ``--cwd``, and reads paths from the folder before."""
    iorw = sys.modules.get("papermill.iorw")
    handler = iorw.papermill_io.get_handler("local") if iorw is not None else None
    return getattr(handler, "_cwd", None) or ""
