"""Find the notebook of a program without a kernel: ``python analysis.py``, ``python -c`` or a prompt.

A script that declares data is its own notebook. Any other program reads the data of the notebook in the working folder,
if exactly one is synced there. A kernel does not, because it may run another notebook of that folder.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from . import where
from .errors import DataNotHere
from .manifest import MAX_BYTES, read, read_regular

#: A line of a header that declares data.
_DECLARES = re.compile(rb"#+\s*nbrucio:|# \[\[?tool\.nbrucio[.\]]")


def find(environ: Mapping[str, str], namespace: Mapping[str, object] | None = None) -> Path | None:
    """Return the notebook of this program; None in a kernel, and if no notebook or several are synced.

    Args:
        namespace: the variables of ``__main__``; None means its present ones.
    """
    script = _script(namespace)
    if script is not None and (_lists_data(script, environ) or _declares(script)):
        return script
    folder = _working_folder()
    synced = [] if in_kernel() or folder is None else _synced_in(folder, environ)
    return synced[0] if len(synced) == 1 else None


def unknown(what: str, subject: str | None, environ: Mapping[str, str]) -> DataNotHere:
    """Return the error for an unknown notebook; ``what`` is the first part of its message."""
    variable = where.NOTEBOOK_VARIABLE
    if environ.get(variable):
        reason = f"{variable} is {environ[variable]!r}, which does not exist. Set it to a notebook's path."
        return DataNotHere(f"{what}: {reason}", subject)
    if in_kernel():
        reason = f"nbrucio does not know which notebook this kernel runs. Set {variable} to its path."
        return DataNotHere(f"{what}: {reason}", subject, f"%env {variable}=NOTEBOOK")
    folder, way_out = _working_folder(), f"set {variable} to the path of the notebook"
    if folder is None:
        return DataNotHere(f"{what}: the working folder was removed. Change to another one, or {way_out}.", subject)
    synced = [path.name for path in _synced_in(folder, environ)]
    if not synced:
        reason = f"no notebook in {folder} has been synced on this machine. Sync one, or {way_out}."
        return DataNotHere(f"{what}: {reason}", subject, "nbrucio sync NOTEBOOK")
    names = ", ".join(synced[:3]) + (f" and {len(synced) - 3} more" if len(synced) > 3 else "")
    reason = f"several notebooks in {folder} are synced ({names}). {way_out[0].upper()}{way_out[1:]}."
    return DataNotHere(f"{what}: {reason}", subject, f"export {variable}=NOTEBOOK")


def _working_folder() -> Path | None:
    """Return the working folder; None if it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def in_kernel() -> bool:
    """Whether this process is an IPython kernel."""
    return "ipykernel.kernelapp" in sys.modules


def _script(namespace: Mapping[str, object] | None) -> Path | None:
    variables = vars(sys.modules["__main__"]) if namespace is None else namespace
    # In a kernel it is a script that the notebook runs. A module (``python -m``) has a spec.
    if in_kernel() or variables.get("__spec__") is not None:
        return None
    return where.existing_notebook(variables.get("__file__"))


def _synced_in(folder: Path, environ: Mapping[str, str]) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError:
        return []
    found = filter(None, (where.existing_notebook(str(folder / name)) for name in names))
    return [path for path in found if _lists_data(path, environ)]


def _lists_data(notebook: Path, environ: Mapping[str, str]) -> bool:
    manifest = where.find_manifest(notebook, environ)
    try:
        return manifest is not None and bool(read(manifest).entries)
    except (OSError, DataNotHere):
        return False


def _declares(script: Path) -> bool:
    try:
        lines = read_regular(script, MAX_BYTES).splitlines()
    except OSError:
        return False
    for line in lines:
        if line.strip() and not line.startswith(b"#"):
            return False
        if _DECLARES.match(line):
            return True
    return False
