"""Loads nbrucio's gate into a kernel whose Python may not have nbrucio. Put on the kernel's path by the provisioner.

An nbrucio that is installed in this Python is used; else the one in NBRUCIO_HOME, of which only the kernel part works
here. Whatever fails, the kernel goes on.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def load_ipython_extension(shell: object) -> None:
    """Asked by IPython, since the provisioner told it to."""
    _leave_path()
    try:
        if importlib.util.find_spec("nbrucio") is None:
            _find_at_home()
        import nbrucio

        nbrucio.load_ipython_extension(shell)
    except Exception as error:  # noqa: BLE001 - whatever it is, the kernel must start; it is told
        print(f"nbrucio is not available in this kernel: {error}", file=sys.stderr)  # noqa: T201


def _leave_path() -> None:
    """Take this folder off the path of this process and of those that it starts."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != here]
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    kept = [entry for entry in entries if Path(entry).resolve() != here]
    if kept:
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)
    else:
        os.environ.pop("PYTHONPATH", None)


def _find_at_home() -> None:
    home = Path(os.environ["NBRUCIO_HOME"])
    found = importlib.util.spec_from_file_location(
        "nbrucio", home / "__init__.py", submodule_search_locations=[str(home)]
    )
    if found is None or found.loader is None:
        raise ImportError(f"{home} is no package")
    module = importlib.util.module_from_spec(found)
    sys.modules["nbrucio"] = module
    found.loader.exec_module(module)
