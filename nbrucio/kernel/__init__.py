"""The part of nbrucio that runs inside kernels: standard library only, Python 3.9 and newer. A kernel's Python is often
not the one with nbrucio. So all imports here are relative, and the folder works under any name and from any path.
"""

# Loaded on first use, because the rest of nbrucio only asks this folder where manifests are.

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import DataNotHere
    from .files import File, Files
    from .lookup import Data

    #: The data of the notebook that this kernel runs.
    data: Data = Data()
    filesets = data.filesets

__all__ = ["Data", "DataNotHere", "File", "Files", "data", "filesets"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import errors, files, lookup

    values = {"Data": lookup.Data, "File": files.File, "Files": files.Files, "DataNotHere": errors.DataNotHere}
    data = lookup.Data()
    globals().update(values, data=data, filesets=data.filesets)
    return globals()[name]
