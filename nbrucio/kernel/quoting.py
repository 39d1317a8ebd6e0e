"""Paths in commands. It is used by `nbrucio.core`, too, which touches no file."""

from __future__ import annotations

import shlex


def quoted_path(path: object) -> str:
    """Return ``path``, a path or its text, quoted for a shell, as an argument that no command takes for an option."""
    name = str(path)
    name = f"./{name}" if name.startswith("-") else name
    if name.isprintable():
        return shlex.quote(name)
    # Terminal codes, line ends, bytes that are not UTF-8: as bash, zsh and ksh read them.
    plain = (char if char.isprintable() and char not in "'\\" else _escape(char) for char in name)
    return f"$'{''.join(plain)}'"


def _escape(char: str) -> str:
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", errors))
