"""What runs inside kernels: the standard library only, Python 3.9 and newer, and no import of the rest of nbrucio.

A kernel's Python is often not the one that nbrucio is installed in. So everything here imports relatively, and the
folder works under any name and from any path.
"""

from .errors import DataNotHere
from .lookup import Data, File, Files

#: The data of the notebook that this kernel runs.
data = Data()

__all__ = ["Data", "DataNotHere", "File", "Files", "data"]
