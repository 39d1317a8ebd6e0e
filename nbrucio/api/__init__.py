"""nbrucio for programs: the functions that do what the commands of the same names do, and their results.

Everything in ``__all__`` is also an attribute of `nbrucio` and keeps its meaning, as docs/python.md promises. Functions
take paths as text or as path objects, read the configuration of this machine unless they get one, and print nothing.
An error of one notebook, requirement or file is in the result; only what ends the whole call is raised, as an
`NbrucioError`.
"""

from __future__ import annotations

from nbrucio.api.common import Result, load_config
from nbrucio.api.declaring import add, check, diff, lock, remove
from nbrucio.api.downloading import plan, status, sync, verify
from nbrucio.api.replicating import search, stage, upload
from nbrucio.config import Config
from nbrucio.errors import NbrucioError
from nbrucio.pipeline.progress import Progress

__all__ = [
    "Config",
    "NbrucioError",
    "Progress",
    "Result",
    "add",
    "check",
    "diff",
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
