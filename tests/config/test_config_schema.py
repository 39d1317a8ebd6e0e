"""The schema of the configuration, its reader and docs/settings.md say the same."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbrucio_schemas
import pytest

from nbrucio.config.check import Checked, check
from nbrucio.config.instances import completed, instance_of
from nbrucio.config.policy import policy_of
from nbrucio.config.table import ConfigSource, Table
from nbrucio.core.schema import schema_faults
from nbrucio.errors import BadConfig
from nbrucio.operations.stage import DEFAULT_LIFETIME_S
from tests.support.config_texts import ATLAS

ROOT = Path(__file__).parents[2]
SCHEMA = nbrucio_schemas.load("config-1")
SOURCE = ConfigSource("config.toml", ROOT)
INSTANCE = {"host": "https://rucio.example.org", "auth_type": "oidc"}
MOUNT = {"rse": "HERE", "path": "/eos"}
#: Values of all types; some fit some settings.
VALUES: tuple[Any, ...] = (
    *("", "x", "false", "50 GB", "5 parsecs", "14d", "0d", "3 years", "store", "fetch", "https://x.example.org"),
    *(True, False, 0, 1, -1, 2.5, 86401, [], ["x"], [""], [1], {}, {"a": 1}, [{}], [{"rse": "A", "path": "/b"}]),
)
#: Settings about whose texts the reader knows more than the schema.
STRICTER = {
    *("host", "auth_host", "trace_host", "webui", "vo", "redirect_hosts", "hub_token", "default_scope"),
    *("auth_oidc_refresh_before_exp", "rucio_cfg", "identity", "mounts"),
}


def table(key: str, values: Mapping[str, object]) -> Table:
    return Table(key, {name: (value, SOURCE) for name, value in values.items()}, {"HOME": "/home/u"})


def read_policy(values: Mapping[str, object]) -> object:
    return policy_of(table("policy", {}), table("policy", values), environ={})


def read_instance(values: Mapping[str, object]) -> object:
    return instance_of("one", completed(table("instances.one", {**INSTANCE, **values})))


def read_mount(values: Mapping[str, object]) -> object:
    return instance_of("one", table("instances.one", {**INSTANCE, "mounts": [{**MOUNT, **values}]}))


READERS: dict[str, Callable[[Mapping[str, object]], object]] = {
    "policy": read_policy,
    "instance": read_instance,
    "mount": read_mount,
}
SETTINGS = [(part, name) for part in READERS for name in SCHEMA["$defs"][part]["properties"]]


def described(part: str, name: str) -> Mapping[str, Any]:
    """The schema of a setting."""
    found: Mapping[str, Any] = SCHEMA["$defs"][part]["properties"][name]
    return found


def whole(part: str, values: dict[str, object]) -> dict[str, object]:
    """A configuration with these settings in one part."""
    if part == "policy":
        return {"policy": values}
    one = {**INSTANCE, **values} if part == "instance" else {**INSTANCE, "mounts": [{**MOUNT, **values}]}
    return {"instances": {"one": one}}


@pytest.mark.parametrize(("part", "name"), SETTINGS)
def test_schema_and_reader_agree_about_every_value(part: str, name: str) -> None:
    for value in VALUES:
        fits = not schema_faults(whole(part, {name: value}), "config-1")
        try:
            READERS[part]({name: value})
            read = True
        except BadConfig:
            read = False
        assert fits or not read, f"{value!r} is read"
        assert read or not fits or name in STRICTER, f"{value!r} is refused by the reader only"


@pytest.mark.parametrize(
    ("part", "name"), [each for each in SETTINGS if "default" in SCHEMA["$defs"][each[0]]["properties"][each[1]]]
)
def test_every_default_is_the_real_one(part: str, name: str) -> None:
    default = SCHEMA["$defs"][part]["properties"][name]["default"]
    assert not schema_faults(whole(part, {name: default}), "config-1")
    if (part, name) == ("instance", "rule_lifetime"):
        assert default == f"{DEFAULT_LIFETIME_S // 86_400}d"
    elif name != "oidc_scope":  # the login's
        assert _alike(READERS[part]({name: default}), READERS[part]({}))


def _alike(one: Any, other: Any) -> bool:
    mounts = [
        [(each.rse, each.path, each.begins_at or 0) for each in getattr(two, "mounts", ())] for two in (one, other)
    ]
    return mounts[0] == mounts[1] and (bool(mounts[0]) or one == other)


def test_the_page_is_made_from_the_schema() -> None:
    page = runpy.run_path(str(ROOT / "tools/settings_page.py"))["page"]()
    assert (ROOT / "docs/settings.md").read_text("utf-8") == page, "run .venv/bin/python tools/settings_page.py"


def _check(folder: Path, text: str) -> Checked:
    file = folder / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return check(file, {"HOME": str(folder)}, system_file=folder / "none.toml")


def test_all_wrong_settings_are_reported_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (
        "defalt_instance = 'x'\n"
        "[policy]\nparallel = 'many'\nmax_downlod = 1\nkeep_free = '1 parsec'\nread_timeout = 0\n"
        "[instances.a]\nauth_type = 'oidc'\nhost = 'https://a.example.org'\ntraces = 1\naliases = ['a', 3]\n"
        "[[instances.a.mounts]]\nrse = 'A'\npath = 3\n[stoer]\n"
    )
    errors = _check(tmp_path, text).errors
    found = {error.message.rpartition("config.toml:")[2].rstrip("."): error.hint for error in errors}
    correct = "Correct this setting."
    assert found == {
        "1: the setting defalt_instance is unknown": "Did you mean 'default_instance'?",
        "3: policy.parallel must be a whole number": correct,
        "4: the setting policy.max_downlod is unknown": "Did you mean 'max_download'?",
        "5: policy.keep_free ('1 parsec') must be a size such as '50 GB'": correct,  # the reader's, which ends at it
        "6: policy.read_timeout must be a number of seconds between 0 and 86400": correct,
        "10: instances.a.traces must be true or false": correct,
        "11: instances.a.aliases[1] must be a string": correct,
        "14: instances.a.mounts[0].path must be a string": correct,
        "15: the setting stoer is unknown": "Did you mean 'store'?",
    }


def test_what_reader_and_schema_refuse_is_reported_once(tmp_path: Path) -> None:
    (error,) = _check(tmp_path, ATLAS.replace('["ATLAS-Prod"]', "['a', 3]")).errors
    assert error.message.endswith("aliases must be a string.")


def test_without_jsonschema_the_readers_errors_and_one_sentence_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    unknown, missing = _check(tmp_path, ATLAS + "xyzzy = 1\n").errors
    assert unknown.message.endswith("instances.atlas.xyzzy is unknown.")
    assert (missing.code, missing.subject) == ("missing-dependency", "jsonschema")
