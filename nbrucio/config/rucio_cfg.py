"""Rucio's own configuration file, read as rucio-clients reads it but without importing it.

The places and their order are those of ``rucio/common/config.py`` (``get_config_dirs``, ``Config``)
and ``rucio/client/baseclient.py`` of rucio-clients 41.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.config.lines import ini_line
from nbrucio.config.table import ConfigSource, Table
from nbrucio.disk.read import SMALL_BYTES, read_file
from nbrucio.errors import BadConfig

if TYPE_CHECKING:
    from configparser import ConfigParser

#: Our name of a setting, and rucio.cfg's in its section [client].
_KEYS = {
    "host": "rucio_host",
    "auth_host": "auth_host",
    "account": "account",
    "auth_type": "auth_type",
    "vo": "vo",
    "ca_cert": "ca_cert",
    "username": "username",
    "password": "password",
    "client_cert": "client_cert",
    "client_key": "client_key",
    "client_proxy": "client_x509_proxy",
    "ssh_private_key": "ssh_private_key",
    "token_file": "auth_token_file_path",
    "oidc_scope": "oidc_scope",
    "oidc_audience": "oidc_audience",
    "oidc_issuer": "oidc_issuer",
    "oidc_polling": "oidc_polling",
    "oidc_refresh_lifetime": "oidc_refresh_lifetime",
    "auth_oidc_refresh_active": "auth_oidc_refresh_active",
    "auth_oidc_refresh_before_exp": "auth_oidc_refresh_before_exp",
}

#: Environment variables that take precedence over rucio.cfg, as in rucio-clients.
_VARIABLES = {
    "account": "RUCIO_ACCOUNT",
    "auth_type": "RUCIO_AUTH_TYPE",
    "vo": "RUCIO_VO",
    "ca_cert": "X509_CERT_DIR",
    "client_cert": "RUCIO_CLIENT_CERT",
    "client_key": "RUCIO_CLIENT_KEY",
    "client_proxy": "RUCIO_CLIENT_PROXY",
}


def places(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files in which rucio-clients searches, in its order; RUCIO_CONFIG replaces them all."""
    chosen = environ.get("RUCIO_CONFIG")
    if chosen is not None:
        return (Path(chosen).absolute(),)
    roots = [environ[name] for name in ("RUCIO_HOME", "VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    return tuple(Path(root).absolute() / "etc" / "rucio.cfg" for root in (*roots, "/opt/rucio"))


def find(environ: Mapping[str, str]) -> Path | None:
    """Return the rucio.cfg of this user; None without one.

    A file that RUCIO_CONFIG names is returned even if it does not exist, because that is an error to report.
    """
    candidates = places(environ)
    if environ.get("RUCIO_CONFIG") is not None:
        return candidates[0]
    return next((path for path in candidates if path.exists()), None)


def read(path: Path, key: str, environ: Mapping[str, str]) -> Table:
    """Return the settings of section [client] of ``path`` as a table called ``key``, with two of other sections:
    ``trace_host`` of [trace], ``extract_scope`` of [common] or [policy].

    Raises:
        BadConfig: the file cannot be read, or is not a rucio.cfg.
    """
    import configparser  # here, as most runs never need it

    text = ""
    try:
        text = read_file(path, SMALL_BYTES).decode("utf-8-sig")
        parser = _parsed(text, str(path))
        section = {name: value for name, value in parser.items("client") if value} if "client" in parser else {}
        trace_host = parser.get("trace", "trace_host", fallback="")
        in_policy = parser.get("policy", "extract_scope", fallback="")
        extract_scope = parser.get("common", "extract_scope", fallback=in_policy)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise BadConfig(
            f"{path} cannot be read as a rucio.cfg: {_words(error, text)}.",
            subject=str(path),
            hint="Correct the file or its permissions.",
        ) from error
    # rucio-clients takes relative paths from the working folder.
    source = ConfigSource(str(path), Path.cwd(), partial(_line_of_setting, text), _name_of_setting)
    values: dict[str, tuple[object, ConfigSource]] = {
        ours: (section[theirs], source)
        for ours, theirs in _KEYS.items()
        if section.get(theirs) and not (ours == "client_proxy" and _is_unset(section[theirs], environ))
    }
    if trace_host:
        values["trace_host"] = (trace_host, source)
    if extract_scope:
        values["extract_scope"] = (extract_scope, source)
    return Table(key, values, environ, source)


def _line_of_setting(text: str, key: str) -> int | None:
    place = _place_of_setting(key)
    return None if place is None else ini_line(text, *place)


def _name_of_setting(key: str) -> str:
    place = _place_of_setting(key)
    return key if place is None else f"{place[1]} in [{place[0]}]"


def _place_of_setting(key: str) -> tuple[str, str] | None:
    """Return the section and option of our dotted ``key`` in a rucio.cfg; None if it has no such option."""
    name = key.rpartition(".")[2]
    if name == "trace_host":
        return "trace", name
    return ("client", _KEYS[name]) if name in _KEYS else None


def _parsed(text: str, name: str) -> ConfigParser:
    """Parse a rucio.cfg. A section may occur twice with the same values.

    Some sites' scripts append their section at each session start. rucio-clients fails on such a file.
    """
    import configparser

    parser = configparser.ConfigParser()
    try:
        parser.read_string(text, name)
    except configparser.DuplicateSectionError as error:
        parser = configparser.ConfigParser(strict=False)
        parser.read_string(text, name)
        for piece in re.split(r"(?m)^(?=\[)", text):
            part = configparser.ConfigParser()
            part.read_string(piece, name)
            for section in part.sections():
                if not set(part.items(section, raw=True)) <= set(parser.items(section, raw=True)):
                    raise error
    return parser


def overrides(key: str, environ: Mapping[str, str]) -> Table:
    """Return the environment's settings for the instance of the user's rucio.cfg, as a table called ``key``."""
    found = {ours: name for ours, name in _VARIABLES.items() if environ.get(name)}
    sources = {name: ConfigSource(name, Path.cwd(), name=_name_of_setting) for name in found.values()}
    return Table(key, {ours: (environ[name], sources[name]) for ours, name in found.items()}, environ)


def _is_unset(value: str, environ: Mapping[str, str]) -> bool:
    """Whether ``value`` is an unset variable, such as a site's $X509_USER_PROXY that not every user sets."""
    name = re.fullmatch(r"\$(\w+)|\$\{(\w+)\}", value.strip())
    return name is not None and not environ.get(name[1] or name[2])


def _words(error: Exception, text: str) -> str:
    """Return the problem of a file and its line number. The line itself is not shown: it may contain a password."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start})"
    name = type(error).__name__
    what = next((words for part, words in _FAULTS.items() if part in name), "it cannot be parsed")
    line = _line_of(error, text)
    return what if line is None else f"line {line}: {what}"


#: Parts of names of configparser's errors, and what they mean.
_FAULTS = {
    "Interpolation": "a percent sign must be written %%",
    "MissingSection": "a [section] must come before the first setting",
    "DuplicateSection": "a section appears twice, with other settings",
    "DuplicateOption": "a setting appears twice in its section",
    "Parsing": "it is not a setting (name = value)",
}


def _line_of(error: Exception, text: str) -> int | None:
    """Return the number of the first wrong line; None when it is not known."""
    number = getattr(error, "lineno", None)
    if number is None and getattr(error, "errors", None):
        number = error.errors[0][0]  # type: ignore[attr-defined]
    option = getattr(error, "option", None)
    if number is None and option:
        lines = enumerate(text.splitlines(), 1)
        number = next((at for at, line in lines if re.match(rf"\s*{re.escape(option)}\s*[=:]", line, re.I)), None)
    return number
