"""Add the Rucio servers that other programs are configured for to the user's configuration file.

It reads rucio-jupyterlab's ``RucioConfig`` (Python or JSON, with ``$url``), the variables of the VRE's containers, and
each rucio.cfg in a usual place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nbrucio.config.importable import jupyter_files, jupyter_folders, rucio_cfgs
from nbrucio.config.instances import known_settings
from nbrucio.config.load import load, read_layers
from nbrucio.config.remote import with_remote
from nbrucio.config.rucio_jupyterlab import names_of, plain, settings_of, text_of, unused
from nbrucio.config.session import VARIABLE, short_name, variables_row
from nbrucio.config.toml_text import toml_key, toml_table
from nbrucio.config.write import add_instances, new_instance, require_open
from nbrucio.disk.read import SMALL_BYTES, parse_json, read_file, reason
from nbrucio.errors import BadConfig, NbrucioError, UsageError
from nbrucio.operations.configure import usual_name

_INIT = "nbrucio config init"
#: Without these variables the instances of a Jupyter session are not configured yet.
_SESSION = (VARIABLE, "RUCIO_BASE_URL", "SWAN_USE_RUCIO")


class ForeignInstance(NamedTuple):
    """One instance of another program's configuration.

    Attributes:
        name: its short name.
        settings: the same in nbrucio's configuration file.
        where: the file or the variables.
        ignored: the keys that mean nothing to nbrucio.
        skipped: why it is not added; None when it is.
        is_wrong: whether it is not added because of a fault in it.
    """

    name: str
    settings: Mapping[str, object]
    where: str
    ignored: tuple[str, ...] = ()
    skipped: str | None = None
    is_wrong: bool = False

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {
            "name": self.name,
            "where": self.where,
            "settings": dict(self.settings),
            "ignored": list(self.ignored),
            "skipped": self.skipped,
        }


class Imported(NamedTuple):
    """The result of an import.

    Attributes:
        found: every instance that was found.
        file: the file to which the new ones were added; None when nothing was.
        toml: the text of the new ones.
        notices: what could not be read in full, each a sentence.
    """

    found: tuple[ForeignInstance, ...]
    file: Path | None
    toml: str
    notices: tuple[str, ...]

    def errors(self) -> list[NbrucioError]:
        """Return the error of each instance with a fault if for that reason there is nothing to add."""
        return [] if self.toml else [_fault(one) for one in self.found if one.is_wrong]


class _Rows(NamedTuple):
    """``RucioConfig`` of one place."""

    where: str
    rows: list[Mapping[str, object]]
    auth_type: str | None
    default: str | None


def import_config(file: Path | None = None, *, write: bool = True) -> Imported:
    """Add the instances of ``file``, or of all places where other programs are configured, unless they are configured.

    Args:
        file: a JSON file with ``RucioConfig``, a Python one in a configuration folder of Jupyter, or a rucio.cfg.
        write: whether to write; otherwise the result says what would be added.

    Raises:
        ConsentNeeded: the administrator does not allow further instances.
        UsageError: the file is of another kind, or there is nothing to import.
        BadConfig: the file cannot be read, or the user's file cannot be written.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _SESSION}
    require_open(read_layers(environ))
    config = load(environ)
    notices: list[str] = []
    places = list(_rucio_configs(file))
    taken = {name.lower() for instance in config.instances for name in (instance.name, *instance.aliases)}
    found: list[ForeignInstance] = []
    for place in places:
        found += _instances(place, taken, notices, offline=config.policy.offline)
    cfgs = [file] if file is not None and file.suffix == ".cfg" else [] if file is not None else rucio_cfgs(os.environ)
    found += (_of_rucio_cfg(cfg, taken) for cfg in cfgs)
    if not found:
        raise _nothing(file)
    addresses: dict[object, str] = {instance.address: instance.name for instance in config.instances}
    checked = tuple(_checked(one, addresses) for one in found)
    new = {one.name: one.settings for one in checked if one.skipped is None}
    toml = "\n".join(toml_table(f"instances.{toml_key(name)}", settings) for name, settings in new.items())
    default = _default(places, new) if config.default_name is None and config.default is None else None
    written = add_instances(new, default=default, environ=environ) if new and write else None
    return Imported(checked, written, toml, tuple(notices))


def _default(places: list[_Rows], new: Mapping[str, object]) -> str | None:
    """The new instance that ``RucioConfig`` makes the default one."""
    wanted = [place.default.lower() for place in places if place.default]
    return next((name for name in new if name.lower() in wanted), None)


def _instances(place: _Rows, taken: set[str], notices: list[str], *, offline: bool) -> Iterator[ForeignInstance]:
    for written in place.rows:
        row, notice = with_remote(written, os.environ, offline=offline)
        if notice:
            notices.append(f"{place.where}: {notice}")
        names = tuple(names_of(row))
        if not names:
            continue
        name = short_name(names, ())
        known = known_settings()
        values = settings_of(row, (each for each in names if each != name), place.auth_type)
        settings = {key: value for key, (value, _) in values.items() if key in known and value != []}
        skipped = "it is already configured" if name in taken else None
        taken.add(name)
        yield ForeignInstance(name, settings, place.where, unused(row), skipped)


