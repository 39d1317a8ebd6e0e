"""Logins by SSH key and Kerberos, by rucio-clients in a child."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Credentials, Instance, Policy
from nbrucio.core.cancellation import until
from nbrucio.errors import CredentialsRejected, Interrupted, MissingDependency, NbrucioError, Offline
from nbrucio.sandbox import Sandbox
from tests.catalogue.conftest import Connect
from tests.support.access_log import new_requests
from tests.support.scripted_server import ScriptedServer, Stall, answer
from tests.support.sync_questions import DIMUON, QUICK, at


@pytest.fixture
def ssh_key(tmp_path: Path) -> Path:
    """A new key of a kind that Rucio accepts."""
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-m", "PEM", "-C", "", "-f", key], check=True)
    return key


@pytest.fixture
def by_key(connect: Connect, ssh_key: Path) -> Callable[..., RucioCatalogue]:
    """Opens catalogues with the login of this key."""

    def open_one(policy: Policy | None = None, **changes: object) -> RucioCatalogue:
        return connect(policy, auth_type="ssh", credentials=Credentials(ssh_private_key=ssh_key), **changes)

    return open_one


def test_an_ssh_key_logs_in_once(
    sandbox: Sandbox, by_key: Callable[..., RucioCatalogue], ssh_key: Path, instance: Instance, environ: dict[str, str]
) -> None:
    with sandbox.admin() as client:
        public = ssh_key.with_suffix(".pub").read_text().strip()
        client.add_identity("sandbox", public, authtype="SSH", email="sandbox@localhost")
    with new_requests(sandbox.access_log) as requests:
        assert by_key().describe(DIMUON).files == 4
        assert by_key().describe(DIMUON).files == 4
    paths = [request.path for request in requests]
    assert [paths.count(path) for path in ("/auth/ssh_challenge_token", "/auth/ssh", "/dids/sandbox/dimuon")] == [
        1,
        1,
        2,
    ]
    login = instance._replace(auth_type="ssh", credentials=Credentials(ssh_private_key=ssh_key))
    _, end = token_file(login, environ).read_text().split()
    assert time.time() + 3000 < int(end) < time.time() + 3700


def test_an_ssh_key_that_the_server_does_not_know_is_refused(by_key: Callable[..., RucioCatalogue]) -> None:
    with pytest.raises(CredentialsRejected, match="Login to sandbox failed"):
        by_key().describe(DIMUON)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Stall(), Offline, "it stopped answering"),
        (answer("<html>", kind="text/html"), NbrucioError, "sandbox"),
        (answer("", status="302 Found", Location="http://elsewhere.invalid/"), NbrucioError, "like a Rucio server"),
    ],
    ids=["silent", "a page", "a redirect"],
)
def test_a_server_that_does_not_answer_is_an_error(
    by_key: Callable[..., RucioCatalogue],
    scripted: ScriptedServer,
    reply: bytes | Stall,
    error: type[NbrucioError],
    words: str,
) -> None:
    scripted.answers = [reply]
    with pytest.raises(error, match=words) as caught:
        by_key(QUICK, **at(scripted)).describe(DIMUON)
    assert caught.value.code != "internal"


def test_a_login_that_nobody_waits_for_is_given_up(
    by_key: Callable[..., RucioCatalogue], scripted: ScriptedServer
) -> None:
    scripted.answers = [Stall()]
    given_up, catalogue, errors = threading.Event(), by_key(**at(scripted)), list[Exception]()

    def ask() -> None:
        with until(given_up):
            try:
                catalogue.describe(DIMUON)
            except NbrucioError as error:
                errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not scripted.requests and asking.is_alive():
        time.sleep(0.01)
    given_up.set()
    asking.join(60)
    assert [type(error) for error in errors] == [Interrupted]


def test_kerberos_without_its_library_names_what_to_install(connect: Connect) -> None:
    with pytest.raises(MissingDependency) as caught:
        connect(auth_type="gss", credentials=Credentials()).describe(DIMUON)
    assert caught.value.subject == "rucio-clients[kerberos]"
