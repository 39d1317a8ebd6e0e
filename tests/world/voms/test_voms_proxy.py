"""Logins with the real voms-proxy-init: from nothing, wrong passphrase, ended proxy, no key."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from rucio.common.exception import Duplicate

from nbrucio.config import Instance
from nbrucio.errors import CredentialsRejected
from nbrucio.operations.login import Wishes, log_in
from nbrucio.operations.whoami import LoginRow, who_am_i
from nbrucio.sandbox import Sandbox
from tests.support.certificates import ENDED, UserAuthority
from tests.support.grid import GridAuthority
from tests.support.logins import Answers, config_of
from tests.world.fronts.conftest import rucio_process

pytestmark = pytest.mark.world

PERSON, PASSPHRASE = "Jane Doe", "jane's own"


@pytest.fixture(scope="module")
def rucio(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, GridAuthority]]:
    """The URL of a Rucio that accepts proxies, its CA, and the CA of people."""
    folder = tmp_path_factory.mktemp("voms")
    ca, people = trustme.CA(), GridAuthority(folder / "cas", "Grid CA")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    with suppress(Duplicate), sandbox.admin() as client:
        client.add_identity("sandbox", f"/CN={PERSON}", "X509", "jane.doe@example.org", default=True)
    (trusted,) = people.folder.iterdir()
    with rucio_process(sandbox, folder / "server.pem", trusted) as port:
        yield f"https://127.0.0.1:{port}", folder / "ca.pem", people


class Person:
    """A person with an encrypted key, who logs in as from the panel: with a passphrase, and without a terminal."""

    def __init__(self, rucio: tuple[str, Path, GridAuthority], folder: Path) -> None:
        url, ca, people = rucio
        certificate, key = people.person(folder, PERSON)
        self.key, self.proxy = folder / "userkey.pem", folder / "x509up"
        secret = ["-topk8", "-in", key, "-out", self.key, "-passout", f"pass:{PASSPHRASE}"]
        subprocess.run(["openssl", "pkcs8", *secret], check=True)
        self.key.chmod(0o400)
        (folder / "run").mkdir(mode=0o700)
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "X509_USER_PROXY": str(self.proxy),
            "X509_USER_CERT": str(certificate),
            "X509_USER_KEY": str(self.key),
            "X509_CERT_DIR": str(people.folder),
        }
        self._instance = Instance("cern", "cern", url, url, "x509_proxy", "sandbox", ca_cert=ca)
        self._config = config_of(self._instance, folder)

    def log_in(self, passphrase: str = PASSPHRASE) -> LoginRow:
        answers = Answers(at_terminal=False, secret=passphrase)
        return log_in(self._instance, self._config, answers, Wishes(), self._environ)

    def who_am_i(self) -> LoginRow:
        return who_am_i(self._instance, self._config, self._environ)


@pytest.fixture
def person(rucio: tuple[str, Path, GridAuthority], tmp_path: Path) -> Person:
    return Person(rucio, tmp_path)


def test_from_nothing_to_a_login_with_a_proxy(person: Person) -> None:
    before = person.who_am_i()
    assert (before.state, before.error and before.error.next_command) == ("ended", "nbrucio login cern")
    row = person.log_in()
    assert (row.state, row.account) == ("active", "sandbox")
    assert row.facts is not None
    assert str(row.facts.identity).startswith(f"/CN={PERSON}")
    assert row.facts.ends_at is not None
    assert person.proxy.stat().st_mode & 0o777 == 0o600
    assert person.who_am_i().state == "active"


def test_a_wrong_passphrase_is_reported_in_the_programs_words(person: Person) -> None:
    with pytest.raises(CredentialsRejected, match="voms-proxy-init ended with exit code 1: ") as caught:
        person.log_in("left")
    assert caught.value.hint == "Check the passphrase and try again."
    assert not person.proxy.exists()


def test_an_ended_proxy_is_named_and_replaced(person: Person) -> None:
    UserAuthority(person.proxy.parent).proxy("x509up", ends=ENDED)
    ended = person.who_am_i()
    assert ended.state == "ended"
    assert f"the proxy {person.proxy} expired" in str(ended.error)
    assert person.log_in().state == person.who_am_i().state == "active"


def test_without_a_certificate_the_programs_words_are_reported(person: Person) -> None:
    person.key.unlink()
    with pytest.raises(CredentialsRejected, match="voms-proxy-init ended with exit code"):
        person.log_in()