def _of_rucio_cfg(file: Path, taken: set[str]) -> ForeignInstance:
    from nbrucio.config import rucio_cfg

    host, _ = rucio_cfg.read(file.absolute(), "client", os.environ).values.get("host", (None, None))
    name = short_name((usual_name(host),), taken)
    taken.add(name)
    return ForeignInstance(name, {"rucio_cfg": str(file.absolute())}, str(file))


def _checked(one: ForeignInstance, addresses: Mapping[object, str]) -> ForeignInstance:
    """Return ``one``, skipped if its settings are wrong or its server is configured already."""
    if one.skipped is not None:
        return one
    try:
        instance = new_instance(one.name, one.settings)
    except NbrucioError as error:
        return one._replace(skipped=error.message.rstrip("."), is_wrong=True)
    known = addresses.get(instance.address)
    return one if known is None else one._replace(skipped=f"its server is already configured as {known}")


def _rucio_configs(file: Path | None) -> Iterator[_Rows]:
    """Yield each ``RucioConfig``, and the variables' instance unless a file is given."""
    if file is None:
        session = os.environ.get(VARIABLE)
        if session and Path(session).is_file():
            yield _rows(_json(Path(session)), "the RucioConfig of this Jupyter server")
        for each in jupyter_files():
            yield _rows(_loaded(each), str(each))
        row = variables_row(os.environ)
        if row:
            default = os.environ.get("RUCIO_DEFAULT_INSTANCE")
            yield _Rows("RUCIO_BASE_URL", [row], os.environ.get("RUCIO_DEFAULT_AUTH_TYPE"), default)
    elif file.suffix in (".json", ".py"):
        yield _rows(_loaded(file.absolute()), str(file))
    elif file.suffix != ".cfg":
        raise UsageError(
            f"{file} is not a file that can be imported.",
            subject=str(file),
            hint="Name a rucio.cfg, or a .json or .py file with the RucioConfig of rucio-jupyterlab.",
        )


def _rows(settings: Mapping[str, Any], where: str) -> _Rows:
    rows = settings.get("instances")
    return _Rows(
        where,
        [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [],
        text_of(settings.get("default_auth_type")),
        text_of(settings.get("default_instance")),
    )


def _loaded(file: Path) -> Mapping[str, Any]:
    """Return the ``RucioConfig`` in a configuration file of Jupyter; empty if it has none."""
    content = _python(file) if file.suffix == ".py" else _json(file)
    found = content.get("RucioConfig", content if "instances" in content else {})
    return {name: plain(value) for name, value in found.items()} if isinstance(found, Mapping) else {}


def _json(file: Path) -> Mapping[str, Any]:
    try:
        value = parse_json(read_file(file, SMALL_BYTES).decode("utf-8"))
    except OSError as error:
        raise _unreadable(file, reason(error)) from error
    except ValueError as error:
        raise _unreadable(file, f"it is not valid JSON: {error}") from error
    return value if isinstance(value, dict) else {}


def _python(file: Path) -> Mapping[str, Any]:
    """Execute a configuration file as a Jupyter server does, and only one that a Jupyter server would execute."""
    folders = [Path(folder).absolute() for folder in jupyter_folders()]
    if file.parent not in folders:
        raise UsageError(
            f"{file} is a program, and nbrucio executes only those in Jupyter's configuration folders.",
            subject=str(file),
            hint="Write its RucioConfig as JSON, or copy the file to a folder that `jupyter --paths` lists.",
        )
    from traitlets.config.loader import PyFileConfigLoader

    try:
        loaded: Mapping[str, Any] = PyFileConfigLoader(file.name, path=str(file.parent)).load_config()
    except Exception as error:
        raise _unreadable(file, f"{type(error).__name__} when it was executed: {error}") from error
    return loaded


def _fault(one: ForeignInstance) -> UsageError:
    return UsageError(
        f"{one.name} was not added: {one.skipped} ({one.where}).",
        subject=one.name,
        hint=f"Correct {one.where} and import it again, or set the instance up by hand.",
        next_command=_INIT,
    )


def _unreadable(file: Path, why: str) -> BadConfig:
    return BadConfig(
        f"{file} cannot be read: {why}.", subject=str(file), hint="Correct the file, or name another one to import."
    )


def _nothing(file: Path | None) -> UsageError:
    if file is not None:
        return UsageError(f"{file} configures no Rucio instance.", subject=str(file), next_command=_INIT)
    return UsageError(
        "There is nothing to import: neither a Jupyter configuration with RucioConfig nor a rucio.cfg was found.",
        hint="Name the file to import, or set up an instance.",
        next_command=_INIT,
    )
