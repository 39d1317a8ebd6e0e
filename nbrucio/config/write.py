"""Adds instances to the user's configuration file. All other bytes of the file stay, also comments."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from nbrucio.config.instances import completed, instance_of, known_settings
from nbrucio.config.load import SYSTEM_FILE, Layers, parse_toml, read_layers, user_file
from nbrucio.config.table import ConfigSource, Table
from nbrucio.config.toml_text import toml_key, toml_table, toml_value
from nbrucio.config.values import Instance
from nbrucio.core.text import printable
from nbrucio.disk.atomic import replace_file, write_file
from nbrucio.disk.read import SMALL_BYTES, read_file, reason
from nbrucio.disk.system_errors import kind_of
from nbrucio.errors import BadConfig, ConsentNeeded, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_DEFAULT = "default_instance"


def new_instance(name: str, settings: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Instance:
    """Return the instance that these settings describe, without writing it.

    Raises:
        UsageError: the name cannot be that of an instance.
        BadConfig: a setting is missing, wrong or unknown.
    """
    if not _NAME.match(name):
        raise UsageError(
            f"{printable(name)} cannot be the name of an instance.",
            subject=name,
            hint="Use letters, digits, dots, hyphens and underscores, for example cms.",
        )
    environ = os.environ if environ is None else environ
    source = ConfigSource("new instance", user_file(environ).parent)
    table = Table.of(f"instances.{name}", dict(settings), source, environ)
    for unknown in table.unknown(known_settings()):
        hint = unknown.suggestion().strip() or "Leave it out."
        raise BadConfig(f"The setting {unknown.key} is unknown.", subject=unknown.key, hint=hint)
    return instance_of(name, completed(table))


def add_instances(
    instances: Mapping[str, Mapping[str, object]],
    *,
    default: str | None = None,
    environ: Mapping[str, str] | None = None,
    system_file: Path = SYSTEM_FILE,
) -> Path:
    """Add instances to the user's file and return its path. A new file is for the user alone.

    Args:
        instances: the settings of each by its name.
        default: the name of the default instance; None leaves the present one.

    Raises:
        ConsentNeeded: the administrator does not allow further instances.
        UsageError: a name is taken or invalid, or another default instance is set.
        BadConfig: a setting is wrong, or the file cannot be read or written.
    """
    environ = os.environ if environ is None else environ
    layers = read_layers({name: value for name, value in environ.items() if name != "NBRUCIO_INSTANCE"}, system_file)
    require_open(layers)
    for name, settings in instances.items():
        _require_free(name, layers)
        new_instance(name, settings, environ)
    file = user_file(environ)
    try:
        before = read_file(file, SMALL_BYTES).decode("utf-8-sig") if file.exists() else ""
        after = _extended(file, before, instances, default)
        _write(file, before, after, secret=any("password" in settings for settings in instances.values()))
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise kind_of(error, BadConfig)(
            f"{file} cannot be written: {why}.",
            subject=str(file),
            hint="Correct its permissions, or set NBRUCIO_CONFIG.",
        ) from error
    return file


def require_open(layers: Layers) -> None:
    """Make sure that users can add instances.

    Raises:
        ConsentNeeded: the administrator's file has ``fixed_instances = true``.
    """
    system, _ = layers.both("policy")
    if system.flag("fixed_instances"):
        raise ConsentNeeded(
            "The administrator of this machine allows the configured Rucio instances only.",
            subject="policy.fixed_instances",
            hint="Ask the administrator to add the instance, or use one of those that `nbrucio config show` lists.",
        )


def _require_free(name: str, layers: Layers) -> None:
    for instance, table in zip(layers.found.instances, layers.found.tables, strict=True):
        if name.lower() == instance.name.lower():
            raise _taken(name, next((table.where(key) for key in table.values), "the configuration"))
    for fault in layers.found.faults:
        if name.lower() == fault.name.lower():
            raise _taken(name, "the configuration")


def _taken(name: str, where: str) -> UsageError:
    return UsageError(
        f"The instance {name} is already configured, in {where}.",
        subject=name,
        hint="Choose another name, or edit that file.",
    )


def _extended(file: Path, text: str, instances: Mapping[str, Mapping[str, object]], default: str | None) -> str:
    """Return the text of the file with the instances at its end, and the default instance at its beginning."""
    known = parse_toml(text, file)
    first = ""
    if default is not None and known.get(_DEFAULT) != default:
        if _DEFAULT in known:
            raise UsageError(
                f"The default instance is already set to {printable(str(known[_DEFAULT]))}, in {file}.",
                subject=_DEFAULT,
                hint=f"Change {_DEFAULT} in that file.",
            )
        first = f"{_DEFAULT} = {toml_value(default)}\n" + ("\n" if text.strip() else "")
    tables = "\n".join(toml_table(f"instances.{toml_key(name)}", settings) for name, settings in instances.items())
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    extended = f"{first}{text}{gap}{tables}" if text or not first else f"{first}\n{tables}"
    if not _adds_only(known, extended, file):
        raise BadConfig(
            f"{file} defines its instances in a form to which nothing can be added.",
            subject=str(file),
            hint="Write each of them as a table [instances.NAME], then try again.",
        )
    return extended


def _adds_only(known: Mapping[str, object], extended: str, file: Path) -> bool:
    """Whether the extended text is valid and leaves all earlier settings as they were."""
    try:
        now = parse_toml(extended, file)
    except BadConfig:
        return False
    before, after = known.get("instances", {}), now.get("instances")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    rest = all(now.get(key) == value for key, value in known.items() if key != "instances")
    return rest and all(after.get(name) == value for name, value in before.items())


def _write(file: Path, before: str, after: str, *, secret: bool) -> None:
    data = after.encode()
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))  # nobody else creates it
        write_file(file, data, durable=True)
        return
    if secret:
        file.chmod(0o600)

    def unchanged() -> None:
        if read_file(file, SMALL_BYTES).decode("utf-8-sig") != before:
            raise OSError("another program has just changed it; try again")

    replace_file(file, data, unchanged)
