"""Tokens that nbrucio renews by itself: by a configured command, or by Rucio's refresh token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.catalogue.credentials import storage_credentials
from nbrucio.catalogue.renewal import COMMAND_S, Renewal, token_of_command
from nbrucio.catalogue.token_cache import save_token, saved_facts, saved_token, token_file
from nbrucio.config import Credentials, Instance, Policy, load
from nbrucio.errors import BadConfig, CredentialsRejected
from nbrucio.sandbox import Sandbox
from tests.catalogue.conftest import Connect
from tests.catalogue.jwts import jwt
from tests.support.access_log import new_requests
from tests.support.scripted_server import ScriptedServer, answer
from tests.support.sync_questions import DIMUON, headers

Command = Callable[..., tuple[str, ...]]


def _saved_an_hour_ago(instance: Instance, environ: dict[str, str], token: str, life_s: float) -> None:
    save_token(instance, environ, token, time.time() + life_s)
    then = time.time() - 3600
    os.utime(token_file(instance, environ), (then, then))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Makes a command that notes each of its runs in ``runs`` and then does what it is told."""

    def make(code: str, *words: str) -> tuple[str, ...]:
        counted = f"open({str(tmp_path / 'runs')!r}, 'a').write('x'); import sys; {code}"
        return (sys.executable, "-c", counted, *words)

    return make


def _oidc(command: tuple[str, ...] = (), url: str = "https://h", **oidc: str) -> Instance:
    return Instance("cern", "cern", url, url, "oidc", "jdoe", Credentials(token_command=command, oidc=oidc))


def _runs(folder: Path) -> int:
    return len((folder / "runs").read_text())


def test_the_token_of_a_command_is_used_for_rucio_and_its_storage(
    command: Command, environ: dict[str, str], tmp_path: Path
) -> None:
    token = jwt(aud="rucio")
    instance = _oidc(command(f"print({token!r})"))
    assert storage_credentials(instance, environ).token == token
    Renewal(instance, environ, Policy())()
    assert saved_token(instance, environ) == token
    assert token_file(instance, environ).stat().st_mode & 0o777 == 0o600
    assert _runs(tmp_path) == 1


def test_threads_run_the_command_once(command: Command, environ: dict[str, str], tmp_path: Path) -> None:
    instance = _oidc(command(f"print({jwt()!r})"))
    renewals = [Renewal(instance, environ, Policy()) for _ in range(8)]
    threads = [threading.Thread(target=renewal) for renewal in renewals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _runs(tmp_path) == 1


def test_words_of_a_command_reach_it_as_they_are(command: Command, tmp_path: Path) -> None:
    hostile = f"$(touch {tmp_path}/gone); `x` > {tmp_path}/gone"
    instance = _oidc(command("print(sys.argv[1].encode().hex())", hostile))
    assert bytes.fromhex(token_of_command(instance, {})).decode() == hostile
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit('agent locked\\nno key')", "ended with exit code 1: no key"),
        ("print('<html>two words')", "is not a token"),
        ("pass", "is not a token"),
        (f"print({jwt(exp=1)!r})", "expired"),
        ("print('é')", "is not a token"),
    ],
)
def test_a_command_without_a_token_is_reported_and_run_once(
    command: Command, environ: dict[str, str], tmp_path: Path, code: str, words: str
) -> None:
    renewal = Renewal(_oidc(command(code)), environ, Policy())
    for _ in range(3):
        with pytest.raises(CredentialsRejected, match=words) as caught:
            renewal()
    assert "token_command" in str(caught.value.hint)
    assert _runs(tmp_path) == 1


def test_a_command_that_does_not_exist_or_hangs_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsRejected, match="no-such-program cannot be run"):
        token_of_command(_oidc(("/no-such-program",)), {})
    assert COMMAND_S < 300
    monkeypatch.setattr("nbrucio.catalogue.renewal.COMMAND_S", 0.1)
    with pytest.raises(CredentialsRejected, match="within 0 s"):
        token_of_command(_oidc((sys.executable, "-c", "import sys, time; sys.stdin.read() or time.sleep(60)")), {})


def test_no_command_runs_offline(command: Command, environ: dict[str, str], tmp_path: Path) -> None:
    Renewal(_oidc(command(f"print({jwt()!r})")), environ, Policy(offline=True))()
    assert not (tmp_path / "runs").exists()


def test_a_token_command_is_configured_as_words_for_oidc_only(tmp_path: Path) -> None:
    def configured(lines: str) -> Instance:
        (tmp_path / "config.toml").write_text(f'[instances.i]\nhost = "https://h"\n{lines}')
        environ = {"HOME": str(tmp_path), "NBRUCIO_CONFIG": str(tmp_path / "config.toml")}
        return load(environ, system_file=tmp_path / "none").instance("i")

    instance = configured('auth_type = "oidc"\ntoken_command = ["oidc-token", "--aud", "rucio", "escape"]')
    assert instance.credentials.token_command == ("oidc-token", "--aud", "rucio", "escape")
    for lines, words in (
        ('auth_type = "oidc"\ntoken_command = "oidc-token escape"', "must be a list of strings"),
        ('auth_type = "userpass"\ntoken_command = ["oidc-token"]', "oidc"),
    ):
        with pytest.raises(BadConfig, match="token_command") as caught:
            configured(lines)
        assert words in str(caught.value)


# --- Rucio's refresh token --------------------------------------------------------------------------------------------

