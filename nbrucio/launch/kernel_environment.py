"""The environment that every kernel is started with, whoever starts it.

PYTHONSTARTUP reaches IPython however the kernel is started: through a wrapper script, ``conda run``, an environment
that a view sets up, with ``-I``. Nothing that is written on the command line or on the path of modules does.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from nbrucio.kernel import boot, where

_STARTUP = str(Path(__file__).parent / "startup" / "nbrucio_startup.py")


def for_kernel(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a kernel gets beside ``environ``: a Python kernel the gate and, if it has none, nbrucio's kernel part."""
    told = {
        boot.COMMAND_VARIABLE: shlex.join([sys.executable, "-I", "-m", "nbrucio_cli"]),
        boot.HOME_VARIABLE: str(Path(__file__).parents[1]),
        "PYTHONSTARTUP": _STARTUP,
    }
    own = environ.get("PYTHONSTARTUP")
    if own and own != _STARTUP:
        told[boot.STARTUP_VARIABLE] = own
    return told


def for_notebook(notebook: Path, manifest: Path | None, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The same for a kernel that runs ``notebook``, whose data ``manifest`` lists."""
    told = for_kernel(environ) | {where.NOTEBOOK_VARIABLE: str(notebook.absolute())}
    return told if manifest is None else told | {where.MANIFEST_VARIABLE: str(manifest)}
