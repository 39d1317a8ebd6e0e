"""Errors of unusable credentials before a server is asked: one table of all words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.catalogue import certificates
from nbrucio.catalogue.auth import login_of
from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.config import Credentials, Instance
from nbrucio.errors import CredentialsRejected
from tests.catalogue.jwts import jwt
from tests.support.certificates import BEGINS, ENDED, UserAuthority

BARE = Instance("cern", "cern", "https://h", "https://h", "x509_proxy", "jdoe")

Make = Callable[[UserAuthority, Path], Path]


def _text(content: str) -> Make:
    def write(_: UserAuthority, folder: Path) -> Path:
        (folder / "x509up").write_text(content)
        return folder / "x509up"

    return write


def _unreadable(users: UserAuthority, _: Path) -> Path:
    path = users.proxy()
    path.unlink()
    path.mkdir()
    return path


def _cut(users: UserAuthority, _: Path) -> Path:
    path = users.proxy()
    path.write_bytes(path.read_bytes().replace(b"MII", b"AAA", 1))
    return path


def _other_key(users: UserAuthority, _: Path) -> Path:
    path, (_, key) = users.proxy(), users.certificate()
    pieces = re.split(rb"(?=-----BEGIN)", path.read_bytes())
    path.write_bytes(pieces[1] + key.read_bytes() + pieces[3])
    return path


def _no_key(users: UserAuthority, _: Path) -> Path:
    return users.certificate()[0].rename(users.ca_file().with_name("x509up"))


RENEW = "Create a new X.509 proxy; the command runs voms-proxy-init where that is installed. [nbrucio login cern]"
CLOCK = "Check the clock of this machine: it says NOW."

#: What is in the file of the proxy, the words and what to do next. DIR is the file's folder.
PROXIES: dict[str, tuple[Make, str, str]] = {
    "gone": (lambda _, folder: folder / "x509up", "DIR/x509up does not exist", RENEW),
    "empty": (_text(" \n"), "DIR/x509up is empty", RENEW),
    "garbage": (_text("<html>"), "DIR/x509up does not contain a certificate in PEM format", RENEW),
    "a folder": (_unreadable, "the proxy DIR/x509up cannot be read: it is a folder", RENEW),
    "damaged": (_cut, "DIR/x509up is damaged: OpenSSL cannot read it", RENEW),
    "without its key": (_no_key, "DIR/x509up does not contain a private key in PEM format", RENEW),
    "with another key": (
        _other_key,
        "the private key in DIR/x509up belongs to another certificate than DIR/x509up",
        RENEW,
    ),
    "with a passphrase": (
        lambda users, _: users.proxy(passphrase="secret"),
        "the private key DIR/x509up is protected by a passphrase, which nbrucio does not ask for",
        "Create a proxy with voms-proxy-init, and set auth_type to x509_proxy.",
    ),
    "expired": (
        lambda users, _: users.proxy(ends=ENDED),
        "the proxy DIR/x509up expired AGE ago (2020-02-01 10:00 UTC)",
        RENEW,
    ),
    "not valid yet": (
        lambda users, _: users.proxy(begins=BEGINS),
        "the proxy DIR/x509up is not valid before 2099-01-01 00:00 UTC",
        CLOCK,
    ),
    "of an expired certificate": (
        lambda users, _: users.proxy(person_ends=ENDED),
        "a certificate in DIR/x509up expired AGE ago (2020-02-01 10:00 UTC)",
        RENEW,
    ),
}


@pytest.mark.parametrize("case", PROXIES)
def test_a_proxy_of_no_use_is_explained(case: str, tmp_path: Path) -> None:
    make, words, action = PROXIES[case]
    proxy = make(UserAuthority(tmp_path), tmp_path)
    told = _told(BARE._replace(credentials=Credentials(client_proxy=proxy)), tmp_path)
    assert told == (f"Login to cern failed: {words}.", action)


def test_the_variable_that_names_a_missing_proxy_is_named(tmp_path: Path) -> None:
    told = _told(BARE, tmp_path, X509_USER_PROXY=str(tmp_path / "x"))
    assert told == ("Login to cern failed: the proxy DIR/x (X509_USER_PROXY) does not exist.", RENEW)


def test_a_good_proxy_and_a_good_certificate_will_do(tmp_path: Path) -> None:
    users = UserAuthority(tmp_path)
    proxy, (certificate, key) = users.proxy(), users.certificate()
    assert login_of(BARE, {"X509_USER_PROXY": str(proxy)}) == {"client_proxy": str(proxy)}
    login = Credentials(client_cert=certificate, client_key=key)
    files = {"client_cert": str(certificate), "client_key": str(key)}
    assert login_of(BARE._replace(auth_type="x509", credentials=login), {}) == files


CERTIFICATE_HELP = "Check client_cert and client_key, and that Rucio knows the certificate for your account."

Pair = Callable[[UserAuthority], tuple[Path, Path]]

CERTIFICATES: dict[str, tuple[Pair, str, str]] = {
    "expired": (
        lambda users: users.certificate(ends=ENDED),
        "the certificate DIR/usercert.pem expired AGE ago (2020-02-01 10:00 UTC)",
        "Get a new certificate from your CA.",
    ),
    "not valid yet": (
        lambda users: users.certificate(begins=BEGINS),
        "the certificate DIR/usercert.pem is not valid before 2099-01-01 00:00 UTC",
        CLOCK,
    ),
    "with another key": (
        lambda users: (users.certificate()[0], users.certificate("other")[1]),
        "the private key in DIR/otherkey.pem belongs to another certificate than DIR/usercert.pem",
        "Set client_cert and client_key to files that belong together.",
    ),
    "with a passphrase": (
        lambda users: users.certificate(passphrase="secret"),
        "the private key DIR/userkey.pem is protected by a passphrase, which nbrucio does not ask for",
        "Create a proxy with voms-proxy-init, and set auth_type to x509_proxy.",
    ),
    "without a key file": (
        lambda users: (users.certificate()[0], users.ca_file().with_name("gone.pem")),
        "DIR/gone.pem does not exist",
        CERTIFICATE_HELP,
    ),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_certificate_of_no_use_is_explained(case: str, tmp_path: Path) -> None:
    make, words, action = CERTIFICATES[case]
    certificate, key = make(UserAuthority(tmp_path))
    login = Credentials(client_cert=certificate, client_key=key)
    told = _told(BARE._replace(auth_type="x509", credentials=login), tmp_path)
    assert told == (f"Login to cern failed: {words}.", action)


NEW_KEY = "Create an RSA key (ssh-keygen -t rsa -m PEM), and ask the operators of this Rucio server to add it."
PLAIN_KEY = "Set ssh_private_key to an RSA key without a passphrase."

#: Kind of key, passphrase, format; the words and what to do next. None: it will do.
SSH_KEYS = {
    ("rsa", "", "PEM"): None,
    ("rsa", "", "RFC4716"): None,
    ("rsa", "secret", "PEM"): ("private key DIR/id is protected by a passphrase, which nbrucio does not ask for", ""),
    ("rsa", "secret", "RFC4716"): (
        "private key DIR/id is protected by a passphrase, which nbrucio does not ask for",
        "",
    ),
    ("ed25519", "", "RFC4716"): ("ssh key DIR/id is a key of type Ed25519, and Rucio accepts RSA only", NEW_KEY),
    ("ecdsa", "", "PEM"): ("ssh key DIR/id is a key of type EC, and Rucio accepts RSA only", NEW_KEY),
}


@pytest.mark.parametrize("case", SSH_KEYS, ids=" ".join)
def test_an_ssh_key_of_no_use_is_explained(case: tuple[str, str, str], tmp_path: Path) -> None:
    kind, passphrase, form = case
    key = tmp_path / "id"
    make = [shutil.which("ssh-keygen") or "ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-m", form, "-f", key]
    subprocess.run(make, check=True)
    ssh = BARE._replace(auth_type="ssh", credentials=Credentials(ssh_private_key=key))
    expected = SSH_KEYS[case]
    if expected is None:
        assert login_of(ssh, {}) == {"ssh_private_key": str(key)}
    else:
        words, action = expected
        assert _told(ssh, tmp_path) == (f"Login to cern failed: the {words}.", action or PLAIN_KEY)


@pytest.mark.parametrize(
    "content", ["", "garbage", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"]
)
def test_an_ssh_key_that_is_none_is_explained(content: str, tmp_path: Path) -> None:
    (tmp_path / "id").write_text(content)
    words, action = _told(
        BARE._replace(auth_type="ssh", credentials=Credentials(ssh_private_key=tmp_path / "id")), tmp_path
    )
    assert words.startswith("Login to cern failed: ")
    assert "DIR/id" in words
    assert action == "Check ssh_private_key, and that Rucio knows its public key for your account."


NEW_TOKEN = "Log in again, or give a new token as BEARER_TOKEN or in BEARER_TOKEN_FILE. [nbrucio login cern]"

#: The user's token, the words and what to do next.
TOKENS = {
    "expired": (
        jwt(exp=ENDED.timestamp()),
        "the token in BEARER_TOKEN expired AGE ago (2020-02-01 10:00 UTC)",
        NEW_TOKEN,
    ),
    "not valid yet": (
        jwt(nbf=BEGINS.timestamp(), exp=BEGINS.timestamp() + 60),
        "the token in BEARER_TOKEN is not valid before 2099-01-01 00:00 UTC, and this machine's clock says NOW",
        NEW_TOKEN,
    ),
    "for another audience": (
        jwt(aud="other"),
        "the token in BEARER_TOKEN is for the audience other, not rucio",
        NEW_TOKEN,
    ),
    "garbage": ("two words", "BEARER_TOKEN is not a token", NEW_TOKEN),
    "none": (None, "there is no valid token for it", NEW_TOKEN),
    "of an unknown user": (
        jwt(sub="4711", iss="https://iam.example.org/"),
        "the token in BEARER_TOKEN was refused",
        "Ask the operators of this Rucio server to register this identity for your account: "
        "SUB=4711, ISS=https://iam.example.org",
    ),
}


@pytest.mark.parametrize("case", TOKENS)
def test_a_token_of_no_use_is_explained(case: str, tmp_path: Path) -> None:
    token, words, action = TOKENS[case]
    oidc = BARE._replace(auth_type="oidc", credentials=Credentials(oidc={"audience": "rucio"}))
    environ = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    tokens = LoginTokens(oidc, environ if token is None else {**environ, "BEARER_TOKEN": token})
    found = tokens.current()
    if found is not None:
        tokens.refuse(found)
    assert _shown(tokens.none_left(), tmp_path) == (f"Login to cern failed: {words}.", action)


def test_without_cryptography_all_but_the_dates_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    code = (
        "import sys; from pathlib import Path; from tests.support.certificates import *\n"
        "users = UserAuthority(Path(sys.argv[1])); users.proxy(ends=ENDED); users.certificate(passphrase='secret')\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    certificates.check_proxy(tmp_path / "x509up")
    with pytest.raises(certificates.Unusable, match="passphrase"):
        certificates.check_certificate(tmp_path / "usercert.pem", tmp_path / "userkey.pem")
    assert certificates.dn_of(tmp_path / "x509up") is None


def _told(instance: Instance, folder: Path, **environ: str) -> tuple[str, str]:
    with pytest.raises(CredentialsRejected) as caught:
        login_of(instance, environ)
    return _shown(caught.value, folder)


def _shown(error: CredentialsRejected, folder: Path) -> tuple[str, str]:
    """Message and next action, without what differs from run to run."""
    assert error.exit_code == 7
    action = " ".join(filter(None, [error.hint, error.next_command and f"[{error.next_command}]"]))
    texts = (text.replace(str(folder), "DIR") for text in (error.message, action))
    message, action = (re.sub(r"\S+ (s|min|h|days) ago", "AGE ago", text) for text in texts)
    now = r"(?<=says )\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    return re.sub(now, "NOW", message), re.sub(now, "NOW", action)
