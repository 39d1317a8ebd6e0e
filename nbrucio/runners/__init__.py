"""Run notebooks with their data.

For programs that run notebooks with nbclient::

    from nbrucio.runners import ready

    with ready(Path("analysis.ipynb")) as here:
        NotebookClient(nbformat.read("analysis.ipynb", 4)).execute(env=here.kernel_environment())
"""

# Import nothing here: papermill's entry point and the pytest plugin are in this package.

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nbrucio.runners.prepare import Ready, one_line, ready

__all__ = ["Ready", "one_line", "ready"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("nbrucio.runners.prepare"), name)
