"""The environment of every kernel, whichever program starts it.

PYTHONSTARTUP reaches IPython in every case: through a wrapper script, ``conda run``, an environment set up by a view,
and with ``-I``. Arguments and the module path do not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nbrucio.kernel import boot, where
from nbrucio.kernel.command import own_command

_STARTUP = str(Path(__file__).parent / "startup" / "nbrucio_startup.py")


def for_kernel(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return variables to add to ``environ``: the gate, and for a Python without nbrucio its kernel part."""
    variables = {
        boot.COMMAND_VARIABLE: own_command(environ),
        boot.HOME_VARIABLE: str(Path(__file__).parents[1]),
        "PYTHONSTARTUP": _STARTUP,
    }
    own = environ.get("PYTHONSTARTUP")
    if own and own != _STARTUP:
        variables[boot.STARTUP_VARIABLE] = own
    return variables


def for_notebook(notebook: Path, manifest: Path | None, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the same for a kernel that runs ``notebook`` with the data in ``manifest``."""
    variables = for_kernel(environ) | {where.NOTEBOOK_VARIABLE: str(notebook.absolute())}
    return variables if manifest is None else variables | {where.MANIFEST_VARIABLE: str(manifest)}
