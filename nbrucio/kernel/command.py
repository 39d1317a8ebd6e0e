"""Commands as a user of this session can run them: in a terminal, and in a cell after ``!``.

One function for command line, server and kernels, so that all of them print the same command in the same session.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import site
import sys
from collections.abc import Mapping
from pathlib import Path

from .boot import COMMAND_VARIABLE

#: Programs that nbrucio's hints name and that many sessions lack.
_OPTIONAL = frozenset({"rucio", "jupyter"})
#: They are set where terminals and kernels run another Python than the server: a view of LCG (also in SWAN's server).
_OTHER_PYTHON = ("PYTHONHOME", "ROOT_LCG_VIEW_PATH")
#: A script that starts Python without the variables of another one, such as the command of ``deploy/swan``.
_ISOLATED = re.compile(rb"python[^\n]*\s-[A-Za-z]*[IE]")


def words_for(program: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return how to run ``program`` here, quoted for a shell; None if it is not installed.

    ``nbrucio`` is always there: without a script on the path, or with one that another Python's variables break, by the
    Python that has it.
    """
    found = shutil.which(program, path=environ.get("PATH", os.defpath))
    if program == "nbrucio":
        works = found is not None and _starts(found, environ)
        return program if works else environ.get(COMMAND_VARIABLE) or own_command(environ)
    return program if found or program not in _OPTIONAL else None


def own_command(environ: Mapping[str, str] = os.environ) -> str:
    """Return the command that runs the command line of this nbrucio by this Python, from any folder."""
    package = Path(__file__).parents[2]
    given = [*environ.get("PYTHONPATH", "").split(os.pathsep), site.getusersitepackages()]
    # -I: whatever PYTHONHOME and PYTHONPATH say; it would hide a nbrucio that Python finds only by them.
    hidden = any(folder and Path(folder).resolve() == package for folder in given)
    return shlex.join([sys.executable, *([] if hidden else ["-I"]), "-m", "nbrucio"])


def _starts(script: str, environ: Mapping[str, str]) -> bool:
    """Return whether the ``script`` that pip or an operator made works with the variables of another Python."""
    if not any(environ.get(name) for name in _OTHER_PYTHON):
        return True
    try:
        with open(script, "rb") as file:  # noqa: PTH123 - the path of a program
            return bool(_ISOLATED.search(file.read(1024)))
    except OSError:
        return False
