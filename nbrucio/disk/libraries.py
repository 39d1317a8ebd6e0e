"""Python libraries that are not installed, and whether this user can install them."""

from __future__ import annotations

import os
import sysconfig

from nbrucio.errors import MissingDependency


def missing_library(library: str, message: str, *, pip: str | None = None) -> MissingDependency:
    """Return the error for a missing library.

    Its next command installs the library. In most hubs users cannot write to site-packages, so pip would fail: the
    error then has the hint to ask for the library instead.

    Args:
        library: its name on PyPI.
        message: what needs it, one sentence.
        pip: what follows ``pip install``, quoted for a shell; the library's name when None.
    """
    if os.access(sysconfig.get_path("purelib"), os.W_OK):
        return MissingDependency(message, subject=library, next_command=f"pip install {pip or library}")
    return MissingDependency(message, subject=library, hint=f"Ask whoever runs this Jupyter to add {library}.")
