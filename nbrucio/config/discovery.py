"""Find all configured instances; an invalid one does not affect the others."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from nbrucio.config import rucio_cfg
from nbrucio.config.instances import LOGIN_SETTINGS, address_in, completed, instance_of, names_in
from nbrucio.config.policy import policy_of
from nbrucio.config.session import SessionConfig, read_session
from nbrucio.config.table import Table
from nbrucio.config.values import ConfigFault, Instance
from nbrucio.core.address import canonical
from nbrucio.errors import BadConfig

#: What the instance of a rucio.cfg is called while it has no other name.
RUCIO_CFG = "rucio.cfg"
#: A setting of instances that may also be at the top of a file, where it is that of all instances without their own.
COMMON = "storage_ca"


class Found:
    """The result of the search so far.

    Attributes:
        common: the settings that each instance has without its own.
        of_rucio_cfg: the instance of the user's own rucio.cfg.
        tables: the settings of the instances, in the same order.
        invalid: the settings of those with a fault.
        session: the settings of the Jupyter session.
    """

    def __init__(self, common: Table) -> None:
        self.common = common
        self.instances: list[Instance] = []
        self.faults: list[ConfigFault] = []
        self.tables: list[Table] = []
        self.invalid: list[Table] = []
        self.of_rucio_cfg: Instance | None = None
        self.session = SessionConfig({})

    def add(self, name: str | None, table: Table) -> Instance | None:
        """Add the instance that ``table`` describes; None if it is invalid, which is recorded in `faults`."""
        try:
            table = completed(table)
            asked, table = table.asked, table.over(self.common)
            table.asked.update(asked)
            instance = instance_of(name, table)
            self._check_identity(instance, table)
        except BadConfig as error:
            error.hint = self.session.notices.get(name or "", error.hint)
            self.faults.append(ConfigFault(name or RUCIO_CFG, error, names_in(table), address_in(table)))
            self.invalid.append(table)
            return None
        self.instances.append(instance)
        self.tables.append(table)
        return instance

    def secret_files(self) -> Iterator[str]:
        """Return the files that contain passwords."""
        return (table.values["password"][1].label for table in self.tables if "password" in table.values)

    def _check_identity(self, instance: Instance, table: Table) -> None:
        # Store, grants and locks are stored by identity, so two servers with one identity would share them. Two logins
        # to one server and VO share them rightly.
        other = next((known for known in self.instances if _alike(known, instance)), None)
        if other is not None:
            what = f"({instance.identity}) is already used by the instance {other.name}; change one of them"
            raise table.fault("identity", what)


def _alike(one: Instance, other: Instance) -> bool:
    """Return whether the identity of one instance is a name of the other, although server or VO differ."""
    if (one.identity, one.address) == (other.identity, other.address):
        return False
    pairs = ((one, other), (other, one))
    return any(this.identity in map(canonical, (that.identity, that.name, *that.aliases)) for this, that in pairs)


def find_instances(system: Table, user: Table, environ: Mapping[str, str]) -> Found:
    """Return the instances of the operator's file, the session, the user's file (later ones take precedence by key) and
    the user's rucio.cfg."""
    fixed = bool(system.table("policy").flag("fixed_instances"))
    found = Found(_common(system) if fixed else _common(user).over(_common(system)))
    operators, own = _written(found, system), _written(found, user)
    offline = policy_of(system.table("policy"), user.table("policy"), environ=environ).offline
    found.session = read_session(environ, _merged(operators, own), offline=offline)
    if fixed:
        own = dict(_logins(found, own, {*operators, *found.session.instances}))
    for name, table in _merged(operators, found.session.instances, own).items():
        found.add(name, table)
    file = rucio_cfg.find(environ)
    if file is not None:
        found.of_rucio_cfg = _of_rucio_cfg(found, file, environ, may_add=not fixed)
    return found


def _logins(found: Found, own: Mapping[str, Table], allowed: Container[str]) -> Iterator[tuple[str, Table]]:
    """Yield the user's logins to the instances that the administrator fixes; other settings are recorded as faults."""
    for name, table in own.items():
        other = next((key for key in table.values if key not in LOGIN_SETTINGS), None)
        if name in allowed and other is None:
            yield name, table
            continue
        error = table.fault(other or "host", "cannot be set: the administrator fixes the instances of this machine")
        found.faults.append(ConfigFault(name, error, names_in(table), address_in(table)))


def _common(layer: Table) -> Table:
    layer.path(COMMON)  # raises for a value of another type
    return Table("", {name: value for name, value in layer.values.items() if name == COMMON}, layer.environ)


def _merged(*layers: Mapping[str, Table]) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for layer in layers:
        for name, table in layer.items():
            tables[name] = table.over(tables[name]) if name in tables else table
    return tables


def _written(found: Found, layer: Table) -> dict[str, Table]:
    """Return the tables of the instances in one file; other values are recorded as faults."""
    group = layer.table("instances")
    tables: dict[str, Table] = {}
    for name in group.values:
        try:
            tables[name] = group.table(name)
        except BadConfig as error:
            found.faults.append(ConfigFault(name, error))
    return tables


def _of_rucio_cfg(found: Found, file: Path, environ: Mapping[str, str], *, may_add: bool) -> Instance | None:
    try:
        table = rucio_cfg.overrides("client", environ).over(rucio_cfg.read(file, "client", environ))
    except BadConfig as error:
        found.faults.append(ConfigFault(RUCIO_CFG, error))
        return None
    address = address_in(table)
    same = next((known for known in found.instances if known.address == address), None)
    return same or (found.add(None, table) if may_add else None)
