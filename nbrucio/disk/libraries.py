"""Python libraries that are not installed, and whether this user can install them.

After an installation with ``--no-deps``, as for SWAN's extensions, any library of nbrucio may be missing.
"""

from __future__ import annotations

import os
import re
import sysconfig
from importlib import metadata

from nbrucio.errors import MissingDependency, NbrucioError

_DISTRIBUTION = re.compile(r"[A-Za-z0-9._-]+")
#: Names on PyPI of modules that are called otherwise.
_PYPI_NAMES = {"rucio": "rucio-clients"}


def missing_library(library: str, message: str, *, pip: str | None = None) -> MissingDependency:
    """Return the error for a missing library.

    Its next command installs the library. In most hubs users cannot write to site-packages, so pip would fail: the
    error then has the hint to ask for the library instead.

    Args:
        library: its name on PyPI.
        message: what needs it, one sentence.
        pip: what follows ``pip install``, quoted for a shell; the library's name when None.
    """
    if _can_install():
        return MissingDependency(message, subject=library, next_command=f"pip install {pip or library}")
    return MissingDependency(message, subject=library, hint=f"Ask whoever runs this Jupyter to add {library}.")


def unexpected(error: BaseException, hint: str = "Report it.") -> NbrucioError:
    """Return the error for an exception that no code expected: a library is missing, or nbrucio has a bug.

    Args:
        hint: what the user can do about a bug.
    """
    module = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if module and not module.startswith("nbrucio"):
        library = _PYPI_NAMES.get(module, module)
        return missing_library(library, f"nbrucio needs {library}, which is not installed.")
    return NbrucioError(f"This is a bug in nbrucio: {type(error).__name__}: {error}", hint=hint)


def absent_libraries() -> tuple[str, ...]:
    """Return the names on PyPI of the libraries that nbrucio requires on every machine and that are not installed."""
    try:
        required = metadata.requires("nbrucio") or ()
    except metadata.PackageNotFoundError:  # used from its sources, which declare nothing
        return ()
    names = (_DISTRIBUTION.match(line) for line in required if ";" not in line)
    return tuple(found[0] for found in names if found and not _is_installed(found[0]))


def absence(libraries: tuple[str, ...]) -> str:
    """Return a sentence that names the missing ``libraries``, and one that says what to do."""
    if _can_install():
        act = f"Run: pip install {' '.join(libraries)}"
    else:
        act = "Ask whoever runs this Jupyter to add what is missing."
    return f"nbrucio works only partly here, because libraries are not installed: {', '.join(libraries)}. {act}"


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _can_install() -> bool:
    return os.access(sysconfig.get_path("purelib"), os.W_OK)
