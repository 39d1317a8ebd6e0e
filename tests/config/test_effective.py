"""`nbrucio config show`: the configuration in force, and the origin of each value."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.config.effective import Effective, Setting, effective
from nbrucio.config.policy import POLICY_SETTINGS, _PolicySettings
from nbrucio.config.table import Table
from tests.support.config_texts import ATLAS, RUCIO_CFG

OPERATOR = """
[instances.atlas]
host = "https://rucio.atlas.example"
auth_type = "x509"
ca_cert = "$CAS/ca.pem"
[policy]
max_download = "50 GB"
traces = false
connect_timeout = 5
"""
USER = """# mine
default_instance = "atlas"
[instances.atlas]
auth_type = "userpass"
username = "jdoe"
password = "do not show"
file_roots = ["data"]
[[instances.atlas.mounts]]
rse = "HERE"
path = "~/here"
[policy]
max_download = "80 GB"
keep_free = "3 GB"
"""

Read = Callable[..., dict[str, Setting]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(USER)
    (tmp_path / "config.toml").chmod(0o600)
    (tmp_path / "operator.toml").write_text(OPERATOR)
    return tmp_path


def _effective(home: Path, **environ: str) -> Effective:
    return effective(_environ(home, **environ), system_file=home / "operator.toml")


def _environ(home: Path, **environ: str) -> dict[str, str]:
    return {"HOME": str(home), "NBRUCIO_CONFIG": str(home / "config.toml"), "CAS": "/cas", **environ}


def _settings(found: Effective) -> Mapping[str, Setting]:
    return {setting.key: setting for setting in found.settings}


def test_each_value_has_the_file_and_line_that_set_it(home: Path) -> None:
    found = _settings(_effective(home))
    operator, user = f"{home}/operator.toml", f"{home}/config.toml"
    shown = {key: (setting.value, setting.origin) for key, setting in found.items()}
    assert shown["default_instance"] == ("atlas", f"{user}:2")
    assert shown["instances.atlas.host"] == ("https://rucio.atlas.example", f"{operator}:3")
    assert shown["instances.atlas.auth_type"] == ("userpass", f"{user}:4")
    assert shown["instances.atlas.ca_cert"] == ("/cas/ca.pem", f"{operator}:5")
    assert shown["instances.atlas.file_roots"] == ([f"{home}/data"], f"{user}:7")
    assert shown["instances.atlas.mounts"] == ([{"rse": "HERE", "path": f"{home}/here"}], f"{user}:8")
    assert shown["instances.atlas.auth_host"] == ("https://rucio.atlas.example", "default")
    assert shown["policy.keep_free"] == (3_000_000_000, f"{user}:13")
    assert shown["policy.parallel"] == (64, "default")
    assert shown["store.path"][1] == "default"


def test_a_limit_that_the_user_cannot_lift_is_marked(home: Path) -> None:
    found = _settings(_effective(home))
    limit = found["policy.max_download"]
    assert (limit.value, limit.origin, limit.bound) == (50_000_000_000, f"{home}/operator.toml:7", True)
    assert {key for key, setting in found.items() if setting.bound} == {"policy.max_download", "policy.traces"}


def test_a_variable_is_an_origin(home: Path) -> None:
    variables = {"NBRUCIO_MAX_DOWNLOAD": "1GB", "NBRUCIO_SAFE": "1", "NBRUCIO_STORE": "/s", "NBRUCIO_INSTANCE": "x"}
    found = _settings(_effective(home, **variables))
    origins = {key: found[key].origin for key in ("policy.max_download", "policy.offline", "store.path")}
    assert origins == dict(zip(origins, ["NBRUCIO_MAX_DOWNLOAD", "NBRUCIO_SAFE", "NBRUCIO_STORE"], strict=True))
    assert found["default_instance"][2:4] == ("x", "NBRUCIO_INSTANCE")


def test_a_rucio_cfg_and_its_variables_are_origins(home: Path) -> None:
    cfg = home / "rucio.cfg"
    cfg.write_text(RUCIO_CFG)
    found = _settings(_effective(home, RUCIO_CONFIG=str(cfg), RUCIO_ACCOUNT="other"))
    name = "instances.rucio.cms.example"
    assert found[f"{name}.host"].origin == f"{cfg}:3"
    assert (found[f"{name}.account"].value, found[f"{name}.account"].origin) == ("other", "RUCIO_ACCOUNT")
    assert found[f"{name}.password"].value is None
    assert found[f"{name}.password"].as_json() == {
        "key": f"{name}.password",
        "secret": True,
        "origin": f"{cfg}:8",
        "bound": False,
    }


def test_the_variables_of_a_session_are_origins(home: Path) -> None:
    session = {"RUCIO_NAME": "vre", "RUCIO_BASE_URL": "https://vre.example", "RUCIO_VO": "esc"}
    swan = {"SWAN_USE_RUCIO": "true", "SWAN_RUCIO_INSTANCE": "vre", "SWAN_RUCIO_RSE": "E", "SWAN_RUCIO_RSE_PATH": "/e"}
    (home / "config.toml").write_text("")
    found = _settings(_effective(home, **session, **swan))
    origins = {name: found[f"instances.vre.{name}"].origin for name in ("host", "vo", "mounts", "auth_type")}
    assert origins == {
        "host": "RUCIO_BASE_URL",
        "vo": "RUCIO_VO",
        "mounts": "SWAN_RUCIO_RSE",
        "auth_type": "RUCIO_BASE_URL",
    }
    assert found["default_instance"][2:4] == ("vre", "SWAN_RUCIO_INSTANCE")


def test_every_setting_of_the_policy_is_shown() -> None:
    table = Table("policy", {}, {})
    _PolicySettings.of(table)
    assert table.asked == set(POLICY_SETTINGS)


@pytest.fixture
def printed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    for name in ("RUCIO_HOME", "RUCIO_CONFIG", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in _environ(home).items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(root, ["config", *words], prog_name="nbrucio")
        return result.exit_code, result.stdout, result.stderr

    return run


def test_what_is_shown_is_toml_without_secrets(home: Path, printed: Callable[..., tuple[int, str, str]]) -> None:
    text = USER.replace("instances.atlas", 'instances."other one"').replace("auth", 'host = "https://o.example"\nauth')
    (home / "config.toml").write_text(text)
    for words in (("show",), ("show", "--origin")):
        code, out, _ = printed(*words)
        assert (code, "do not show" in out) == (0, False)
        shown = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads(out)
        assert shown["instances"]["other one"]["username"] == "jdoe"
        assert shown["policy"]["keep_free"] == "3 GB"
    assert f"{home}/config.toml:" in out


def test_what_is_shown_to_programs_has_no_secrets(home: Path, printed: Callable[..., tuple[int, str, str]]) -> None:
    (home / "config.toml").write_text(ATLAS + 'passwd = "do not show"\npassword = "do not show"\n[instances.bad]\n')
    code, out, err = printed("show", "--json", "--origin")
    facts = json.loads(out)
    assert (code, "do not show" in out + err) == (0, False)
    assert [fault["instance"] for fault in facts["faults"]] == ["bad"]
    assert {"key", "origin", "bound"} <= set(facts["settings"][0])
    assert facts["files"] == [f"{home}/config.toml"]


def test_a_machine_without_an_instance_shows_where_one_was_searched(
    home: Path, printed: Callable[..., tuple[int, str, str]]
) -> None:
    (home / "config.toml").write_text("")
    _, out, _ = printed("show")
    assert f"# No Rucio instance is configured. Files searched: /etc/nbrucio/config.toml, {home}/config.toml" in out
