"""Whole syncs in which Rucio ends the token in the middle: logins by SSH key, certificate, proxy and Kerberos.

Each login gets a new token once; where its credential has gone or ended, too, the sync ends with 7 and can go on.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from rucio.common.exception import Duplicate

from nbrucio.sandbox import Sandbox
from tests.support.certificates import DN, ENDED, UserAuthority
from tests.support.mid_sync import left_off, mid_sync, renewed
from tests.world.fronts.conftest import rucio_process
from tests.world.kerberos import conftest as realm
from tests.world.kerberos.conftest import PASSWORD, USER, Kerberos

pytestmark = pytest.mark.world

kerberos_libraries, kerberos, guarded = realm.kerberos_libraries, realm.kerberos, realm.guarded
_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """The name of an RSE and a dataset for one test."""
    return f"TOKENENDS_WORLD_{next(_numbers)}"


# --- SSH keys ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(sandbox: Sandbox, tmp_path: Path) -> Path:
    """An SSH key that Rucio knows."""
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-m", "PEM", "-C", "", "-f", path], check=True)
    with sandbox.admin() as client:
        public = path.with_suffix(".pub").read_text().strip()
        client.add_identity("sandbox", public, authtype="SSH", email="sandbox@localhost")
    return path


def test_an_ssh_key_renews_the_token_once(sandbox: Sandbox, key: Path, name: str, tmp_path: Path) -> None:
    with mid_sync(sandbox, name, tmp_path, f'auth_type = "ssh"\nssh_private_key = "{key}"') as user:
        renewed(user, "/auth/ssh")


def test_without_the_ssh_key_the_sync_ends_with_7_and_goes_on_with_it(
    sandbox: Sandbox, key: Path, name: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    with mid_sync(sandbox, name, tmp_path, f'auth_type = "ssh"\nssh_private_key = "{key}"') as user:
        left_off(
            user,
            lambda: key.rename(elsewhere),
            f"{key} does not exist",
            "Check ssh_private_key",
            lambda: elsewhere.rename(key),
        )


# --- certificates and proxies -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rucio(sandbox: Sandbox) -> Iterator[str]:
    """The URL of a Rucio that knows the person of `UserAuthority`, by the name that a front sends."""
    with suppress(Duplicate), sandbox.admin() as client:
        client.add_identity("sandbox", DN, "X509", "jane.doe@example.org", default=True)
    with rucio_process(sandbox) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def users(tmp_path: Path) -> UserAuthority:
    return UserAuthority(tmp_path)


def test_a_certificate_renews_the_token_once(
    sandbox: Sandbox, rucio: str, users: UserAuthority, name: str, tmp_path: Path
) -> None:
    with mid_sync(sandbox, name, tmp_path, _by_certificate(users), rucio=rucio, users=users) as user:
        renewed(user, "/auth/x509")


def test_without_a_valid_certificate_the_sync_ends_with_7_and_goes_on_with_one(
    sandbox: Sandbox, rucio: str, users: UserAuthority, name: str, tmp_path: Path
) -> None:
    login = _by_certificate(users)
    with mid_sync(sandbox, name, tmp_path, login, rucio=rucio, users=users) as user:
        ended = f"the certificate {tmp_path / 'usercert.pem'} expired"
        left_off(user, lambda: users.certificate(ends=ENDED), ended, "Get a new certificate", users.certificate)


def test_a_proxy_renews_the_token_once(
    sandbox: Sandbox, rucio: str, users: UserAuthority, name: str, tmp_path: Path
) -> None:
    proxy = {"X509_USER_PROXY": str(users.proxy())}
    login = 'auth_type = "x509_proxy"'
    with mid_sync(sandbox, name, tmp_path, login, rucio=rucio, users=users, env=proxy) as user:
        renewed(user, "/auth/x509_proxy")


def test_a_proxy_that_was_renewed_before_gets_the_next_token(
    sandbox: Sandbox, rucio: str, users: UserAuthority, name: str, tmp_path: Path
) -> None:
    proxy = {"X509_USER_PROXY": str(users.proxy())}
    login = 'auth_type = "x509_proxy"'
    with mid_sync(sandbox, name, tmp_path, login, rucio=rucio, users=users, env=proxy) as user:
        renewed(user, "/auth/x509_proxy", users.proxy)


def test_without_a_valid_proxy_the_sync_ends_with_7_and_goes_on_with_one(
    sandbox: Sandbox, rucio: str, users: UserAuthority, name: str, tmp_path: Path
) -> None:
    proxy = users.proxy()
    login = 'auth_type = "x509_proxy"'
    with mid_sync(
        sandbox, name, tmp_path, login, rucio=rucio, users=users, env={"X509_USER_PROXY": str(proxy)}
    ) as user:
        ended = f"the proxy {proxy} expired"
        left_off(user, lambda: users.proxy(ends=ENDED), ended, "next: nbrucio login cern", users.proxy)


def _by_certificate(users: UserAuthority) -> str:
    certificate, key = users.certificate()
    return f'auth_type = "x509"\nclient_cert = "{certificate}"\nclient_key = "{key}"'


# --- Kerberos ---------------------------------------------------------------------------------------------------------


class Tickets:
    """The tickets of a user, whose environment is `env`."""

    def __init__(self, kerberos: Kerberos, folder: Path) -> None:
        self._kerberos = kerberos
        self.env = {
            **kerberos.environ,
            "KRB5CCNAME": str(folder / "tickets"),
            "PYTHONPATH": str(kerberos.libraries),
            "PATH": os.pathsep.join((os.environ["PATH"], kerberos.environ["PATH"])),
        }

    def get(self) -> None:
        """Get new ones."""
        done = self._kerberos.run("kinit", USER, stdin=f"{PASSWORD}\n", **self.env)
        assert done.returncode == 0, done.stderr

    def destroy(self) -> None:
        """Remove them."""
        assert self._kerberos.run("kdestroy", **self.env).returncode == 0


@pytest.fixture
def tickets(kerberos: Kerberos, tmp_path: Path) -> Tickets:
    found = Tickets(kerberos, tmp_path)
    found.get()
    return found


def test_a_ticket_renews_the_token_once(
    sandbox: Sandbox, guarded: str, tickets: Tickets, name: str, tmp_path: Path
) -> None:
    with mid_sync(sandbox, name, tmp_path, 'auth_type = "gss"', rucio=guarded, env=tickets.env) as user:
        renewed(user, "/auth/gss")


def test_without_a_ticket_the_sync_ends_with_7_and_goes_on_with_one(
    sandbox: Sandbox, guarded: str, tickets: Tickets, name: str, tmp_path: Path
) -> None:
    with mid_sync(sandbox, name, tmp_path, 'auth_type = "gss"', rucio=guarded, env=tickets.env) as user:
        left_off(user, tickets.destroy, "Login to cern failed", "next: nbrucio login cern", tickets.get)
