"""Paths in commands. It is used by `nbrucio.core`, too, which touches no file."""

from __future__ import annotations

import shlex


def quoted_path(path: object) -> str:
    """Return ``path``, a path or its text, quoted for a shell, as an argument that no command takes for an option."""
    name = str(path)
    return shlex.quote(f"./{name}" if name.startswith("-") else name)
