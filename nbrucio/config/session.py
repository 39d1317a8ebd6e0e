"""The Rucio settings of a Jupyter session, which make a configuration file for nbrucio unnecessary. There are three
sources:

- rucio-jupyterlab's ``RucioConfig``: the server extension saves the running server's settings to a file and names it in
  `VARIABLE` for terminals and kernels.
- ``RUCIO_BASE_URL`` and its neighbours, which name one instance in containers of the ESCAPE VRE.
- SWAN's start form: ``SWAN_USE_RUCIO`` with ``SWAN_RUCIO_INSTANCE``, ``SWAN_RUCIO_RSE``, ``SWAN_RUCIO_RSE_PATH`` and
  ``SWAN_RUCIO_RSE_PATH_BEGINS_AT`` (jupyterhub-extensions, ``swanspawner.py``).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from nbrucio.config.remote import with_remote
from nbrucio.config.rucio_jupyterlab import mount_of, names_of, settings_of, text_of
from nbrucio.config.table import ConfigSource, Table
from nbrucio.core.address import canonical
from nbrucio.disk.read import SMALL_BYTES, parse_json, read_file, reason
from nbrucio.errors import BadConfig

#: Names the file in which the server extension saves `RucioConfig` for terminals and kernels.
VARIABLE = "NBRUCIO_SESSION_CONFIG"

#: rucio-jupyterlab's names, and the variables of the VRE's containers.
_VARIABLES = {
    name: f"RUCIO_{variable}"
    for name, variable in {
        "name": "NAME",
        "display_name": "DISPLAY_NAME",
        "rucio_base_url": "BASE_URL",
        "rucio_auth_url": "AUTH_URL",
        "rucio_webui_url": "WEBUI_URL",
        "rucio_ca_cert": "CA_CERT",
        "vo": "VO",
        "destination_rse": "DESTINATION_RSE",
        "rse_mount_path": "RSE_MOUNT_PATH",
        "path_begins_at": "PATH_BEGINS_AT",
        "mode": "MODE",
        "replication_rule_lifetime_days": "REPLICATION_RULE_LIFETIME_DAYS",
        "oidc_auth": "OIDC_AUTH",
        "oidc_env_name": "OIDC_ENV_NAME",
        "oidc_file_name": "OIDC_FILE_NAME",
    }.items()
}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
_ON = ("1", "true", "yes", "on")
_RESTART = "Restart the Jupyter server, which writes this file."


class SessionConfig(NamedTuple):
    """The settings of the session.

    Attributes:
        instances: the settings of each instance by its short name, for the layer above the operator's file.
        default: the name of the default instance; None if the session does not set one.
        default_from: the file or variable that sets it.
        files: the files that were read.
        notices: a sentence for each instance whose ``$url`` could not be read, by its short name.
    """

    instances: Mapping[str, Table]
    default: str | None = None
    default_from: str = ""
    files: tuple[Path, ...] = ()
    notices: Mapping[str, str] = MappingProxyType({})


def read_session(
    environ: Mapping[str, str], configured: Mapping[str, Table], *, offline: bool = False
) -> SessionConfig:
    """Return the session's instances.

    Args:
        environ: the environment.
        configured: the tables of the configuration files by short name. An instance of the session with one of these
            names, aliases or hosts (in lower case) completes that table; any other is added.
        offline: whether the network may not be used to read settings at a ``$url``.

    Raises:
        BadConfig: the file that `VARIABLE` names cannot be read.
    """
    settings, file = _saved(environ)
    # Each instance, and where it is configured; None for variables.
    rows: list[tuple[Mapping[str, object], str | None]] = []
    rows += ((row, f"RucioConfig in {file}") for row in _rows(settings.get("instances")))
    row_of_variables = variables_row(environ)
    if row_of_variables:
        rows.append((row_of_variables, None))
    auth_type = text_of(settings.get("default_auth_type")) or environ.get("RUCIO_DEFAULT_AUTH_TYPE")
    found: dict[str, Table] = {}
    notices: dict[str, str] = {}
    for written, label in rows:
        row, notice = with_remote(written, environ, offline=offline)
        names = tuple(names_of(row))
        if names:
            key = _key(names, configured) or short_name(names, {**configured, **found})
            aliases = [*(_aliases(configured[key]) if key in configured else ()), *names]
            values = {
                name: (value, ConfigSource(label or _VARIABLES.get(theirs, "RUCIO_DEFAULT_AUTH_TYPE"), Path.cwd()))
                for name, (value, theirs) in settings_of(row, aliases, auth_type).items()
            }
            found[key] = Table(f"instances.{key}", values, environ)
            if notice:
                notices[key] = f"{label}: {notice}"
    default, default_from = text_of(settings.get("default_instance")), f"RucioConfig in {file}"
    if default is None:
        default, default_from = environ.get("RUCIO_DEFAULT_INSTANCE"), "RUCIO_DEFAULT_INSTANCE"
    if _uses_rucio(environ) and environ.get("SWAN_RUCIO_INSTANCE"):
        default, default_from = environ["SWAN_RUCIO_INSTANCE"].strip(), "SWAN_RUCIO_INSTANCE"
        chosen = _key([default.lower()], {**configured, **found})
        if chosen is not None:
            mounted = Table(f"instances.{chosen}", _swan_mount(environ), environ)
            found[chosen] = mounted.over(found[chosen]) if chosen in found else mounted
    if default is not None:
        default = _key([default.lower()], {**configured, **found}) or default
    return SessionConfig(found, default, default_from, () if file is None else (file,), notices)


def session_without_rucio(environ: Mapping[str, str]) -> str | None:
    """Return what to do in a session of SWAN that was started without Rucio; None elsewhere."""
    if _uses_rucio(environ) or not any(name.startswith("SWAN_") for name in environ):
        return None
    return "This session was started without Rucio: start a new one and choose Rucio in SWAN's start form."


def _uses_rucio(environ: Mapping[str, str]) -> bool:
    return environ.get("SWAN_USE_RUCIO", "").strip().lower() in _ON


def _saved(environ: Mapping[str, str]) -> tuple[Mapping[str, object], Path | None]:
    name = environ.get(VARIABLE)
    if not name:
        return {}, None
    file = Path(name).absolute()
    try:
        value = parse_json(read_file(file, SMALL_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return {}, None  # the server that wrote it has ended
    except OSError as error:
        raise BadConfig(f"{file} cannot be read: {reason(error)}.", subject=str(file), hint=_RESTART) from error
    except ValueError as error:
        raise BadConfig(f"{file} is not valid JSON: {error}.", subject=str(file), hint=_RESTART) from error
    return (value if isinstance(value, dict) else {}), file


def _rows(value: object) -> Iterator[Mapping[str, object]]:
    yield from (row for row in value if isinstance(row, dict)) if isinstance(value, list) else ()


def variables_row(environ: Mapping[str, str]) -> Mapping[str, object]:
    """Return the instance of ``RUCIO_BASE_URL`` and its neighbours, keyed as in ``RucioConfig``; empty without one."""
    if not environ.get(_VARIABLES["rucio_base_url"]):
        return {}
    return {ours: environ[name] for ours, name in _VARIABLES.items() if environ.get(name)}


def short_name(names: tuple[str, ...], taken: Container[str]) -> str:
    """Return a short name that is not ``taken``, from the names of an instance in lower case."""
    plain = next((name for name in names if _NAME.match(name)), None)
    best = plain or urlsplit(names[0]).hostname or re.sub(r"[^a-z0-9._-]+", "-", names[0]).strip("-") or "rucio"
    numbered = (f"{best}-{number}" for number in count(2))
    return best if best not in taken else next(name for name in numbered if name not in taken)


def _key(names: Iterable[str], tables: Mapping[str, Table]) -> str | None:
    """Return the short name of the table that has one of ``names``."""
    wanted = {form for name in names for form in (name, canonical(name))}
    for key, table in tables.items():
        host, _ = table.values.get("host", (None, None))
        texts = {text.lower() for text in (key, host, *_aliases(table)) if isinstance(text, str)}
        if wanted & (texts | {canonical(text) for text in texts}):
            return key
    return None


def _aliases(table: Table) -> list[object]:
    aliases, _ = table.values.get("aliases", (None, None))
    return aliases if isinstance(aliases, list) else []


def _swan_mount(environ: Mapping[str, str]) -> dict[str, tuple[object, ConfigSource]]:
    """Return the mounted RSE that was chosen in the start form."""
    name = "SWAN_RUCIO_RSE"
    mount = mount_of(environ.get(name), environ.get(f"{name}_PATH"), environ.get(f"{name}_PATH_BEGINS_AT"))
    return {"mounts": ([mount], ConfigSource(name, Path.cwd()))} if mount else {}
