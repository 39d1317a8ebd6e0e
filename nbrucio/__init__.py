"""Notebooks that declare the Rucio data they need, and a tool that downloads it.

In a notebook::

    import nbrucio

    nbrucio.data["muons"]              # the files of the requirement with this handle
    nbrucio.data("scope:name")         # the same by DID
    nbrucio.filesets(tree="Events")    # all of it, for coffea

In a program, the functions of `nbrucio.api` do what the commands of the same names do::

    report = nbrucio.sync("analysis.ipynb")
    for error in report.errors(): ...
"""

# This file is also run by kernels of Python 3.9 that find nbrucio in the server's Python, and by every command and
# every pytest run with our plugin: it imports nothing.

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nbrucio.api import (
        Config,
        NbrucioError,
        Progress,
        Result,
        add,
        check,
        diff,
        load_config,
        lock,
        plan,
        remove,
        search,
        stage,
        status,
        sync,
        upload,
        verify,
    )
    from nbrucio.kernel import DataNotHere, data, filesets
    from nbrucio.version import __version__

__all__ = [
    "Config",
    "DataNotHere",
    "NbrucioError",
    "Progress",
    "Result",
    "__version__",
    "add",
    "check",
    "data",
    "diff",
    "filesets",
    "load_config",
    "lock",
    "plan",
    "remove",
    "search",
    "stage",
    "status",
    "sync",
    "upload",
    "verify",
]

_HOMES = {"DataNotHere": "kernel", "data": "kernel", "filesets": "kernel", "__version__": "version"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import sys
    from importlib import import_module

    home = _HOMES.get(name, "api")
    if home == "api" and sys.version_info < (3, 10):
        found = ".".join(map(str, sys.version_info[:2]))
        raise AttributeError(
            f"nbrucio.{name} needs Python 3.10, and this is Python {found}, where only nbrucio.data works"
        )
    value = globals()[name] = getattr(import_module(f"nbrucio.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """Asked by Jupyter servers."""
    from nbrucio.jupyter.extension import NbrucioApp

    return [{"module": "nbrucio", "app": NbrucioApp}]


def load_ipython_extension(shell: object) -> None:
    """Asked by ``%load_ext nbrucio``: cells wait for the data that they use."""
    from nbrucio.kernel import gate

    gate.load(shell)


def unload_ipython_extension(shell: object) -> None:
    """Asked by ``%unload_ext nbrucio``."""
    from nbrucio.kernel import gate

    gate.unload(shell)
