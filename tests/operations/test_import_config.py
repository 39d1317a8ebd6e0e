"""`nbrucio config import`: what other programs are configured with becomes part of the user's file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.config import load

ESCAPE = {
    "name": "escape",
    "display_name": "ESCAPE",
    "rucio_base_url": "https://rucio.escape.example",
    "rucio_auth_url": "https://auth.escape.example",
    "mode": "replica",
    "destination_rse": "EOS",
    "rse_mount_path": "/eos/eulake",
    "path_begins_at": 5,
    "voms_enabled": True,
    "wildcard_enabled": True,
}
ATLAS = {"name": "atlas", "display_name": "ATLAS", "rucio_base_url": "https://rucio.atlas.example", "mode": "download"}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any configuration, in which Jupyter searches too."""
    for name in ("RUCIO_CONFIG", "RUCIO_HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "NBRUCIO_CONFIG", "JUPYTER_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    (tmp_path / "jupyter").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(home: Path) -> Run:  # noqa: ARG001 - every command of these tests is for that home
    def call(*words: object) -> tuple[int, str, str]:
        result = CliRunner().invoke(root, ["config", "import", *map(str, words)], prog_name="nbrucio")
        return result.exit_code, result.stdout, result.stderr

    return call


def _json(home: Path, *instances: object, **others: object) -> Path:
    file = home / "jupyter" / "jupyter_server_config.json"
    file.write_text(json.dumps({"RucioConfig": {"instances": list(instances), **others}}))
    return file


def test_a_json_file_of_jupyter_becomes_instances(home: Path, run: Run) -> None:
    file = _json(home, ESCAPE, ATLAS, default_instance="escape", default_auth_type="oidc")
    code, out, err = run()
    assert (code, err) == (0, "")
    assert f"escape: from {file}; not used: voms_enabled, wildcard_enabled\natlas: from {file}\n" in out
    config = load()
    escape = config.instance()
    assert (escape.name, escape.host, escape.auth_type, escape.downloads) == (
        "escape",
        ESCAPE["rucio_base_url"],
        "oidc",
        False,
    )
    assert (escape.mounts[0].rse, escape.mounts[0].begins_at) == ("EOS", 5)
    assert config.instance("atlas").downloads
    assert (config.warnings, config.faults) == ((), ())
    code, out, _ = run()
    assert code == 0
    assert "escape: not added: it is already configured" in out


def test_a_python_file_is_executed_as_jupyter_does(home: Path, run: Run) -> None:
    file = home / "jupyter" / "jupyter_server_config.py"
    file.write_text(
        "c = get_config()\nc.RucioConfig.instances = []\n"
        f"c.RucioConfig.instances.append({ESCAPE!r})\nc.RucioConfig.default_auth_type = 'gss'\n"
    )
    assert run()[0] == 0
    assert load().instance("escape").auth_type == "gss"


def test_a_python_file_elsewhere_is_not_executed(home: Path, run: Run) -> None:
    file = home / "jupyter_server_config.py"
    file.write_text(f"open({str(home / 'executed')!r}, 'w')\nc.RucioConfig.instances = []\n")
    code, _, err = run(file)
    assert (code, (home / "executed").exists()) == (2, False)
    assert "executes only those in Jupyter's configuration folders" in " ".join(err.split())
    assert run()[0] == 2
    assert not (home / "executed").exists()


def test_a_python_file_that_fails_is_named(home: Path, run: Run) -> None:
    file = home / "jupyter" / "jupyter_server_config.py"
    file.write_text("RucioConfig = {}['SWAN']\n")
    code, _, err = run()
    assert code == 2
    assert f"{file} cannot be read: KeyError when it was executed: 'SWAN'" in err


def test_the_variables_of_a_container_become_an_instance(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NAME": "vre", "BASE_URL": "https://vre.example", "DEFAULT_INSTANCE": "vre"}.items():
        monkeypatch.setenv(f"RUCIO_{name}", value)
    assert "vre: from RUCIO_BASE_URL" in run()[1]
    for name in ("NAME", "BASE_URL", "DEFAULT_INSTANCE"):
        monkeypatch.delenv(f"RUCIO_{name}")
    assert load().instance().host == "https://vre.example"
    assert (home / "config" / "nbrucio" / "config.toml").stat().st_mode & 0o777 == 0o600


def test_the_settings_of_the_running_jupyter_server_are_copied(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = home / "session.json"
    session.write_text(json.dumps({"instances": [ESCAPE]}))
    monkeypatch.setenv("NBRUCIO_SESSION_CONFIG", str(session))
    assert "escape: from the RucioConfig of this Jupyter server" in run()[1]
    monkeypatch.delenv("NBRUCIO_SESSION_CONFIG")
    assert load().instance("escape").host == ESCAPE["rucio_base_url"]


@pytest.mark.parametrize("place", [".rucio.cfg", ".rucio/etc/rucio.cfg", "elsewhere/rucio.cfg"])
def test_a_rucio_cfg_is_referred_to(home: Path, run: Run, place: str) -> None:
    file = home / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "[client]\nrucio_host = https://cms-rucio.example\nauth_type = userpass\nusername = u\npassword = p\n"
    )
    assert run(*([file] if "elsewhere" in place else []))[0] == 0
    instance = load().instance("cms")
    assert (instance.host, instance.credentials.password) == ("https://cms-rucio.example", "p")
    assert "password" not in (home / "config" / "nbrucio" / "config.toml").read_text()


def test_a_dry_run_writes_nothing(home: Path, run: Run) -> None:
    _json(home, ESCAPE)
    code, out, _ = run("--dry-run")
    assert code == 0
    assert '[instances.escape]\nhost = "https://rucio.escape.example"' in out
    assert not (home / "config").exists()


def test_a_wrong_instance_is_skipped_and_the_others_are_added(home: Path, run: Run) -> None:
    _json(home, {**ESCAPE, "rucio_base_url": "no URL"}, ATLAS)
    code, out, _ = run("--json")
    found = {one["name"]: one for one in json.loads(out)["instances"]}
    assert code == 0
    assert "must be a URL" in found["escape"]["skipped"]
    assert (found["atlas"]["skipped"], found["escape"]["ignored"]) == (None, ["voms_enabled", "wildcard_enabled"])
    assert [one.name for one in load().instances] == ["atlas"]


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_if_faults_leave_nothing_to_add_it_fails(home: Path, run: Run, words: tuple[str, ...]) -> None:
    file = _json(home, {**ESCAPE, "rucio_base_url": "no URL"})
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: escape was not added: new instance: instances.escape.host must be a URL")
    assert f"Correct {file} and import it again" in " ".join(err.split())
    assert err.endswith("next: nbrucio config init\n")
    code, out, _ = run("--json", *words)
    facts = json.loads(out)
    assert (code, facts["exit_code"], facts["errors"][0]["subject"]) == (2, 2, "escape")
    assert "must be a URL" in facts["instances"][0]["skipped"]


def test_a_server_that_is_configured_already_is_skipped(home: Path, run: Run) -> None:
    own = home / "config" / "nbrucio" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[instances.mine]\nhost = "https://rucio.atlas.example"\nauth_type = "gss"\n')
    _json(home, ATLAS)
    code, out, _ = run()
    assert code == 0
    assert "atlas: not added: its server is already configured as mine" in out


@pytest.mark.parametrize("content", ["{", "[]", '{"RucioConfig": []}', '{"RucioConfig": {"instances": 7}}'])
def test_what_is_no_configuration_is_refused(home: Path, run: Run, content: str) -> None:
    file = home / "x.json"
    file.write_text(content)
    code, _, err = run(file)
    assert code == 2
    assert str(file) in err


def test_a_url_that_cannot_be_read_is_reported(home: Path, run: Run) -> None:
    _json(home, {"name": "escape", "display_name": "ESCAPE", "$url": "http://config.example"}, ATLAS)
    code, out, err = run()
    assert code == 0
    assert "http://config.example cannot be read (it must be an https URL without a login)" in err
    assert "escape: not added: new instance: instances.escape.host is missing" in out
    assert load().instance("atlas").name == "atlas"


def test_nothing_to_import_leads_to_init(run: Run) -> None:
    code, _, err = run()
    assert code == 2
    assert err.endswith("next: nbrucio config init\n")
