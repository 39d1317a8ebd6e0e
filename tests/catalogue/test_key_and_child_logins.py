"""Logins by SSH key; and logins by rucio-clients in a child, as Kerberos needs them."""

from __future__ import annotations

import subprocess
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from paramiko import Message, RSAKey

from nbrucio.catalogue.child.clients_login import log_in_with_clients
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Credentials, Instance, Policy
from nbrucio.core.cancellation import until
from nbrucio.errors import CredentialsRejected, Interrupted, MissingDependency, NbrucioError, Offline
from nbrucio.http import Timeouts
from nbrucio.sandbox import Sandbox
from tests.catalogue.conftest import Connect
from tests.support.access_log import new_requests
from tests.support.scripted_server import LOGIN, ScriptedServer, Stall, answer
from tests.support.sync_questions import DIMUON, FACTS, at, headers


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


@pytest.mark.parametrize("known", ["rsa-sha2-256", "ssh-rsa"])
def test_a_server_is_tried_with_both_ways_to_sign(
    by_key: Callable[..., RucioCatalogue], scripted: ScriptedServer, ssh_key: Path, known: str
) -> None:
    challenge = answer("", X_Rucio_SSH_Challenge_Token="a-text-to-sign")
    refused = answer("", "401 Unauthorized", ExceptionClass="CannotAuthenticate", ExceptionMessage="no")
    scripted.answers = [challenge, LOGIN, answer(FACTS)]
    if known == "ssh-rsa":
        scripted.answers[:0] = [challenge, refused]
    assert by_key(**at(scripted)).describe(DIMUON).open
    signature = b64decode(headers(scripted.requests[-2])["X-Rucio-SSH-Signature"])
    public = RSAKey.from_private_key_file(str(ssh_key))
    assert public.verify_ssh_sig(b"a-text-to-sign", Message(signature)) is (known == "rsa-sha2-256")
    assert Message(signature).get_text() == known


# --- in a child -------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(instance: Instance, ssh_key: Path) -> Instance:
    """The sandbox with the login of this key, which stands for Kerberos here: that needs a realm."""
    return instance._replace(auth_type="ssh", credentials=Credentials(ssh_private_key=ssh_key))


def test_rucio_clients_logs_in_and_gives_its_token_back(
    sandbox: Sandbox,
    keyed: Instance,
    ssh_key: Path,
    environ: dict[str, str],
    instance: Instance,
    connect: Connect,
) -> None:
    with sandbox.admin() as client:
        public = ssh_key.with_suffix(".pub").read_text().strip()
        client.add_identity("sandbox", public, authtype="SSH", email="sandbox@localhost")
    found = log_in_with_clients(keyed, environ, Timeouts(), None)
    assert found.expires_at is not None
    assert time.time() + 3000 < found.expires_at < time.time() + 3700
    token_file(instance, environ).write_text(found.token)
    assert connect().browser().account() == "sandbox"


def test_a_login_that_rucio_clients_cannot_make_is_refused(keyed: Instance, environ: dict[str, str]) -> None:
    with pytest.raises(CredentialsRejected, match="Login to sandbox failed"):
        log_in_with_clients(keyed, environ, Timeouts(), None)


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
    keyed: Instance,
    environ: dict[str, str],
    scripted: ScriptedServer,
    reply: bytes | Stall,
    error: type[NbrucioError],
    words: str,
) -> None:
    scripted.answers = [reply]
    there = keyed._replace(host=scripted.url, auth_host=scripted.url)
    with pytest.raises(error, match=words) as caught:
        log_in_with_clients(there, environ, Timeouts(1, 0.5), None)
    assert caught.value.code != "internal"


def test_a_login_that_nobody_waits_for_is_given_up(
    keyed: Instance, environ: dict[str, str], scripted: ScriptedServer
) -> None:
    scripted.answers = [Stall()]
    there = keyed._replace(host=scripted.url, auth_host=scripted.url)
    given_up, errors = threading.Event(), list[Exception]()

    def ask() -> None:
        with until(given_up):
            try:
                log_in_with_clients(there, environ, Timeouts(), None)
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
