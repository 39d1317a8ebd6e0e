"""Login tokens: kept private, one a server and login, and never a reason to fail."""

from __future__ import annotations

import errno
import os
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from nbrucio.catalogue import token_cache
from nbrucio.catalogue.login_tokens import LoginTokens, expiry
from nbrucio.catalogue.rucio import Catalogues
from nbrucio.catalogue.token_cache import saved_token, token_file
from nbrucio.config import Config, Credentials, Instance, load
from nbrucio.core.did import Did
from nbrucio.errors import BadConfig, CredentialsRejected, NbrucioError, NoSpace
from nbrucio.sandbox import Sandbox
from tests.catalogue.conftest import Connect
from tests.catalogue.jwts import jwt
from tests.support.access_log import new_requests
from tests.support.scripted_server import LOGIN, ScriptedServer, answer
from tests.support.sync_questions import FACTS, headers

DIMUON = Did("sandbox", "dimuon")


def _paths(sandbox: Sandbox, connect: Connect) -> list[str]:
    with new_requests(sandbox.access_log) as requests:
        assert connect().describe(DIMUON).files == 4
    return sorted(request.path for request in requests)  # the server's threads write its log in any order


def test_tokens_are_private(connect: Connect, instance: Instance, environ: dict[str, str]) -> None:
    connect().describe(DIMUON)
    path = token_file(instance, environ)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("number", "kind", "words"), [(errno.ENOSPC, NoSpace, "space"), (errno.EROFS, BadConfig, "read-only")]
)
def test_a_disk_that_takes_no_token_is_not_a_server_out_of_reach(
    connect: Connect,
    instance: Instance,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: type[NbrucioError],
    words: str,
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(token_cache, "write_file", fail)
    with pytest.raises(kind, match=words) as caught:
        connect().describe(DIMUON)
    folder = token_file(instance, environ).parent
    assert (caught.value.subject, str(folder) in caught.value.message) == (str(folder), True)


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n", b"one\n\ntwo", b"\xff\xfe", b"one\ntwo\n", b"\x00"])
def test_what_is_no_token_counts_as_absent(
    sandbox: Sandbox, connect: Connect, instance: Instance, environ: dict[str, str], content: bytes
) -> None:
    token_file(instance, environ).write_bytes(content)
    assert _paths(sandbox, connect) == ["/auth/userpass", "/dids/sandbox/dimuon"]


def test_a_newline_after_a_token_does_no_harm(
    sandbox: Sandbox, connect: Connect, instance: Instance, environ: dict[str, str]
) -> None:
    connect().describe(DIMUON)
    path = token_file(instance, environ)
    path.write_bytes(path.read_bytes() + b"\r\n")
    assert _paths(sandbox, connect) == ["/dids/sandbox/dimuon"]


def test_a_token_that_the_server_does_not_know_is_replaced(
    sandbox: Sandbox, connect: Connect, instance: Instance, environ: dict[str, str]
) -> None:
    token_file(instance, environ).write_text("sandbox-sandbox-unknown-0123456789abcdef")
    assert _paths(sandbox, connect) == ["/auth/userpass", "/dids/sandbox/dimuon", "/dids/sandbox/dimuon"]
    assert _paths(sandbox, connect) == ["/dids/sandbox/dimuon"]


def _age(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def test_a_kept_token_lives_as_long_as_the_server_said(
    sandbox: Sandbox, connect: Connect, instance: Instance, environ: dict[str, str]
) -> None:
    connect().describe(DIMUON)
    path = token_file(instance, environ)
    token, end = path.read_text().split()
    assert time.time() + 3000 < int(end) < time.time() + 3700  # Rucio's tokens live for an hour
    _age(path, days=1)
    assert _paths(sandbox, connect) == ["/dids/sandbox/dimuon"]
    path.write_text(f"{token}\n{int(time.time()) + 5}\n")  # about to expire
    assert _paths(sandbox, connect) == ["/auth/userpass", "/dids/sandbox/dimuon"]


@pytest.mark.parametrize(
    ("expires", "date", "lives_s"),
    [
        ("Mon, 02 Nov 2026 11:00:00 UTC", None, 3600),
        ("Mon, 02 Nov 2026 11:00:00 UTC", "Mon, 02 Nov 2026 10:00:00 GMT", 3600),
        ("Mon, 02 Nov 2026 13:00:00 UTC", "Mon, 02 Nov 2026 12:30:00 GMT", 1800),  # its clock is ahead of ours
        ("Mon, 02 Nov 2026 12:00:00 +0100", None, 3600),
        ("1793617200", None, 3600),
        (None, None, None),
        ("", None, None),
        ("soon", None, None),
        ("9" * 400, None, None),
        ("Mon, 99 Nov 2026 11:00:00 UTC", None, None),
    ],
)
def test_the_end_of_a_token_is_read_from_the_login(expires: str | None, date: str | None, lives_s: int | None) -> None:
    now = datetime(2026, 11, 2, 10, tzinfo=timezone.utc).timestamp()
    headers = {"X-Rucio-Auth-Token-Expires": expires, "Date": date}
    end = expiry({name: value for name, value in headers.items() if value is not None}, now)
    assert (None if end is None else end - now) == lives_s


def test_a_token_whose_end_nobody_named_is_used_until_it_is_refused(
    connect: Connect, scripted: ScriptedServer, instance: Instance, environ: dict[str, str]
) -> None:
    scripted.answers = [LOGIN, answer(FACTS), answer("", "401 Unauthorized"), LOGIN, answer(FACTS)]
    at = {"host": scripted.url, "auth_host": scripted.url}
    connect(**at).describe(DIMUON)
    _age(token_file(instance._replace(**at), environ), days=3)  # type: ignore[arg-type]
    connect(**at).describe(DIMUON)
    asked = [request.split()[1].split("/")[1] for request in scripted.requests]
    assert asked == ["auth", "dids", "dids", "auth", "dids"]


def test_a_token_with_the_name_of_a_certificate_is_kept(
    connect: Connect, scripted: ScriptedServer, instance: Instance, environ: dict[str, str]
) -> None:
    token = "jdoe-/DC=ch/DC=cern/OU=Users/CN=jdoe/CN=123/CN=Jane Q.  Doe-unknown-0123abc"
    scripted.answers = [answer("", X_Rucio_Auth_Token=token), answer(FACTS)]
    at = {"host": scripted.url, "auth_host": scripted.url}
    for _ in range(2):
        connect(**at).describe(DIMUON)
    assert saved_token(instance._replace(**at), environ) == token  # type: ignore[arg-type]
    assert [headers(request).get("X-Rucio-Auth-Token") for request in scripted.requests[1:]] == [token, token]


def test_another_credential_is_another_login(instance: Instance, environ: dict[str, str], tmp_path: Path) -> None:
    """The file stays where it is, and somebody else's proxy, certificate, key or ticket is put there."""
    pem = tmp_path / "pem"
    logins = {
        "x509_proxy": Credentials(client_proxy=pem),
        "x509": Credentials(client_cert=pem, client_key=pem),
        "ssh": Credentials(ssh_private_key=pem),
        "gss": Credentials(),
    }
    environ["KRB5CCNAME"] = f"FILE:{pem}"
    for auth_type, credentials in logins.items():
        one = instance._replace(auth_type=auth_type, credentials=credentials)
        found = []
        for content in ("the first person's", "the second person's", "the first person's"):
            pem.write_text(content)
            found.append(token_file(one, environ).name)
        assert found[0] == found[2] != found[1]
    ambient = instance._replace(auth_type="x509_proxy", credentials=Credentials())
    (tmp_path / "another").write_text("another")
    paths = {token_file(ambient, {**environ, "X509_USER_PROXY": str(tmp_path / name)}) for name in ("pem", "another")}
    assert len(paths) == 2


def test_no_token_is_kept_under_the_name_of_a_proxy_that_replaced_its_own(
    instance: Instance, environ: dict[str, str], tmp_path: Path
) -> None:
    proxy = tmp_path / "proxy"
    proxy.write_text("the first person's")
    one = instance._replace(auth_type="x509_proxy", credentials=Credentials(client_proxy=proxy))
    tokens = LoginTokens(one, environ)
    tokens.begin_login()
    proxy.write_text("the second person's")
    tokens.save("the-first-persons-token", None)
    assert saved_token(one, environ) is None


def test_tokens_of_credentials_that_are_gone_are_swept(
    connect: Connect, instance: Instance, environ: dict[str, str]
) -> None:
    folder = token_file(instance, environ).parent
    for name, days in (("token-old", 30), ("token-recent", 3), ("other", 30)):
        (folder / name).write_text("x")
        _age(folder / name, days)
    connect().describe(DIMUON)
    kept = token_file(instance, environ).name
    left = {path.name for path in folder.iterdir() if path.suffix != ".lock"}
    assert left == {"other", "token-recent", kept}


FOUND = FACTS.replace('"type"', '"did_type"')
NOT_ALLOWED = answer(
    '{"ExceptionClass": "AccessDenied", "ExceptionMessage": "Account jdoe may not"}',
    "401 Unauthorized",
    "application/json",
    ExceptionClass="AccessDenied",
    ExceptionMessage="Account jdoe may not",
)
REFUSED = answer("", "401 Unauthorized", ExceptionClass="CannotAuthenticate", ExceptionMessage="no such token")


def test_what_an_account_may_not_do_costs_no_token(
    logged_in: Connect, scripted: ScriptedServer, instance: Instance, environ: dict[str, str]
) -> None:
    """Rucio's answer to it is 401, as to an unknown token."""
    at = {"host": scripted.url, "auth_host": scripted.url}
    catalogue = logged_in(**at)
    scripted.answers = [NOT_ALLOWED]
    with pytest.raises(CredentialsRejected, match="Account jdoe may not"):
        catalogue.describe(DIMUON)
    assert saved_token(instance._replace(**at), environ) == "a-kept-token"  # type: ignore[arg-type]
    assert not [request for request in scripted.requests if "/auth/" in request.split()[1]]


# --- Tokens that the user supplies ------------------------------------------------------------------------------------


def _shown(server: ScriptedServer) -> list[str | None]:
    return [headers(request).get("X-Rucio-Auth-Token") for request in server.requests]


def test_the_token_of_a_file_opens_rucio(
    connect: Connect, issued: ScriptedServer, oidc: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    issued.answers = [answer(FACTS)]
    connect(**{**oidc, "credentials": Credentials(token_file=tmp_path / "token")}).describe(DIMUON)
    assert _shown(issued) == ["from-the-file"]


def test_a_stale_supplied_token_never_beats_a_good_one(
    logged_in: Connect, issued: ScriptedServer, oidc: dict[str, object], environ: dict[str, str], instance: Instance
) -> None:
    environ["BEARER_TOKEN"] = "stale"
    issued.answers = [REFUSED, answer(FACTS)]
    logged_in(**oidc).describe(DIMUON)
    assert _shown(issued) == ["stale", "a-kept-token"]
    assert saved_token(instance._replace(**oidc), environ) == "a-kept-token"  # type: ignore[arg-type]
    issued.requests.clear()
    environ["BEARER_TOKEN"] = jwt(exp=time.time() - 1)
    logged_in(**oidc).describe(DIMUON)
    assert _shown(issued) == ["a-kept-token"]


def test_without_a_usable_token_it_is_said_why(
    connect: Connect, issued: ScriptedServer, oidc: dict[str, object], environ: dict[str, str], tmp_path: Path
) -> None:
    login = Credentials(token_file=tmp_path / "gone", token_env="EMPTY")
    environ["BEARER_TOKEN"] = "stale"
    issued.answers = [REFUSED]
    with pytest.raises(CredentialsRejected) as caught:
        connect(**{**oidc, "credentials": login}).describe(DIMUON)
    for words in (f"{tmp_path / 'gone'} does not exist", "EMPTY is not set", "the token in BEARER_TOKEN was refused"):
        assert words in caught.value.message
    assert not [request for request in issued.requests if "/auth/" in request.split()[1]]


def test_a_token_helps_where_another_login_lacks_its_credentials(
    connect: Connect, issued: ScriptedServer, oidc: dict[str, object], environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-the-file")
    environ |= {"BEARER_TOKEN": "for-oidc-only", "X509_USER_PROXY": str(tmp_path / "gone")}
    login = Credentials(token_file=tmp_path / "token")
    issued.answers = [answer(FACTS), answer(FOUND), REFUSED]
    catalogue = connect(**{**oidc, "auth_type": "x509_proxy", "credentials": login})
    catalogue.describe(DIMUON)
    assert [found.did for found in catalogue.search("sandbox", "*", "all")] == [DIMUON]  # by rucio-clients
    with pytest.raises(CredentialsRejected, match="X509_USER_PROXY"):
        list(catalogue.search("sandbox", "*", "all"))
    assert set(_shown(issued)) == {"from-the-file"}


def test_a_token_is_shown_to_no_other_instance(
    instance: Instance, environ: dict[str, str], issued: ScriptedServer, oidc: dict[str, object]
) -> None:
    """Also not by rucio-clients, which takes what it finds in the process's environment."""
    environ["BEARER_TOKEN"] = "the-default-ones"
    other = instance._replace(name="other", identity="other", **oidc)  # type: ignore[arg-type]
    issued.answers = [REFUSED]
    catalogues = Catalogues(Config((instance, other), instance, Path("unused")), environ)
    with pytest.raises(CredentialsRejected, match="the token in BEARER_TOKEN is for another instance"):
        catalogues.open("other").describe(DIMUON)
    assert catalogues.open("sandbox.localhost").describe(DIMUON).files == 4
    catalogues.close()
    assert issued.requests == []


def test_rucio_clients_discovers_no_token_by_itself(
    logged_in: Connect, issued: ScriptedServer, oidc: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEARER_TOKEN", "of-the-process")
    issued.answers = [answer(FOUND)]
    list(logged_in(**oidc).search("sandbox", "*", "all"))
    assert set(_shown(issued)) == {"a-kept-token"}


def test_a_folder_that_is_not_private_is_made_so_or_refused(
    instance: Instance, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = token_file(instance, environ).parent
    folder.chmod(0o777)
    token_file(instance, environ)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(BadConfig, match="Login tokens cannot be saved in"):
        token_file(instance, environ)


def test_each_login_has_a_token_of_its_own(instance: Instance, environ: dict[str, str]) -> None:
    changes: list[dict[str, object]] = [
        {},
        {"host": "http://other.example"},
        {"auth_host": "http://other.example"},
        {"account": "other"},
        {"vo": "oth"},
        {"auth_type": "ssh"},
        {"credentials": instance.credentials._replace(username="other")},
        {"credentials": instance.credentials._replace(password="other")},
    ]
    files = {token_file(instance._replace(**change), environ) for change in changes}  # type: ignore[arg-type]
    assert len(files) == len(changes)
    assert len({file.parent for file in files}) == 1


def test_no_server_is_sent_the_token_of_another(
    sandbox: Sandbox, instance: Instance, environ: dict[str, str], scripted: ScriptedServer
) -> None:
    facts = '{"scope": "sandbox", "name": "dimuon", "type": "DATASET", "open": true}'
    scripted.answers = [LOGIN, answer(facts)]
    other = instance._replace(name="other", identity="other", host=scripted.url, auth_host=scripted.url)
    catalogues = Catalogues(Config((instance, other), instance, Path("unused")), environ)
    for _ in range(2):
        with new_requests(sandbox.access_log) as requests:
            assert catalogues.open("sandbox.localhost").describe(DIMUON).files == 4
            assert catalogues.open("other").describe(DIMUON).open
        assert {request.status for request in requests} == {200}
    catalogues.close()
    token = saved_token(instance, environ)
    assert token
    assert not any(token in request for request in scripted.requests)
    assert "X-Rucio-Auth-Token: a-fresh-token" in scripted.requests[-1]


def test_two_real_servers_with_one_account_name_get_along(
    sandbox: Sandbox, instance: Instance, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    twin = Sandbox(tmp_path_factory.mktemp("twin"), tied=True)
    try:
        twin.start()
        read = load({**twin.env(), "HOME": environ["HOME"]}, system_file=Path("none")).instance("sandbox")
        second = read._replace(name="twin", identity="twin.localhost")
        assert second.account == instance.account
        catalogues = Catalogues(Config((instance, second), instance, Path("unused")), environ)
        with new_requests(sandbox.access_log) as here, new_requests(twin.access_log) as there:
            for _ in range(3):
                for name in ("sandbox", "twin"):
                    assert catalogues.open(name).describe(DIMUON).files == 4
        catalogues.close()
    finally:
        twin.stop()
    for requests in (here, there):
        assert [request.path for request in requests] == ["/auth/userpass", *["/dids/sandbox/dimuon"] * 3]
        assert {request.status for request in requests} == {200}
