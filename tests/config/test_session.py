"""The instances of a Jupyter session: rucio-jupyterlab's configuration, SWAN's start form, a container's variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config.folders import user_folder
from nbrucio.errors import BadConfig, UnknownInstance
from tests.config.conftest import Load
from tests.support.config_texts import ATLAS

ESCAPE = {
    "name": "https://rucio.escape.example",
    "display_name": "ESCAPE",
    "rucio_base_url": "https://rucio.escape.example",
    "rucio_auth_url": "https://auth.escape.example",
    "rucio_ca_cert": "/cvmfs/ca.pem",
    "rucio_webui_url": "https://webui.escape.example",
    "vo": "esc",
    "mode": "replica",
    "destination_rse": "EOSPILOT",
    "rse_mount_path": "/eos/eulake",
    "path_begins_at": 5,
    "replication_rule_lifetime_days": 1,
    "wildcard_enabled": True,
    "app_id": "swan",
}
ON = {"SWAN_USE_RUCIO": "true", "SWAN_RUCIO_INSTANCE": "ESCAPE"}


def _saved(folder: Path, *instances: object, **others: object) -> dict[str, str]:
    file = folder / "session.json"
    file.write_text(json.dumps({"instances": list(instances), **others}))
    return {"NBRUCIO_SESSION_CONFIG": str(file)}


def test_what_rucio_jupyterlab_is_configured_with_is_an_instance(configured: Load, tmp_path: Path) -> None:
    instance = configured(**_saved(tmp_path, ESCAPE)).instance()
    assert (instance.name, instance.identity) == ("escape", "rucio.escape.example#esc")
    assert (instance.host, instance.auth_host) == (ESCAPE["rucio_base_url"], ESCAPE["rucio_auth_url"])
    assert (str(instance.ca_cert), instance.webui) == (ESCAPE["rucio_ca_cert"], ESCAPE["rucio_webui_url"])
    (mount,) = instance.mounts
    assert (mount.rse, str(mount.path), mount.begins_at) == ("EOSPILOT", "/eos/eulake", 5)
    assert (instance.auth_type, instance.downloads, instance.rule_lifetime_s) == ("x509_proxy", False, 86_400)


@pytest.mark.parametrize("begins_at", ["four", -1, "-1", 1.5, [4]])
def test_a_wrong_number_of_a_mount_is_a_fault_and_not_another_path(
    configured: Load, tmp_path: Path, begins_at: object
) -> None:
    config = configured(**_saved(tmp_path, {**ESCAPE, "path_begins_at": begins_at}), **ON)
    with pytest.raises(BadConfig, match="begins_at must be a whole number of at least 0"):
        config.instance()
    form = {"SWAN_RUCIO_RSE": "EOSPILOT", "SWAN_RUCIO_RSE_PATH": "/eos/eulake", "SWAN_RUCIO_RSE_PATH_BEGINS_AT": "x"}
    with pytest.raises(BadConfig, match=r"^SWAN_RUCIO_RSE: instances\.escape\.mounts\[0\]\.begins_at must be"):
        configured(**_saved(tmp_path, ESCAPE), **ON, **form).instance()


@pytest.mark.parametrize("mode", ["replica", "Replica", " REPLICA "])
def test_a_mode_is_read_whatever_its_case(configured: Load, tmp_path: Path, mode: str) -> None:
    assert not configured(**_saved(tmp_path, {**ESCAPE, "mode": mode})).instance().downloads


def test_an_unknown_default_names_where_it_is_set(configured: Load, tmp_path: Path) -> None:
    with pytest.raises(UnknownInstance) as caught:
        configured(**_saved(tmp_path, ESCAPE), **{**ON, "SWAN_RUCIO_INSTANCE": "cms"}).instance()
    assert caught.value.message == "The Rucio instance 'cms' (SWAN_RUCIO_INSTANCE) is not configured on this machine."
    assert "Configured instances: escape." in str(caught.value.hint)


@pytest.mark.parametrize(
    ("row", "token"),
    [
        ({"oidc_auth": "env", "oidc_env_name": "TOKEN", "oidc_file_name": "/ignored"}, ("TOKEN", None)),
        ({"oidc_auth": "file", "oidc_env_name": "IGNORED", "oidc_file_name": "/tmp/t"}, (None, "/tmp/t")),
    ],
)
def test_a_token_is_taken_from_where_it_is_configured(
    configured: Load, tmp_path: Path, row: dict[str, str], token: tuple[str | None, str | None]
) -> None:
    instance = configured(**_saved(tmp_path, {**ESCAPE, **row})).instance()
    file = instance.credentials.token_file
    assert (instance.auth_type, instance.credentials.token_env, file and str(file)) == ("oidc", *token)


def test_downloads_are_allowed_where_the_mode_is_download(configured: Load, tmp_path: Path) -> None:
    row = {"name": "x", "display_name": "X", "rucio_base_url": "https://x.example", "mode": "download"}
    instance = configured(**_saved(tmp_path, row, default_auth_type="userpass")).instance()
    assert (instance.downloads, instance.auth_type, instance.mounts) == (True, "userpass", ())


@pytest.mark.parametrize("name", ["escape", "ESCAPE", "https://rucio.escape.example", "rucio.escape.example"])
def test_every_name_of_an_instance_chooses_it(configured: Load, tmp_path: Path, name: str) -> None:
    environ = _saved(
        tmp_path, ESCAPE, {**ESCAPE, "name": "b", "display_name": "B", "rucio_base_url": "https://b.example"}
    )
    config = configured(**environ, SWAN_USE_RUCIO="true", SWAN_RUCIO_INSTANCE=name)
    assert config.instance().host == ESCAPE["rucio_base_url"]
    assert config.instance(name).host == ESCAPE["rucio_base_url"]


def test_two_instances_of_one_name_stay_two(configured: Load, tmp_path: Path) -> None:
    environ = _saved(tmp_path, ESCAPE, {**ESCAPE, "rucio_base_url": "https://b.example"})
    assert [one.name for one in configured(**environ).instances] == ["escape", "escape-2"]


def test_the_start_form_mounts_the_rse_that_it_chose(configured: Load, tmp_path: Path) -> None:
    rse = {"SWAN_RUCIO_RSE": "CERN-PROD", "SWAN_RUCIO_RSE_PATH": "/eos/atlas", "SWAN_RUCIO_RSE_PATH_BEGINS_AT": "4"}
    row = {name: value for name, value in ESCAPE.items() if not name.startswith(("rse", "destination"))}
    (mount,) = configured(**_saved(tmp_path, row), **ON, **rse).instance().mounts
    assert (mount.rse, str(mount.path), mount.begins_at) == ("CERN-PROD", "/eos/atlas", 4)
    (mount,) = configured(ATLAS, **ON | {"SWAN_RUCIO_INSTANCE": "atlas-prod"}, **rse).instance().mounts
    assert mount.rse == "CERN-PROD"


def test_a_container_is_told_its_instance_by_variables(configured: Load) -> None:
    instance = configured(
        RUCIO_NAME="vre",
        RUCIO_BASE_URL="https://vre.example",
        RUCIO_DESTINATION_RSE="EOS",
        RUCIO_RSE_MOUNT_PATH="/eos/eulake",
        RUCIO_PATH_BEGINS_AT="5",
        RUCIO_OIDC_AUTH="file",
        RUCIO_OIDC_FILE_NAME="/tmp/rucio_oauth.token",
        RUCIO_DEFAULT_INSTANCE="vre",
    ).instance()
    assert (instance.name, instance.mounts[0].begins_at) == ("vre", 5)
    assert str(instance.credentials.token_file) == "/tmp/rucio_oauth.token"


def test_the_session_stands_above_the_operator_and_below_the_user(configured: Load, tmp_path: Path) -> None:
    system = """
        default_instance = "other"
        [instances.esc]
        host = "https://rucio.escape.example"
        vo = "operators"
        account = "operators"
        traces = false
        aliases = ["Kept"]
    """
    user = '[instances.esc]\nauth_type = "userpass"\nusername = "jdoe"\n'
    environ = _saved(tmp_path, ESCAPE, default_instance="ESCAPE", default_auth_type="oidc")
    config = configured(user, system=system, **environ)
    instance = config.instance()
    assert (instance.name, instance.vo, instance.account, instance.traces) == ("esc", "esc", "operators", False)
    assert (instance.auth_type, instance.credentials.username) == ("userpass", "jdoe")
    assert config.instance("kept") == config.instance("ESCAPE") == instance
    assert configured('default_instance = "gone"\n' + user, system=system, **environ).default is None
    assert len(config.instances) == 1


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"SWAN_USE_JUPYTERLAB": "true"}, True),
        ({"SWAN_LIB_DIR": "/usr/local/lib/swan", "SWAN_USE_RUCIO": "false"}, True),
        ({"SWAN_LIB_DIR": "/usr/local/lib/swan", "SWAN_USE_RUCIO": "true"}, False),
        ({"JUPYTERHUB_USER": "jdoe"}, False),
    ],
)
def test_a_session_of_swan_without_rucio_names_the_start_form(
    configured: Load, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], told: bool
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnknownInstance) as caught:
        configured(**environ).instance()
    assert ("choose Rucio in SWAN's start form" in str(caught.value)) is told
    assert "start form" not in str(caught.value.hint)


def test_a_session_without_rucio_has_no_instance(configured: Load) -> None:
    with pytest.raises(UnknownInstance):
        configured(SWAN_USE_RUCIO="false", SWAN_RUCIO_INSTANCE="escape", SWAN_RUCIO_RSE="X").instance()


def test_an_instance_that_is_not_configured_is_said_when_it_is_needed(configured: Load, tmp_path: Path) -> None:
    config = configured(**_saved(tmp_path, ESCAPE), **ON | {"SWAN_RUCIO_INSTANCE": "cms"})
    with pytest.raises(UnknownInstance, match="'cms'"):
        config.instance()
    assert config.instance("escape").name == "escape"


@pytest.mark.parametrize(
    "row",
    [
        {**ESCAPE, "rucio_base_url": "no URL"},
        {"$url": "http://config.example", "name": "escape", "display_name": "ESCAPE"},
        {**ESCAPE, "rucio_ca_cert": 7},
    ],
)
def test_one_bad_instance_hides_no_other(configured: Load, tmp_path: Path, row: dict[str, Any]) -> None:
    config = configured(ATLAS, **_saved(tmp_path, row, "text", {}))
    assert config.instance("atlas").name == "atlas"
    with pytest.raises(BadConfig, match="RucioConfig in "):
        config.instance("escape")


@pytest.mark.parametrize("content", ["[]", '"text"', '{"instances": {}}', '{"default_instance": 7}'])
def test_settings_of_another_shape_say_nothing(configured: Load, tmp_path: Path, content: str) -> None:
    file = tmp_path / "session.json"
    file.write_text(content)
    assert configured(NBRUCIO_SESSION_CONFIG=str(file)).instances == ()


def test_a_file_that_is_cut_is_named_and_one_that_is_gone_says_nothing(configured: Load, tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    assert configured(NBRUCIO_SESSION_CONFIG=str(file)).instances == ()
    file.write_text("{")
    with pytest.raises(BadConfig, match=r"session\.json is not valid JSON"):
        configured(NBRUCIO_SESSION_CONFIG=str(file))


@pytest.mark.parametrize(
    ("home", "homes", "local"),
    [
        ("/eos/user/t/tester", None, True),
        ("/eos/user/t/tester", "/eos/user/{username[0]}/{username}/", True),
        ("/data/eos/t/tester", "/data/eos/{username[0]}/{username}/", True),
        ("/home/tester", "/data/eos/{username[0]}/{username}/", False),
        ("/home/tester", "/{username}/", False),
        ("/home/tester", "", False),
        ("/eosuser/tester", None, False),
    ],
)
def test_the_cache_of_a_home_on_eos_is_on_a_local_disk(
    tmp_path: Path, home: str, homes: str | None, local: bool
) -> None:
    environ = {"HOME": home, "NB_USER": "nobody-by-this-name", "TMPDIR": str(tmp_path)}
    environ |= {} if homes is None else {"EOS_PATH_FORMAT": homes}
    assert (user_folder("XDG_CACHE_HOME", environ).parent == tmp_path) is local
    assert user_folder("XDG_CACHE_HOME", {**environ, "XDG_CACHE_HOME": "/scratch"}) == Path("/scratch/nbrucio")
