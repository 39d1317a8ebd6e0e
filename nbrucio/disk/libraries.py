"""Python libraries that are not installed, and whether this user can install them.

After an installation with ``--no-deps``, as for SWAN's extensions, any library of nbrucio may be missing.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from nbrucio.disk.system_errors import system_error
from nbrucio.errors import MissingDependency, NbrucioError

_DISTRIBUTION = re.compile(r"[A-Za-z0-9._-]+")
#: Modules of the extra `sandbox` that nothing else of nbrucio needs.
_SANDBOX = ("gunicorn", "wsgidav", "trustme", "rucio.web")
#: Names on PyPI of modules that are called otherwise.
_PYPI_NAMES = {"rpds": "rpds-py", "rucio": "rucio-clients"}
_REINSTALL = "Install it for this Python."


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
    """Return the error for an exception that no code expected: a library is missing, a disk or a file fails, or
    nbrucio has a bug.

    Args:
        hint: what the user can do about a bug.
    """
    library = _absent(error)
    if library is not None:
        return missing_library(library, f"nbrucio needs {library}, which is not installed.")
    found = system_error(error)
    if found is not None:
        return found
    return NbrucioError(f"This is a bug in nbrucio: {type(error).__name__}: {error}", hint=hint)


def unusable_library(error: ImportError, library: str, without: str) -> MissingDependency:
    """Return the error for a ``library`` that cannot be imported, because it or one that it needs is missing.

    Args:
        without: what does not work for that reason, a sentence without its full stop.
    """
    absent = _absent(error)
    if absent is None:  # such as a compiled part for another Python
        return MissingDependency(f"{without}: {library} cannot be loaded: {error}.", subject=library, hint=_REINSTALL)
    return missing_library(absent, f"{without}: {absent} is not installed.")


def _absent(error: BaseException) -> str | None:
    """Return the name on PyPI of the library whose absence is ``error``; None for another error."""
    module = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return _PYPI_NAMES.get(module, module) if module and not module.startswith("nbrucio") else None


def absent_libraries() -> tuple[str, ...]:
    """Return the names on PyPI of the libraries that nbrucio requires on every machine and that are not installed."""
    from importlib import metadata  # takes a tenth of the start of a command, which needs it for errors only

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


def has_sandbox() -> bool:
    """Return whether the extra ``sandbox`` is installed, which `nbrucio demo` needs."""
    return all(map(_is_importable, _SANDBOX))


def _is_importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def _is_installed(distribution: str) -> bool:
    from importlib import metadata

    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _can_install() -> bool:
    # PEP 668: pip refuses to change the Python of a distribution, also as root.
    marked = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists() and sys.prefix == sys.base_prefix
    return not marked and os.access(sysconfig.get_path("purelib"), os.W_OK)
