"""`nbrucio doctor` looks at each RSE and at the certificate of each server."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme

from nbrucio.catalogue.ping import ping
from nbrucio.config import Config, Instance, Policy
from nbrucio.config.mount import Mount
from nbrucio.core.files import RseFacts
from nbrucio.operations.doctor import machine, rses, servers, storage
from nbrucio.operations.doctor.rses import rse_finding
from nbrucio.operations.doctor.values import Finding
from nbrucio.sandbox import Sandbox
from tests.operations.doctor.conftest import Ask, declaring
from tests.support.odd_rses import OddRses, odd_rses
from tests.support.scripted_server import ScriptedServer, answer

EOS_A = Path("/eos/a")
PING = answer('{"version": "41.0"}', kind="application/json")


@pytest.fixture(scope="module")
def odd(sandbox: Sandbox) -> Iterator[OddRses]:
    with odd_rses(sandbox, "DOCTOR") as found:
        yield found


def _by_subject(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["subject"]: each for each in found if " certificate of " not in each["text"]}


@pytest.mark.usefixtures("connected")
def test_each_rse_is_checked_one_by_one(ask: Ask, odd: OddRses) -> None:
    found = _by_subject(ask()["protocols"])
    states = {kind: found[odd.rse(kind)]["state"] for kind in ("OFF", "SRM", "TAPE", "COPYING")}
    assert states == {"OFF": "warning", "SRM": "warning", "TAPE": "ok", "COPYING": "ok"}
    off, srm = found[odd.rse("OFF")], found[odd.rse("SRM")]
    assert off["text"] == "DOCTOR_OFF (sandbox) is switched off for reading."
    assert srm["text"] == "DOCTOR_SRM (sandbox) offers only srm, which nbrucio does not read."
    assert off["hint"] == srm["hint"] == "Files that also have a replica elsewhere are read from there."
    assert "`nbrucio stage` asks Rucio" in found[odd.rse("TAPE")]["text"]
    assert found["SANDBOX_HTTPS"]["text"] == "SANDBOX_HTTPS (sandbox) can be read over https."
    assert found["SANDBOX_POSIX"]["text"] == "SANDBOX_POSIX (sandbox) can be read over file."


@pytest.mark.usefixtures("connected", "odd")
def test_of_many_rses_only_those_in_use_are_checked(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rses, "MAX_RSES", 3)
    found = _by_subject(ask()["protocols"])
    assert found["sandbox"]["state"] == "unchecked"
    assert found["sandbox"]["hint"] == "Give a notebook, to check the RSEs that it downloads from."
    assert "SANDBOX_MOUNT (sandbox) can be read over file." in {each["text"] for each in found.values()}
    assert "SANDBOX_HTTPS" not in found


def test_with_a_notebook_its_rses_are_in_use(
    connected: Path, ask: Ask, odd: OddRses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rses, "MAX_RSES", 3)
    found = ask(declaring(connected, str(odd.did)), exit_code=4)
    assert "SANDBOX_HTTPS (sandbox) can be read over https." in {each["text"] for each in found["protocols"]}
    texts = [each["text"] for each in found["data"]]
    assert "No replica of sandbox:DOCTOR/OFF is available: DOCTOR_OFF is switched off for reading." in texts
    assert "sandbox:DOCTOR/TAPE is only on tape (DOCTOR_TAPE)." in texts


def _instance(**settings: object) -> Instance:
    return Instance("cern", "cern", "https://cern.example", "https://cern.example", "userpass", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rse", "settings", "state", "words"),
    [
        (RseFacts("A", True, False, ("root", "davs")), {}, "ok", "A (cern) can be read over davs."),
        (RseFacts("A", True, False, ("root",)), {}, "warning", "offers only root, and xrootd is not installed."),
        (RseFacts("A", True, False, ()), {}, "warning", "offers no protocol for reading."),
        (
            RseFacts("A", True, False, ("srm", "gsiftp")),
            {},
            "warning",
            "offers only srm and gsiftp, which nbrucio does not read.",
        ),
        (RseFacts("A", False, True, ("davs",)), {}, "warning", "is switched off for reading."),
        (
            RseFacts("A", True, False, ("file",), ("/eos/a",)),
            {},
            "warning",
            "its folder is not below file_roots or",
        ),
        (
            RseFacts("A", True, False, ("file",), ("/eos/ab",)),
            {"file_roots": (Path("/eos/a"),)},
            "warning",
            "is not below",
        ),
        (RseFacts("A", True, False, ("file",), ("/eos/a/",)), {"file_roots": (Path("/eos"),)}, "ok", "over file."),
        (
            RseFacts("A", True, False, ("file",), ("/eos",)),
            {"mounts": (Mount("A", Path("/eos/a")),)},
            "ok",
            "over file.",
        ),
    ],
)
def test_what_an_rse_offers_is_compared_with_this_machine(
    rse: RseFacts, settings: dict[str, object], state: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = tuple(
        (names, "no_such" if "root" in names else module, name) for names, module, name in machine.LIBRARIES
    )
    monkeypatch.setattr(machine, "LIBRARIES", libraries)
    finding = rse_finding(rse, _instance(**settings))
    assert (finding.state.value, words in finding.text) == (state, True), finding.text
    assert (state == "ok") or finding.hint or finding.next_command


@pytest.fixture
def https(tmp_path: Path) -> Callable[[timedelta], ScriptedServer]:
    """A server whose certificate ends after this time."""

    def make(left: timedelta) -> ScriptedServer:
        ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("127.0.0.1", not_after=datetime.now(timezone.utc) + left).configure_cert(context)
        ca.cert_pem.write_to_path(tmp_path / "ca.pem")
        return ScriptedServer([PING], tls=context)

    return make


@pytest.mark.parametrize(("days", "state"), [(2, "warning"), (60, "ok")])
def test_the_end_of_the_servers_certificate_is_known_before(
    https: Callable[[timedelta], ScriptedServer], tmp_path: Path, days: int, state: str
) -> None:
    with https(timedelta(days=days, hours=1)) as server:
        instance = _instance(ca_cert=tmp_path / "ca.pem")._replace(host=server.url, auth_host=server.url)
        (finding,) = servers.certificate("cern", server.url, ping(instance, Policy()).certificate_ends_at)
        assert finding.text.startswith(f"The certificate of {server.url} ends at 20")
    assert finding.state.value == state
    assert (state == "warning") == (finding.hint == "Ask the operators of this Rucio server to renew it.")


def test_the_certificate_of_another_login_server_is_checked_too(
    https: Callable[[timedelta], ScriptedServer], tmp_path: Path
) -> None:
    with https(timedelta(days=60)) as login, ScriptedServer([PING]) as server:
        instance = _instance(ca_cert=tmp_path / "ca.pem")._replace(host=server.url, auth_host=login.url)
        found = servers.servers(Config((instance,), instance, tmp_path)).findings
        assert [finding.text.partition(" ends")[0] for finding in found] == [
            f"{server.url} answers: Rucio 41.0.",
            f"The certificate of {login.url}",
        ]
        wrong = instance._replace(ca_cert=None)
        (_, refused) = servers.servers(Config((wrong,), wrong, tmp_path)).findings
    assert refused.error is not None
    assert "signed by an unknown CA" in refused.text


def _of_storage(*ports: int, ca: Path | None, folder: Path) -> list[Finding]:
    instance = _instance(storage_ca=ca)
    facts = [RseFacts(f"A{port}", True, False, ("https",), (), (("127.0.0.1", port),)) for port in ports]
    return list(storage.storage_certificates(facts, instance, Config((instance,), instance, folder)))


@pytest.mark.parametrize(("days", "state"), [(2, "warning"), (60, "ok")])
def test_the_end_of_a_storages_certificate_is_known_before(
    https: Callable[[timedelta], ScriptedServer], tmp_path: Path, days: int, state: str
) -> None:
    with https(timedelta(days=days, hours=1)) as server:
        port = int(server.url.rpartition(":")[2].strip("/"))
        (finding,) = _of_storage(port, ca=tmp_path / "ca.pem", folder=tmp_path)
        (tmp_path / "none.pem").write_bytes(trustme.CA().cert_pem.bytes())
        (unknown,) = _of_storage(port, ca=tmp_path / "none.pem", folder=tmp_path)
    assert finding.text.startswith(f"The certificate of https://127.0.0.1:{port} ends at 20")
    assert (finding.state.value, finding.subject) == (state, f"A{port}")
    assert (state == "warning") == (finding.hint == f"Ask the operators of A{port} to renew it.")
    assert unknown.state.value == "warning"
    assert "it is not signed by a known CA" in unknown.text


def test_of_many_storage_hosts_few_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MAX_HOSTS", 2)
    more, *found = _of_storage(1, 2, 2, 3, ca=None, folder=tmp_path)
    assert more.text == "Of the 3 storage hosts of cern only 2 were asked for certificates."
    assert [one.text for one in found] == [
        f"The end of the certificate of https://127.0.0.1:{port} is unknown: connection refused." for port in (1, 2)
    ]
    assert {one.state.value for one in (more, *found)} == {"unchecked"}


@pytest.mark.usefixtures("connected")
def test_the_certificate_of_each_storage_is_checked(ask: Ask) -> None:
    found = [each for each in ask()["protocols"] if each["text"].startswith("The certificate of https://127.0.0.1:")]
    assert ("SANDBOX_HTTPS", "ok") in [(each["subject"], each["state"]) for each in found]
