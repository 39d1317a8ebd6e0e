"""Errors of unusable credentials before a server is asked: one table of all words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbrucio.catalogue import certificates
from nbrucio.catalogue.auth import login_of
from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.config import Credentials, Instance
from nbrucio.errors import CredentialsRejected
from tests.catalogue.jwts import jwt
from tests.support.certificates import BEGINS, ENDED, UserAuthority
from tests.support.snapshots import Snapshots

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


#: What is in the file of the proxy.
PROXIES: dict[str, Make] = {
    "gone": lambda _, folder: folder / "x509up",
    "empty": _text(" \n"),
    "garbage": _text("<html>"),
    "a folder": _unreadable,
    "damaged": _cut,
    "without its key": _no_key,
    "with another key": _other_key,
    "with a passphrase": lambda users, _: users.proxy(passphrase="secret"),
    "expired": lambda users, _: users.proxy(ends=ENDED),
    "not valid yet": lambda users, _: users.proxy(begins=BEGINS),
    "of an expired certificate": lambda users, _: users.proxy(person_ends=ENDED),
}


def test_words_as_in_the_snapshots(snapshots: Snapshots, tmp_path: Path) -> None:
    tables = {"proxies": _proxies, "certificates": _certificates, "ssh keys": _ssh_keys, "tokens": _tokens}
    found = {title: "\n".join(words(tmp_path)) for title, words in tables.items()}
    snapshots.check("login-credentials.txt", found.items())


def _proxies(folder: Path) -> Iterator[str]:
    for case, make in PROXIES.items():
        own = _folder(folder, "proxy", case)
        proxy = make(UserAuthority(own), own)
        yield from _told(case, BARE._replace(credentials=Credentials(client_proxy=proxy)), own)
    yield from _told("named by a variable, and missing", BARE, folder, X509_USER_PROXY=str(folder / "x"))


def test_a_good_proxy_and_a_good_certificate_will_do(tmp_path: Path) -> None:
    users = UserAuthority(tmp_path)
    proxy, (certificate, key) = users.proxy(), users.certificate()
    assert login_of(BARE, {"X509_USER_PROXY": str(proxy)}) == {"client_proxy": str(proxy)}
    login = Credentials(client_cert=certificate, client_key=key)
    files = {"client_cert": str(certificate), "client_key": str(key)}
    assert login_of(BARE._replace(auth_type="x509", credentials=login), {}) == files


Pair = Callable[[UserAuthority], tuple[Path, Path]]

CERTIFICATES: dict[str, Pair] = {
    "expired": lambda users: users.certificate(ends=ENDED),
    "not valid yet": lambda users: users.certificate(begins=BEGINS),
    "with another key": lambda users: (users.certificate()[0], users.certificate("other")[1]),
    "with a passphrase": lambda users: users.certificate(passphrase="secret"),
    "without a key file": lambda users: (users.certificate()[0], users.ca_file().with_name("gone.pem")),
}


def _certificates(folder: Path) -> Iterator[str]:
    for case, make in CERTIFICATES.items():
        own = _folder(folder, "certificate", case)
        certificate, key = make(UserAuthority(own))
        login = Credentials(client_cert=certificate, client_key=key)
        yield from _told(case, BARE._replace(auth_type="x509", credentials=login), own)


#: Kind of key, passphrase and format of keys that cannot log in, and of keys that can.
BAD_KEYS = (
    ("rsa", "secret", "PEM"),
    ("rsa", "secret", "RFC4716"),
    ("ed25519", "", "RFC4716"),
    ("ecdsa", "", "PEM"),
)
GOOD_KEYS = (("rsa", "", "PEM"), ("rsa", "", "RFC4716"))
#: What is in the file instead of a key.
NO_KEYS = {
    "empty": "",
    "garbage": "garbage",
    "damaged": "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
}


def _ssh_keys(folder: Path) -> Iterator[str]:
    for case in BAD_KEYS:
        own = _folder(folder, *case)
        yield from _told(" ".join(filter(None, case)), _by_key(_new_key(own, *case)), own)
    for name, content in NO_KEYS.items():
        own = _folder(folder, "key", name)
        (own / "id").write_text(content)
        yield from _told(name, _by_key(own / "id"), own)


@pytest.mark.parametrize("case", GOOD_KEYS, ids=" ".join)
def test_a_plain_rsa_key_will_do(case: tuple[str, str, str], tmp_path: Path) -> None:
    key = _new_key(tmp_path, *case)
    assert login_of(_by_key(key), {}) == {"ssh_private_key": str(key)}


def _new_key(folder: Path, kind: str, passphrase: str, form: str) -> Path:
    key = folder / "id"
    make = [shutil.which("ssh-keygen") or "ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-m", form, "-f", key]
    subprocess.run(make, check=True)
    return key


def _by_key(key: Path) -> Instance:
    return BARE._replace(auth_type="ssh", credentials=Credentials(ssh_private_key=key))


#: The user's token.
TOKENS = {
    "expired": jwt(exp=ENDED.timestamp()),
    "not valid yet": jwt(nbf=BEGINS.timestamp(), exp=BEGINS.timestamp() + 60),
    "for another audience": jwt(aud="other"),
    "garbage": "two words",
    "none": None,
    "of an unknown user": jwt(sub="4711", iss="https://iam.example.org/"),
}


def _tokens(folder: Path) -> Iterator[str]:
    oidc = BARE._replace(auth_type="oidc", credentials=Credentials(oidc={"audience": "rucio"}))
    places = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    for case, token in TOKENS.items():
        tokens = LoginTokens(oidc, places if token is None else {**places, "BEARER_TOKEN": token})
        found = tokens.current()
        if found is not None:
            tokens.refuse(found)
        yield from _shown(case, tokens.none_left(), folder)


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


def _folder(above: Path, *words: str) -> Path:
    folder = above / "-".join(words).replace(" ", "-")
    folder.mkdir()
    return folder


def _told(case: str, instance: Instance, folder: Path, **environ: str) -> Iterator[str]:
    with pytest.raises(CredentialsRejected) as caught:
        login_of(instance, environ)
    return _shown(case, caught.value, folder)


def _shown(case: str, error: CredentialsRejected, folder: Path) -> Iterator[str]:
    """Yield code, message and next action, without what differs from run to run."""
    lines = (f"  exit code {error.exit_code}: {error.message}", error.hint, error.next_command)
    yield f"{case}:"
    for line in filter(None, lines):
        text = re.sub(r"\S+ (s|min|h|days) ago", "AGE ago", line.replace(str(folder), "DIR"))
        text = re.sub(r"(?<=says )\d{4}-\d\d-\d\d \d\d:\d\d UTC", "NOW", text)
        yield text if text.startswith("  ") else f"    {text}"
