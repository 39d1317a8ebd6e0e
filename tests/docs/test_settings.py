"""The schema of the configuration, from which docs/settings.md is made, and docs/variables.md name everything that the
code reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbrucio_schemas
import pytest

from nbrucio.config.instances import completed, instance_of
from nbrucio.config.load import load
from nbrucio.config.places import PRIVATE, shared_stores, store_path
from nbrucio.config.policy import policy_of
from nbrucio.config.table import ConfigSource, Table

ROOT = Path(__file__).parents[2]
SOURCE = ConfigSource("config.toml", ROOT)
SCHEMA = nbrucio_schemas.load("config-1")
#: Families of variables, which count wherever their names stand in the code.
FAMILIES = re.compile(r"(NBRUCIO|RUCIO|BEARER|X509|XDG)_[A-Z_]+")
#: Variables that only the sandbox's servers, or programs that nbrucio starts, get from nbrucio itself.
OWN = {
    "HTTP_X_RUCIO_AUTH_TOKEN",
    "LISTEN_FDS",
    "LISTEN_PID",
    "PATH_INFO",
    "REQUEST_METHOD",
    "RUCIO_CLIENT_MODE",
    "_NBRUCIO_COMPLETE",
}


class Noted(dict[str, tuple[object, ConfigSource]]):
    """Settings that note which keys somebody asks for."""

    def __init__(self, **values: object) -> None:
        super().__init__({name: (value, SOURCE) for name, value in values.items()})
        self.keys_read: set[str] = set()

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
        self.keys_read.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.keys_read.add(str(key))
        return super().__contains__(key)


def read_by_instance() -> set[str]:
    values = Noted(host="https://rucio.example.org", auth_type="gss")
    completed(Table("instances.one", values, {}))
    instance_of("one", Table("instances.one", values, {}))
    return values.keys_read


def read_by_mount() -> set[str]:
    row = {"rse": "HERE", "path": "/eos"}
    values = Noted(host="https://rucio.example.org", auth_type="gss", mounts=[row])
    table = Table("instances.one", values, {})
    instance_of("one", table)
    return table.rows[0].asked


def read_by_policy() -> set[str]:
    values = Noted()
    policy_of(Table("policy", values, {}), Table("policy", Noted(), {}), environ={})
    return values.keys_read


def read_by_store() -> set[str]:
    values = Noted()
    store_path(Table("store", Noted(), {}), Table("store", values, {}), environ={})
    shared_stores(Table("store", Noted(), {}), Table("store", values, {}), environ={})
    return values.keys_read


@pytest.mark.parametrize(
    ("described", "read"),
    [
        (SCHEMA["$defs"]["instance"], read_by_instance()),
        (SCHEMA["$defs"]["mount"], read_by_mount()),
        (SCHEMA["$defs"]["policy"], read_by_policy()),
        (SCHEMA["properties"]["store"], read_by_store()),
        (SCHEMA, {"default_instance", "instances", "policy", "store", "storage_ca", PRIVATE}),
    ],
)
def test_every_setting_is_in_the_schema_and_every_one_there_is_read(described: dict[str, Any], read: set[str]) -> None:
    assert set(described["properties"]) == read


def test_the_example_is_a_configuration_without_warnings(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "settings.md").read_text(), re.DOTALL)
    other = tmp_path / "escape.cfg"
    other.write_text("[client]\nrucio_host = https://escape.example.org\nauth_type = gss\n")
    file = tmp_path / "config.toml"
    file.write_text(example.replace("/etc/rucio/escape.cfg", str(other)))
    config = load({"NBRUCIO_CONFIG": str(file), "HOME": str(tmp_path)}, system_file=tmp_path / "none.toml")
    assert (config.warnings, config.faults) == ((), ())
    assert [each.name for each in config.instances[:2]] == ["cms", "escape"]


def variables_read() -> Iterator[str]:
    """Names of environment variables in the code: the families, and what an ``environ`` is asked for."""
    for file in (path for room in ("nbrucio", "cli") for path in sorted((ROOT / room).rglob("*.py"))):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and FAMILIES.fullmatch(str(node.value)):
                yield str(node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                if node.func.attr == "getenv" or (node.func.attr == "get" and is_environment(node.func.value)):
                    yield from texts(node.args[0])
            elif isinstance(node, ast.Subscript) and is_environment(node.value):
                yield from texts(node.slice)


def is_environment(node: ast.expr) -> bool:
    return "environ" in ast.unparse(node).rpartition(".")[2]


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and re.fullmatch(r"\w+", str(node.value)):
        yield str(node.value)


def test_every_variable_that_the_code_reads_is_documented() -> None:
    text = (ROOT / "docs" / "variables.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)(?:=[^`]*)?`", text))
    assert {"NBRUCIO_HOME", "BEARER_TOKEN", "KRB5CCNAME"} <= set(variables_read())
    assert set(variables_read()) - OWN - {"HOME", "PYTHONPATH", "PATH"} - named == set()
