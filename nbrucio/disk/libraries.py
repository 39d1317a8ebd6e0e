"""Python libraries that are not installed, and whether this user can install them."""

from __future__ import annotations

import os
import sysconfig

from nbrucio.errors import MissingDependency


def missing_library(library: str, message: str, *, pip: str | None = None) -> MissingDependency:
    """The error for a library that is not installed.

    Its next command installs it. Where this user cannot write to site-packages, as in most hubs, pip could not either:
    the hint then names the people who can.

    Args:
        library: its name on PyPI.
        message: what needs it, one sentence.
        pip: what follows ``pip install``, quoted for a shell; the library's name when None.
    """
    if os.access(sysconfig.get_path("purelib"), os.W_OK):
        return MissingDependency(message, subject=library, next_command=f"pip install {pip or library}")
    return MissingDependency(message, subject=library, hint=f"Ask whoever runs this Jupyter to add {library}.")
