"""docs/settings.md and docs/variables.md name everything that the code reads, with its real default."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.config.instances import completed, instance_of
from nbrucio.config.load import load
from nbrucio.config.policy import policy_of, store_path
from nbrucio.config.table import ConfigSource, Table
from nbrucio.config.values import Policy
from nbrucio.core.units import parse_size

ROOT = Path(__file__).parents[2]
SOURCE = ConfigSource("config.toml", ROOT)
#: Families of variables, which count wherever their names stand in the code.
FAMILIES = re.compile(r"(NBRUCIO|RUCIO|BEARER|X509|XDG)_[A-Z_]+")
#: Variables that only the sandbox's servers, or programs that nbrucio starts, get from nbrucio itself.
OWN = {"LISTEN_FDS", "LISTEN_PID", "PATH_INFO", "REQUEST_METHOD", "RUCIO_CLIENT_MODE", "_NBRUCIO_COMPLETE"}


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
    return values.keys_read


def section(title: str, page: str = "settings.md") -> str:
    """The text below the heading ``title``, up to the next heading."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def documented(title: str) -> set[str]:
    """The settings in the first column of the table below ``title``."""
    rows = re.findall(r"^\| (.*?) \|", section(title), re.MULTILINE)
    names = {name.strip("[…]") for row in rows for name in re.findall(r"`([^`]+)`", row)}
    return {name for name in names if "." not in name} - {"store"}


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("An instance", read_by_instance()),
        ("A mount", read_by_mount()),
        ("`[policy]`", read_by_policy()),
        ("The file", read_by_store() | {"default_instance", "storage_ca"}),
    ],
)
def test_every_setting_is_documented_and_every_documented_setting_is_read(title: str, read: set[str]) -> None:
    assert documented(title) == read


def test_the_defaults_of_the_policy_are_the_real_ones() -> None:
    columns = re.findall(r"^\| `(\w+)` \| (.*?) \|", section("`[policy]`"), re.MULTILINE)
    said = {name: default.strip("`").strip('"') for name, default in columns}
    real = Policy()
    assert real.max_download_bytes is None
    assert real.max_store_bytes is None
    assert real.max_stage_lifetime_s is None
    assert real.upload_rses is None
    assert said.pop("max_download") == said.pop("max_store") == said.pop("max_stage_lifetime") == "no limit"
    assert said.pop("upload_rses") == "all"
    assert parse_size(said.pop("keep_free")) == real.keep_free_bytes
    assert {name: float(said.pop(f"{name}_timeout")) for name in ("connect", "read")} == {
        "connect": real.connect_timeout_s,
        "read": real.read_timeout_s,
    }
    assert said == {name: str(getattr(real, name)).lower() for name in said}


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
