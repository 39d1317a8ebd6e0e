"""Read the configuration of this machine and user, in layers: operator < session < user < environment."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import rucio_cfg
from nbrucio.config.discovery import COMMON, Found, find_instances
from nbrucio.config.folders import user_folder
from nbrucio.config.instances import known_settings
from nbrucio.config.places import PRIVATE, private_path, shared_stores, store_path
from nbrucio.config.policy import POLICY_SETTINGS, policy_of
from nbrucio.config.table import ConfigSource, Table, UnknownSetting
from nbrucio.config.values import Config, Instance
from nbrucio.disk.read import SMALL_BYTES, read_file, reason
from nbrucio.errors import BadConfig, UnknownInstance

#: The operator's file. No variable changes its path, so users cannot lift the operator's limits.
SYSTEM_FILE = Path("/etc/nbrucio/config.toml")

_TOP = ("default_instance", "instances", "policy", PRIVATE, COMMON, "store")


def load(environ: Mapping[str, str] | None = None, *, system_file: Path = SYSTEM_FILE) -> Config:
    """Return the configuration.

    The layers: the operator's file; the Jupyter session (`nbrucio.config.session`); the user's file, or the file that
    NBRUCIO_CONFIG names; the variables NBRUCIO_INSTANCE, NBRUCIO_STORE, NBRUCIO_SAFE, NBRUCIO_MAX_DOWNLOAD
    and NBRUCIO_KEEP_FREE. The rucio.cfg that rucio-clients would use is an instance, too, and the default one unless
    another is configured.

    Args:
        environ: the environment; that of this process when None.
        system_file: the operator's file.

    Raises:
        BadConfig: a file, or a setting outside of instances, is wrong. Errors of instances are in the result.
    """
    layers = read_layers(os.environ if environ is None else environ, system_file)
    environ, found = layers.environ, layers.found
    policies, stores = layers.both("policy"), layers.both("store")
    policy, store = policy_of(*policies, environ=environ), store_path(*stores, environ=environ)
    private_path(layers.system, layers.user, environ=environ)  # raises where it is wrong
    name = default_name(layers)
    cfg = rucio_cfg.find(environ)
    config = Config(
        instances=tuple(found.instances),
        default=None if name else _unchosen(found),
        store_path=store,
        policy=policy,
        sources=(*layers.files, *found.session.files, *([cfg] if cfg is not None and cfg.is_file() else [])),
        places=(system_file, user_file(environ), *rucio_cfg.places(environ)),
        warnings=(*map(str, layers.unknown()), *found.session.notices.values(), *_exposed(found.secret_files())),
        faults=tuple(found.faults),
        default_name=None if name is None else name[0],
        shared_stores=shared_stores(*stores, environ=environ),
        default_from="" if name is None else name[1],
    )
    default = _chosen(config) if name else config.default
    return config if default is None else config._replace(default=default).preferring(default)


class Layers(NamedTuple):
    """The settings as they are written.

    Attributes:
        system, user: the top tables of the operator's and the user's file; empty where there is none.
        files: those of these files that exist.
        found: the instances.
    """

    environ: Mapping[str, str]
    system: Table
    user: Table
    files: tuple[Path, ...]
    found: Found

    def both(self, name: str) -> tuple[Table, Table]:
        """Return the table ``name`` of the operator's and the user's file."""
        return self.system.table(name), self.user.table(name)

    def unknown(self) -> Iterator[UnknownSetting]:
        """Yield the settings that nothing reads."""
        for table in (self.system, self.user):
            yield from table.unknown(_TOP)
        for table in self.both("policy"):
            yield from table.unknown(POLICY_SETTINGS)
        for table in self.both("store"):
            yield from table.unknown(("path", "shared"))
        if self.found.invalid:
            known = known_settings()
            for table in self.found.invalid:
                yield from table.unknown(known)
        for table in self.found.tables:
            yield from table.unknown()


def read_layers(environ: Mapping[str, str], system_file: Path = SYSTEM_FILE) -> Layers:
    """Read the operator's and the user's file, and find the instances.

    Raises:
        BadConfig: a file cannot be read, or NBRUCIO_CONFIG names none.
    """
    system, user = read_files(environ, system_file)
    own = user_file(environ)
    if user is None and environ.get("NBRUCIO_CONFIG"):
        raise BadConfig(
            f"The configuration file {own}, which NBRUCIO_CONFIG names, does not exist.",
            subject=str(own),
            hint="Correct or unset NBRUCIO_CONFIG, or create an empty file there.",
        )
    files = tuple({file: file for file, table in ((system_file, system), (own, user)) if table is not None})
    empty = Table("", {}, environ)
    return Layers(
        environ, system or empty, user or empty, files, find_instances(system or empty, user or empty, environ)
    )


def read_files(environ: Mapping[str, str], system_file: Path = SYSTEM_FILE) -> tuple[Table | None, Table | None]:
    """Return the top tables of the operator's and the user's file; None for a file that does not exist.

    Raises:
        BadConfig: a file cannot be read.
    """
    return _read(system_file, environ), _read(user_file(environ), environ)


def default_name(layers: Layers) -> tuple[str, str] | None:
    """Return the configured name of the default instance and the file or variable of it; None if there is none."""
    key, session = "default_instance", layers.found.session
    candidates = (
        (layers.environ.get("NBRUCIO_INSTANCE"), "NBRUCIO_INSTANCE"),
        (layers.user.text(key), layers.user.where(key)),
        (session.default, session.default_from),
        (layers.system.text(key), layers.system.where(key)),
    )
    return next(((name, where) for name, where in candidates if name), None)


def _chosen(config: Config) -> Instance | None:
    """Return the configured default instance; None if it is unknown or invalid, which is an error only when used."""
    with contextlib.suppress(BadConfig, UnknownInstance):
        return config.instance()
    return None


def _unchosen(found: Found) -> Instance | None:
    """Return the default instance when none is configured: that of rucio.cfg, else the only instance."""
    if found.of_rucio_cfg is None and len(found.instances) == 1 and not found.faults:
        return found.instances[0]
    return found.of_rucio_cfg


def user_file(environ: Mapping[str, str]) -> Path:
    """Return the user's configuration file, which need not exist."""
    chosen = environ.get("NBRUCIO_CONFIG")
    return Path(chosen).absolute() if chosen else user_folder("XDG_CONFIG_HOME", environ) / "config.toml"


