"""`nbrucio config check`: every fault of the configuration with its file, line and next action."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.config.check import Checked, check
from tests.support.config_texts import ATLAS, RUCIO_CFG


def _check(folder: Path, text: str, **environ: str) -> Checked:
    file = folder / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return check(file, {"HOME": str(folder), **environ}, system_file=folder / "none.toml")


def _found(checked: Checked) -> list[tuple[str, str | None]]:
    return [(error.message.rpartition("config.toml")[2], error.hint) for error in checked.errors]


def test_a_right_configuration_has_no_errors(tmp_path: Path) -> None:
    found = _check(tmp_path, ATLAS)
    assert (found.files, found.errors, found.warnings) == ((tmp_path / "config.toml",), (), ())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[polic]\nx = 1", (":1: the setting polic is unknown.", "Did you mean policy?")),
        ("[policy]\nmax_downlod = 1", (":2: the setting policy.max_downlod is unknown.", "Did you mean max_download?")),
        ("[store]\npaht = '/x'", (":2: the setting store.paht is unknown.", "Did you mean path?")),
        (ATLAS + "storage_CA = '/x'", ("storage_CA is unknown.", "Did you mean storage_ca?")),
        (
            ATLAS + "[[instances.atlas.mounts]]\nrse = 'X'\npath = '.'\nbegin_at = 1",
            ("mounts[0].begin_at is unknown.", "Did you mean begins_at?"),
        ),
        (ATLAS + "xyzzy = 1", ("xyzzy is unknown.", "Remove it; the documentation lists all settings.")),
    ],
)
def test_an_unknown_setting_is_refused_with_a_suggestion(tmp_path: Path, text: str, error: tuple[str, str]) -> None:
    ((message, hint),) = _found(_check(tmp_path, text))
    assert message.endswith(error[0])
    assert hint == error[1]


def test_a_misspelt_host_is_an_unknown_setting_and_a_missing_one(tmp_path: Path) -> None:
    found = _found(_check(tmp_path, '[instances.x]\nhosst = "https://x.example"\nauth_type = "gss"\n'))
    assert [message for message, _ in found] == [
        ":2: the setting instances.x.hosst is unknown.",
        ":1: instances.x.host is missing; it is the URL of the Rucio server.",
    ]
    assert found[0][1] == "Did you mean host?"


def test_every_invalid_instance_is_reported(tmp_path: Path) -> None:
    text = '[instances.a]\nhost = "no URL"\n[instances.b]\nhost = "https://b.example"\nauth_type = "x"\n' + ATLAS
    assert [message.partition(" ")[0] for message, _ in _found(_check(tmp_path, text))] == [":2:", ":5:"]


def test_a_default_instance_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    (error,) = _check(tmp_path, 'default_instance = "nope"\n' + ATLAS).errors
    assert f"'nope' ({tmp_path / 'config.toml'}:1) is not configured" in error.message
    assert "Configured instances: atlas" in str(error.hint)
    (error,) = _check(tmp_path, ATLAS, NBRUCIO_INSTANCE="nope").errors
    assert "'nope' (NBRUCIO_INSTANCE) is not configured" in error.message
    assert _check(tmp_path, 'default_instance = "atlas"\n' + ATLAS).errors == ()


def test_a_default_instance_that_is_invalid_is_reported_once(tmp_path: Path) -> None:
    text = 'default_instance = "a"\n[instances.a]\nhost = "no URL"\n'
    ((message, _),) = _found(_check(tmp_path, text))
    assert message.startswith(":3: instances.a.host must be a URL")


def test_a_file_that_is_not_toml_has_a_line(tmp_path: Path) -> None:
    ((message, _),) = _found(_check(tmp_path, "[policy]\nmax_download 5\n"))
    assert "is not valid TOML" in message
    assert "line 2" in message


@pytest.mark.parametrize("written", ["$NOWHERE/ca.pem", "${NOWHERE}/ca.pem"])
def test_a_variable_that_is_not_set_is_an_error(tmp_path: Path, written: str) -> None:
    ((message, _),) = _found(_check(tmp_path, ATLAS + f'token_file = "{written}"\n'))
    assert message.endswith("token_file names the variable NOWHERE, which is not set.")
    assert _check(tmp_path, ATLAS + f'token_file = "{written}"\n', NOWHERE="/x").errors == ()


def test_an_account_with_a_variable_is_an_error(tmp_path: Path) -> None:
    ((message, _),) = _found(_check(tmp_path, ATLAS.replace('"jdoe"', '"${USER}"')))
    assert "replaces no variables" in message


@pytest.mark.parametrize(
    ("name", "words"),
    [("absent.pem", "no such file or directory"), ("empty.pem", "nothing in PEM format"), ("folder", "is empty")],
)
def test_certificates_that_cannot_be_read_are_errors(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "folder").mkdir()
    ((message, _),) = _found(_check(tmp_path, ATLAS + f'ca_cert = "{name}"\n'))
    assert words in message
    assert f"{tmp_path}/{name}" in message


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "cannot be read" in _found(_check(tmp_path, ATLAS + 'ca_cert = "pipe"\n'))[0][0]


def test_a_mount_that_this_machine_lacks_is_a_warning(tmp_path: Path) -> None:
    found = _check(tmp_path, ATLAS + '[[instances.atlas.mounts]]\nrse = "X"\npath = "/nowhere/eos"\n')
    assert found.errors == ()
    assert "names /nowhere/eos, which is not a folder of this machine" in found.warnings[0]


def test_a_password_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    text = ATLAS.replace("x509_proxy", "userpass") + 'username = "u"\npassword = "p"\n'
    _check(tmp_path, text)
    (tmp_path / "config.toml").chmod(0o644)
    found = check(tmp_path / "config.toml", {"HOME": str(tmp_path)}, system_file=tmp_path / "none.toml")
    assert "other users can read it" in found.warnings[0]


def _run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["config", "check", *map(str, words)], prog_name="nbrucio")
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests."""
    for name in ("RUCIO_HOME", "RUCIO_CONFIG", "NBRUCIO_CONFIG", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_exit_code_is_2_for_errors_and_0_without(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(ATLAS)
    bad.write_text("[policy]\nofline = true\n")
    code, out, _ = _run(good)
    assert (code, out) == (0, f"1 file checked, no errors: {good}\n")
    code, out, err = _run(bad, "--json")
    assert (code, json.loads(out)["exit_code"], json.loads(out)["errors"][0]["subject"]) == (2, 2, "policy.ofline")
    assert "hint: Did you mean offline?" in err
    assert _run(tmp_path / "absent.toml")[0] == 2


def test_a_rucio_cfg_is_checked_as_one(tmp_path: Path) -> None:
    file = tmp_path / "rucio.cfg"
    file.write_text(RUCIO_CFG.replace("/etc/cms-ca.pem", "/nowhere/ca.pem"))
    code, _, err = _run(file)
    assert code == 2
    assert f"{file}:9: ca_cert in [client] names /nowhere/ca.pem, which cannot be read" in " ".join(err.split())
