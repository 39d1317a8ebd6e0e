"""The configuration in force, setting by setting, each with the file, line or variable that it has its value from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.config.load import SYSTEM_FILE, Layers, default_name, load, read_layers
from nbrucio.config.path_text import expand
from nbrucio.config.places import PRIVATE, private_path
from nbrucio.config.policy import POLICY_SETTINGS, is_bound, policy_of
from nbrucio.config.table import Table
from nbrucio.config.values import Config, Instance

#: Settings that are shown without their value.
SECRET = ("password",)
#: Settings of an instance whose values are paths.
PATHS = (
    "ca_cert",
    "client_cert",
    "client_key",
    "client_proxy",
    "file_roots",
    "rucio_cfg",
    "ssh_private_key",
    "storage_ca",
    "storage_token_file",
    "token_file",
)
DEFAULT = "default"


class Setting(NamedTuple):
    """One setting in force.

    Attributes:
        table: ``instances.cms``, ``policy``, ``store``, or an empty text for the top.
        name: its name in that table.
        value: text, number, truth value, list or table; None for a secret.
        origin: the file with line, or the variable; `DEFAULT` where it is set nowhere.
        bound: whether it is a limit of the operator that the user cannot lift.
    """

    table: str
    name: str
    value: object
    origin: str
    bound: bool = False

    @property
    def key(self) -> str:
        """The dotted key."""
        return f"{self.table}.{self.name}" if self.table else self.name

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object; a secret has no value."""
        secret = self.name in SECRET
        shown = {"secret": True} if secret else {"value": self.value}
        return {"key": self.key, **shown, "origin": self.origin, "bound": self.bound}


class Effective(NamedTuple):
    """The configuration in force.

    Attributes:
        config: as everything uses it.
        settings: the same, setting by setting.
    """

    config: Config
    settings: tuple[Setting, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {
            "version": 1,
            "files": [str(file) for file in self.config.sources],
            "searched": [str(file) for file in self.config.places],
            "settings": [setting.as_json() for setting in self.settings],
            "faults": [{"instance": fault.name, **fault.error.as_json()} for fault in self.config.faults],
            "warnings": list(self.config.warnings),
        }


def effective(environ: Mapping[str, str] | None = None, *, system_file: Path = SYSTEM_FILE) -> Effective:
    """Return the configuration in force.

    Raises:
        BadConfig: a file, or a setting that is not an instance's, is wrong.
    """
    environ = os.environ if environ is None else environ
    config, layers = load(environ, system_file=system_file), read_layers(environ, system_file)
    parts = (_top(layers, config), _store(layers, config), _policy(layers), _instances(layers))
    return Effective(config, tuple(setting for part in parts for setting in part))


def _top(layers: Layers, config: Config) -> Iterator[Setting]:
    chosen = default_name(layers)
    if chosen is not None:
        yield Setting("", "default_instance", *chosen)
    elif config.default is not None:
        yield Setting("", "default_instance", config.default.name, DEFAULT)
    folder = private_path(layers.system, layers.user, environ=layers.environ)
    if folder is not None:
        yield Setting("", PRIVATE, str(folder), layers.user.where(PRIVATE) or layers.system.where(PRIVATE))


def _store(layers: Layers, config: Config) -> Iterator[Setting]:
    system, user = layers.both("store")
    variable = "NBRUCIO_STORE" if layers.environ.get("NBRUCIO_STORE") else ""
    yield Setting(
        "store", "path", str(config.store_path), variable or user.where("path") or system.where("path") or DEFAULT
    )
    origin = user.where("shared") or system.where("shared") or DEFAULT
    yield Setting("store", "shared", list(map(str, config.shared_stores)), origin)


def _policy(layers: Layers) -> Iterator[Setting]:
    """Yield the limits of a sync. The origin is the setting with the value in force; the variable before the files."""
    (system, user), environ = layers.both("policy"), layers.environ
    empty = Table("policy", {}, {})
    alone = (
        policy_of(empty, empty, environ=environ),
        policy_of(empty, user, environ={}),
        policy_of(system, empty, environ={}),
    )
    together = policy_of(system, user, environ=environ)
    for name, (field, variable) in POLICY_SETTINGS.items():
        value = getattr(together, field)
        places = (variable if variable and environ.get(variable) else "", user.where(name), system.where(name))
        alike = (
            place for place, policy in zip(places, alone, strict=True) if place and getattr(policy, field) == value
        )
        yield Setting("policy", name, value, next(alike, DEFAULT), bound=is_bound(name, system))


def _instances(layers: Layers) -> Iterator[Setting]:
    for instance, table in zip(layers.found.instances, layers.found.tables, strict=True):
        header = f"instances.{instance.name}"
        known = [name for name in table.values if name in table.asked]
        derived = {"identity": instance.identity, "auth_host": instance.auth_host, "vo": instance.vo}
        for name in known:
            yield Setting(header, name, _value(table, name, instance), table.where(name))
        yield from (Setting(header, name, value, DEFAULT) for name, value in derived.items() if name not in known)


def _value(table: Table, name: str, instance: Instance) -> object:
    """Return the value of a setting; a path as it is used."""
    if name in SECRET:
        return None
    value, source = table.values[name]
    if name == "mounts":
        return [_mount(row) for row in table.rows]
    if name in PATHS and isinstance(value, str):
        return str(expand(value.strip(), source.folder, table.environ))
    if name in PATHS and isinstance(value, list):
        return [str(path) for path in instance.file_roots]
    return value


def _mount(row: Table) -> dict[str, object]:
    shown = {name: value for name, (value, _) in row.values.items() if name in row.asked}
    return {**shown, "path": str(row.path("path"))}
