"""`nbrucio doctor`: everything that a sync needs is checked, and what is wrong has an action that mends it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.config import load
from nbrucio.operations.doctor import AREAS, diagnose, machine
from nbrucio.operations.doctor.servers import Pings, clocks
from tests.operations.doctor.conftest import Ask, declaring
from tests.support.certificates import ENDED, UserAuthority
from tests.support.scripted_server import ScriptedServer, answer


def _problems(areas: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str]]:
    return [
        (area, each["state"])
        for area, found in areas.items()
        for each in found
        # Other tests add RSEs to the sandbox, at hosts of their own.
        if each["state"] != "ok" and (" certificate of " not in each["text"] or each["subject"].startswith("SANDBOX_"))
    ]


def test_a_machine_where_all_is_well_has_no_problems(connected: Path, ask: Ask) -> None:
    areas = ask(declaring(connected, "sandbox:dimuon.1.root"))
    assert tuple(areas) == AREAS
    assert _problems(areas) == []
    texts = {area: found[0]["text"] for area, found in areas.items()}
    assert "Rucio" in texts["servers"]
    assert texts["clock"] == "The clocks of the server and of this machine agree."
    assert texts["logins"] == "Logged in as sandbox by password."
    assert texts["data"] == "All of its data can be obtained."
    assert "1 file to download" in areas["data"][1]["text"]
    assert not (connected / "store").exists()


def test_without_an_instance_it_leads_to_init(ask: Ask) -> None:
    areas = ask(exit_code=2)
    (finding,) = areas["configuration"]
    assert (finding["state"], finding["code"], finding["next_command"]) == (
        "error",
        "unknown-instance",
        "nbrucio config init",
    )
    assert areas["servers"] == []


@pytest.mark.usefixtures("connected")
def test_a_default_instance_that_does_not_exist_is_an_error(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBRUCIO_INSTANCE", "nope")
    areas = ask(exit_code=2)
    (finding,) = areas["configuration"]
    assert (finding["state"], finding["code"]) == ("error", "unknown-instance")
    assert "'nope' (NBRUCIO_INSTANCE) is not configured on this machine" in finding["text"]
    assert areas["logins"][0]["state"] == "ok"


def test_a_file_that_is_not_toml_does_not_hide_the_rest(home: Path, ask: Ask) -> None:
    file = home / "xdg_config_home" / "nbrucio" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[policy\n")
    areas = ask(exit_code=2)
    assert "is not valid TOML" in areas["configuration"][0]["text"]
    assert areas["kernels"][0]["state"] == "ok"


def _configured(home: Path, text: str) -> None:
    file = home / "xdg_config_home" / "nbrucio" / "config.toml"
    file.parent.mkdir(parents=True)
    file.touch(mode=0o600)
    file.write_text(text)


def test_a_server_that_is_away_and_an_ended_proxy_are_two_problems(home: Path, ask: Ask, tmp_path: Path) -> None:
    proxy = UserAuthority(tmp_path).proxy(ends=ENDED)
    _configured(
        home, f'[instances.x]\nhost = "http://127.0.0.1:9"\nauth_type = "x509_proxy"\nclient_proxy = "{proxy}"\n'
    )
    areas = ask(exit_code=7)
    assert [areas[area][0]["code"] for area in ("servers", "logins")] == ["offline", "credentials"]
    login = areas["logins"][0]
    assert f"the proxy {proxy} expired" in login["text"]
    assert login["next_command"] == "nbrucio login x"


def test_a_clock_that_is_wrong_is_a_warning(home: Path, ask: Ask) -> None:
    date = (datetime.now(timezone.utc) - timedelta(hours=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with ScriptedServer([answer('{"version": "41.0"}', kind="application/json", Date=date)]) as server:
        _configured(home, f'[instances.x]\nhost = "{server.url}"\nauth_type = "x509"\n')
        areas = ask(exit_code=None)
    (clock,) = areas["clock"]
    assert clock["state"] == "warning"
    assert "ahead of the server's: logins can fail" in clock["text"]
    assert clock["hint"] == "Correct the clock of this machine."


def test_a_server_without_a_date_leaves_the_clock_unchecked() -> None:
    from nbrucio.catalogue.ping import Ping

    (finding,) = clocks(Pings((), {"x": Ping("41.0", None)}))
    assert finding.state.value == "unchecked"


def test_data_that_cannot_be_obtained_is_listed(connected: Path, ask: Ask) -> None:
    areas = ask(declaring(connected, "sandbox:nowhere", "sandbox:dimuon.1.root"), exit_code=4)
    assert [each["code"] for each in areas["data"] if each["state"] == "error"] == ["did-not-found"]


def test_a_full_disk_and_a_missing_mount_have_actions(
    connected: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = connected / "own.toml"
    file.touch(mode=0o600)
    mount = '[[instances.sandbox.mounts]]\nrse = "AWAY"\npath = "/nowhere/eos"\n'
    text = Path(load().sources[0]).read_text().partition("[[instances")[0]
    file.write_text(f'{text}{mount}[policy]\nkeep_free = "900 PB"\n')
    monkeypatch.setenv("NBRUCIO_CONFIG", str(file))
    areas = ask(exit_code=6)
    away = next(each for each in areas["protocols"] if each["state"] == "warning")
    assert "AWAY (sandbox): /nowhere/eos cannot be read" in away["text"]
    full = next(each for each in areas["store"] if each["state"] == "error")
    assert (full["code"], "keep_free is" in full["text"]) == ("no-space", True)


@pytest.mark.usefixtures("connected")
def test_a_store_that_cannot_be_written_is_an_error(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBRUCIO_STORE", "/proc/nbrucio")
    areas = ask(exit_code=2)
    assert "/proc cannot be written" in areas["store"][-1]["text"]


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("below", ["", "/store"])
def test_a_store_that_is_a_file_is_an_error(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NBRUCIO_STORE", f"{tmp_path}/file{below}")
    (finding,) = ask(exit_code=2)["store"]
    assert (finding["state"], finding["code"]) == ("error", "bad-config")
    assert finding["text"] == f"The cache {tmp_path}/file{below} cannot be used: {tmp_path}/file must be a folder."
    assert "NBRUCIO_STORE" in finding["hint"]


@pytest.mark.usefixtures("connected")
def test_a_library_that_is_not_installed_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LIBRARIES", ((("root",), "no_such_module", "xrootd"),))
    areas = ask()
    root_finding = next(each for each in areas["protocols"] if each["subject"] == "root")
    assert (root_finding["state"], root_finding["text"]) == (
        "warning",
        "Replicas over root cannot be read: xrootd is not installed.",
    )


@pytest.mark.usefixtures("connected")
def test_offline_nothing_is_asked(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBRUCIO_SAFE", "1")
    areas = ask()
    assert {each["state"] for area in ("servers", "logins") for each in areas[area]} == {"unchecked"}


def test_people_read_lines_with_actions(connected: Path) -> None:
    notebook = declaring(connected, "sandbox:nowhere")
    result = CliRunner().invoke(root, ["doctor", str(notebook)], prog_name="nbrucio")
    assert result.exit_code == 4
    data = result.stdout.partition("\ndata\n")[2]
    assert data.startswith("  error      'sandbox:nowhere' does not exist in sandbox.\n             Check the spelling")
    assert result.stdout.endswith("1 error, 0 warnings.\n")


@pytest.mark.usefixtures("connected")
def test_it_is_callable_by_programs() -> None:
    found = diagnose()
    assert (found.exit_code, "data" in found.areas) == (0, False)


def test_a_proxy_for_storage_that_ends_soon_is_a_warning(
    connected: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = UserAuthority(connected).proxy(ends=datetime.now(timezone.utc) + timedelta(minutes=30))
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    login, storage = ask()["logins"]
    assert (login["state"], storage["state"]) == ("ok", "warning")
    assert storage["text"].startswith(f"The proxy {proxy} for storage ends at ")
