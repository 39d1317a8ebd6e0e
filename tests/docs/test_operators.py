"""The pages for operators: each snippet is read by what reads it in a session, and each test that is named exists."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config as ServerConfig

from nbrucio.config import Config, load
from nbrucio.config.rucio_jupyterlab import plain
from nbrucio.jupyter import session_config
from nbrucio.jupyter.extension import NbrucioApp

ROOT = Path(__file__).parents[2]
PAGES = {page.stem: page.read_text("utf-8") for page in sorted((ROOT / "docs" / "operators").glob("*.md"))}
SECTIONS = ("## What works in which session", "## Upgrade and rollback")


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def _read(text: str, folder: Path, **environ: str) -> Config:
    """What nbrucio makes of an operator's file, without a user's one."""
    file = folder / "system.toml"
    file.write_text(text)
    config = load({"HOME": str(folder), "NBRUCIO_CONFIG": os.devnull, **environ}, system_file=file)
    assert (config.warnings, config.faults) == ((), ())
    return config


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_a_table_of_sessions_and_says_how_to_upgrade(page: str) -> None:
    assert all(section in PAGES[page] for section in SECTIONS)
    table = PAGES[page].partition(SECTIONS[0])[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 2
    code = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for *_, shown in rows:
        names = re.findall(r"`([^`]+)`", shown)
        assert names
        for name in names:
            assert (ROOT / name).exists() if "/" in name else f"def {name}(" in code, name


def test_the_page_of_swan_has_every_number_of_its_tests() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "swan").glob("test_d*.py"))
    numbers = set(re.findall(r"^def test_d(\d+)_", tests, re.MULTILINE))
    assert numbers == set(re.findall(r"^\| D(\d+) \|", PAGES["swan"], re.MULTILINE))


@pytest.mark.parametrize(
    ("page", "text"), [(page, text) for page in PAGES for text in _blocks(page, "toml")], ids=lambda value: value[:12]
)
def test_configurations_of_operators_are_valid(page: str, text: str, tmp_path: Path) -> None:
    token = tmp_path / "bearer"
    variables = {"USER": "jdoe", "JUPYTERHUB_USER": "jdoe", "BEARER_TOKEN_FILE": str(token)}
    config = _read(text, tmp_path, **variables)
    assert config.policy.max_download_bytes
    if "[instances" in text:
        assert config.instances
        assert "jdoe" in str(config.store_path)
    if page == "coffea-casa":
        assert config.instance().storage_token_file == token


def test_the_file_of_swans_image_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "swan" / "config.toml").read_text("utf-8")
    assert _read(text, tmp_path).policy.max_download_bytes == 10_000_000_000


def test_the_files_in_values_configure_nbrucio(tmp_path: Path) -> None:
    (text,) = _blocks("jupyterhub-kubernetes", "yaml")
    values = yaml.safe_load(text)["singleuser"]
    (file,) = values["extraFiles"].values()
    assert file["mountPath"] == "/etc/nbrucio/config.toml"
    config = _read(file["stringData"], tmp_path, JUPYTERHUB_USER="jdoe", **values["extraEnv"])
    instance = config.instance()
    mounted = {mount["mountPath"] for mount in values["storage"]["extraVolumeMounts"]}
    assert {str(mount.path) for mount in instance.mounts} <= mounted
    assert str(instance.credentials.token_file).startswith(tuple(mounted))
    assert str(config.store_path).startswith(tuple(mounted))
    volumes = {volume["name"] for volume in values["storage"]["extraVolumes"]}
    assert {mount["name"] for mount in values["storage"]["extraVolumeMounts"]} == volumes


def test_the_servers_configuration_for_oidc_gives_the_instance_its_token_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ServerConfig()
    for block in _blocks("swan", "python"):
        exec(block, {"c": server})
    deployed = (ROOT / "deploy" / "swan" / "jupyter_server_config.py").read_text("utf-8")
    exec(deployed, {"get_config": lambda: server})
    assert server.ServerApp.jpserver_extensions == {"nbrucio": False}
    assert set(server.NbrucioApp) <= set(NbrucioApp.class_own_traits(config=True))
    ((written, key, form),) = plain(server.SwanOauthRenew["files"])
    assert (key, form) == ("exchanged_tokens/rucio", "{token}")
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("NBRUCIO_SESSION_CONFIG", "")
    saved = session_config.share(server, _Log())  # type: ignore[arg-type]
    instance = _read("", tmp_path, NBRUCIO_SESSION_CONFIG=str(saved)).instance("escape")
    assert (instance.auth_type, str(instance.credentials.token_file)) == ("oidc", written)
    assert not instance.downloads


class _Log:
    def warning(self, *words: Any) -> None:
        raise AssertionError(words)


def test_the_variables_of_a_container_configure_nbrucio(tmp_path: Path) -> None:
    (text,) = _blocks("escape-vre", "sh")
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    script = f"set -a\n{text}\nexec {sys.executable} -c '{program}'"
    done = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True)
    config = _read("", tmp_path, **json.loads(done.stdout))
    instance = config.instance()
    assert (instance.name, instance.downloads, instance.auth_type) == ("escape", False, "oidc")
    assert [(mount.rse, mount.begins_at) for mount in instance.mounts] == [("CERN-EOSPILOT", 5)]
    assert str(instance.credentials.token_file) == "/tmp/rucio_oauth.token"
