"""Paths in configuration files, with variables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def expand(text: str, folder: Path, environ: Mapping[str, str]) -> Path:
    """Return ``text`` as an absolute path, relative to ``folder``, with ``~``, ``$NAME`` and ``${NAME}`` expanded.

    ``$USER`` always has a value, see `user_name`.
    """
    expanded = _substituted(text, environ) if "$" in text else text
    home = environ.get("HOME")
    if home and (expanded == "~" or expanded.startswith("~/")):
        expanded = home + expanded[1:]
    path = Path(expanded).expanduser() if expanded.startswith("~") else Path(expanded)
    return path if path.is_absolute() else folder.absolute() / path


def unset_variables(text: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the variables in ``text`` for which `expand` has no value."""
    names = (match[1] or match[2] for match in _VARIABLE.finditer(text))
    return (name for name in names if name != "USER" and name not in environ)


def unset_words(names: Iterable[str]) -> str:
    """Return the end of a sentence about a setting with such variables."""
    return f"names the variable {' and '.join(names)}, which is not set"


def user_name(environ: Mapping[str, str]) -> str:
    """Return ``USER``; where it is not set, as in many containers and cron jobs, the name of the hub's user, that of
    the login or of the table of users, else the uid.
    """
    for variable in ("USER", "JUPYTERHUB_USER", "LOGNAME"):
        if environ.get(variable):
            return environ[variable]
    import pwd  # few configurations need it

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container with an arbitrary user
        return str(os.getuid())


def _substituted(text: str, environ: Mapping[str, str]) -> str:
    from string import Template  # few values name a variable, and every command reads a configuration

    values = {**environ, "USER": user_name(environ)} if "USER" in text else environ
    return Template(text).safe_substitute(values)