REFRESH = """
import json, sys
from pathlib import Path
from nbrucio.catalogue.renewal import Renewal
from nbrucio.catalogue.token_cache import saved_token
from nbrucio.config import Credentials, Instance, Policy
url, ca, environ = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
oidc = {"scope": "openid offline_access"}
instance = Instance("cern", "cern", url, url, "oidc", "jdoe", Credentials(oidc=oidc), ca_cert=ca)
sys.stdin.read(1)  # all begin together
Renewal(instance, environ, Policy())()
print(saved_token(instance, environ))
"""


def test_processes_refresh_a_token_once(
    issued: ScriptedServer, oidc: dict[str, object], environ: dict[str, str], tmp_path: Path
) -> None:
    base = _oidc(url=issued.url, scope="openid offline_access")
    instance = base._replace(ca_cert=tmp_path / "issued-ca.pem")
    _saved_an_hour_ago(instance, environ, jwt(), 900)
    issued.answers = [
        answer("", X_Rucio_Auth_Token="refreshed", X_Rucio_Auth_Token_Expires=str(int(time.time()) + 3600))
    ]
    arguments = [sys.executable, "-c", REFRESH, issued.url, str(oidc["ca_cert"]), json.dumps(environ)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) for _ in range(8)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    assert {process.communicate(timeout=60)[0].strip() for process in processes} == {"refreshed"}
    assert len(issued.requests) == 1
    sent = headers(issued.requests[0])
    assert sent[""].split()[1] == "/auth/oidc_refresh"
    assert sent["X-Rucio-Account"] == "jdoe"


def test_a_refresh_without_a_new_token_leaves_the_old_one_and_is_not_repeated_at_once(
    issued: ScriptedServer, environ: dict[str, str], tmp_path: Path
) -> None:
    instance = _oidc(url=issued.url, scope="openid offline_access")._replace(ca_cert=tmp_path / "issued-ca.pem")
    old = jwt()
    _saved_an_hour_ago(instance, environ, old, 900)
    issued.answers = [answer("", X_Rucio_Auth_Token="")]
    renewal = Renewal(instance, environ, Policy())
    for _ in range(3):
        renewal()
    assert saved_token(instance, environ) == old
    assert len(issued.requests) == 1


@pytest.mark.parametrize(("scope", "life_s"), [("openid profile", 900), ("openid offline_access", 7200)])
def test_a_token_is_not_refreshed_too_early_nor_without_consent(
    issued: ScriptedServer, environ: dict[str, str], tmp_path: Path, scope: str, life_s: int
) -> None:
    instance = _oidc(url=issued.url, scope=scope)._replace(ca_cert=tmp_path / "issued-ca.pem")
    _saved_an_hour_ago(instance, environ, jwt(), life_s)
    Renewal(instance, environ, Policy())()
    saved = saved_facts(instance, environ)
    assert saved is not None
    assert saved.expires_at is not None
    assert abs(saved.expires_at - time.time() - life_s) < 60
    assert issued.requests == []


def test_threads_log_in_once(sandbox: Sandbox, connect: Connect) -> None:
    catalogues = [connect() for _ in range(8)]
    with new_requests(sandbox.access_log) as requests:
        threads = [threading.Thread(target=catalogue.describe, args=[DIMUON]) for catalogue in catalogues]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    paths = [request.path for request in requests]
    assert paths.count("/auth/userpass") == 1
    assert paths.count("/dids/sandbox/dimuon") == 8


@pytest.mark.parametrize(
    ("life_s", "before_s", "renewed"), [(900, 1200, True), (900, 600, False), (1500, 1800, True), (900, None, False)]
)
def test_a_token_is_renewed_as_early_as_rucio_is_told_to(
    scripted: ScriptedServer, environ: dict[str, str], life_s: int, before_s: int | None, renewed: bool
) -> None:
    instance = _oidc(url=scripted.url)
    instance = instance._replace(credentials=instance.credentials._replace(refresh_before_s=before_s))
    _saved_an_hour_ago(instance, environ, "the-first", life_s)
    end = f"{time.time() + 7200:.0f}"
    scripted.answers = [answer("", X_Rucio_Auth_Token="the-second", X_Rucio_Auth_Token_Expires=end)]
    for _ in range(2):
        Renewal(instance, environ, Policy())()
    assert saved_token(instance, environ) == ("the-second" if renewed else "the-first")
    assert len(scripted.requests) == int(renewed)


@pytest.mark.parametrize(
    ("lines", "before_s"),
    [
        ("", None),
        ("auth_oidc_refresh_active = True\n", 1200),
        ("auth_oidc_refresh_active = true\nauth_oidc_refresh_before_exp = 5\n", 300),
        ("auth_oidc_refresh_active = False\nauth_oidc_refresh_before_exp = 5\n", None),
    ],
)
def test_a_rucio_cfg_says_when_a_token_is_renewed(
    environ: dict[str, str], tmp_path: Path, lines: str, before_s: int | None
) -> None:
    head = "[client]\nrucio_host = https://h\nauth_host = https://h\nauth_type = oidc\n"
    (tmp_path / "rucio.cfg").write_text(head + lines)
    config = load({**environ, "RUCIO_CONFIG": str(tmp_path / "rucio.cfg")}, system_file=tmp_path / "none")
    assert config.instance().credentials.refresh_before_s == before_s


def test_a_time_of_renewal_that_is_no_number_is_a_fault(environ: dict[str, str], tmp_path: Path) -> None:
    text = "[client]\nrucio_host = https://h\nauth_type = oidc\nauth_oidc_refresh_before_exp = soon\n"
    (tmp_path / "rucio.cfg").write_text(text)
    config = load({**environ, "RUCIO_CONFIG": str(tmp_path / "rucio.cfg")}, system_file=tmp_path / "none")
    with pytest.raises(BadConfig, match="must be a number of minutes"):
        config.instance()
