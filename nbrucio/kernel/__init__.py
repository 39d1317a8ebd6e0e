"""What runs inside kernels: the standard library only, Python 3.9 and newer, and no import of the rest of nbrucio.

A kernel's Python is often not the one that nbrucio is installed in. So everything here imports relatively, and the
folder works under any name and from any path.
"""

# The rest of nbrucio asks this folder only where manifests live: what code in a notebook uses is loaded by who uses it.

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import DataNotHere
    from .lookup import Data, File, Files

    #: The data of the notebook that this kernel runs.
    data: Data

__all__ = ["Data", "DataNotHere", "File", "Files", "data"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import errors, lookup

    values = {"Data": lookup.Data, "File": lookup.File, "Files": lookup.Files, "DataNotHere": errors.DataNotHere}
    globals().update(values, data=lookup.Data())
    return globals()[name]