def _read(file: Path, environ: Mapping[str, str]) -> Table | None:
    """Return the top table of ``file``; None if the file does not exist."""
    try:
        # Notepad writes a BOM.
        text = "" if str(file) == os.devnull else read_file(file, SMALL_BYTES).decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadConfig(
            f"The configuration file {file} cannot be read: {reason(error)}.",
            subject=str(file),
            hint="Correct the file or its permissions.",
        ) from error
    except UnicodeDecodeError as error:
        raise BadConfig(f"{file} is not valid TOML: {error}.", subject=str(file), hint="Correct the file.") from error
    return Table.of("", parse_toml(text, file), ConfigSource.of(file, text), environ)


def parse_toml(text: str, file: Path) -> dict[str, object]:
    """Return the content of the configuration file ``file``.

    Raises:
        BadConfig: the text is not TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content: dict[str, object] = tomllib.loads(text)
    except RecursionError as error:
        raise BadConfig(f"{file} is nested too deeply.", subject=str(file), hint="Correct the file.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{file} is not valid TOML: {error}.", subject=str(file), hint="Correct the file.") from error
    except ValueError as error:  # Python reads no longer ones
        words = f"{file} has a number of more than 4,300 digits."
        raise BadConfig(words, subject=str(file), hint="Correct the file.") from error
    return content


def _exposed(files: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each of these files with passwords that other users can read."""
    for file in dict.fromkeys(files):
        try:
            mode = stat.S_IMODE(Path(file).stat().st_mode)
        except OSError:
            continue  # it was removed since it was read
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            yield f"{file} contains a password and other users can read it (mode {mode:04o}). Run: chmod 600 {file}"
