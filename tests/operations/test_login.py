"""Logins of each kind: from nothing, with a wrong credential, with one that has expired; and logouts."""

from __future__ import annotations

import json
import ssl
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from nbrucio.catalogue import browser_login
from nbrucio.catalogue.token_cache import saved_token, token_file
from nbrucio.config import Config, Credentials, Instance, Policy, load
from nbrucio.errors import CredentialsRejected, MissingDependency, NbrucioError, Offline, UsageError
from nbrucio.operations.login import LoginPage, Wishes, instances_of, log_in, log_out
from nbrucio.operations.whoami import errors_in, logins, who_am_i
from nbrucio.sandbox import Sandbox
from tests.catalogue.jwts import jwt
from tests.support.certificates import DN, ENDED, UserAuthority
from tests.support.scripted_server import LOGIN, ScriptedServer, answer
from tests.support.sync_questions import headers

ME = answer("", "303 SEE OTHER", Location="/accounts/jdoe")
REFUSED = answer("", "401 Unauthorized", ExceptionClass="CannotAuthenticate", ExceptionMessage="no such token")


@dataclass
class Answers:
    """A user who answers what a test says."""

    typed: tuple[str, str] | None = None
    at_terminal: bool = True
    secret: str | None = None
    codes: list[str] = field(default_factory=list)
    pages: list[LoginPage] = field(default_factory=list)

    def password(self, instance: Instance) -> tuple[str, str] | None:
        return self.typed if instance.credentials.password is None or self.typed else None

    def passphrase(self) -> str | None:
        return self.secret

    def page(self, login: LoginPage) -> None:
        self.pages.append(login)

    def code(self, attempt: int) -> str:
        return self.codes[attempt - 1]


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of its own, with a folder of programs and nothing else on its path."""
    monkeypatch.setattr(browser_login, "POLL_S", 0.01)
    (tmp_path / "bin").mkdir()
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    return {**home, "PATH": str(tmp_path / "bin"), "X509_USER_PROXY": str(tmp_path / "x509up")}


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], None]:
    """Installs a program: a shell script that notes its arguments in ``NAME.words``."""

    def install(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/{name}.words\n{script}\n')
        path.chmod(0o755)

    return install


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedServer]:
    """A server over TLS that knows the users of `users`."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with ScriptedServer(tls=context) as running:
        yield running


@pytest.fixture
def users(tmp_path: Path) -> UserAuthority:
    (tmp_path / "users").mkdir()
    return UserAuthority(tmp_path / "users")


@pytest.fixture
def at(server: ScriptedServer, tmp_path: Path) -> Callable[..., Instance]:
    """An instance of `server` with this kind of login."""

    def make(auth_type: str, **credentials: object) -> Instance:
        login = Credentials(**credentials)  # type: ignore[arg-type]
        ca = tmp_path / "ca.pem"
        return Instance("cern", "cern", server.url, server.url, auth_type, "jdoe", login, ca_cert=ca)

    return make


def _config(instance: Instance, tmp_path: Path, **policy: bool) -> Config:
    return Config((instance,), instance, tmp_path / "store", Policy(connect_timeout_s=5, read_timeout_s=10, **policy))


# --- a password -------------------------------------------------------------------------------------------------------


@pytest.fixture
def accounts(sandbox: Sandbox, tmp_path: Path) -> Config:
    """Logins at the sandbox: ``sandbox`` with its password, ``typed`` without one, ``wrong``, and ``admin``."""
    settings = sandbox.env()["NBRUCIO_CONFIG"]
    known = load({**sandbox.env(), "HOME": str(tmp_path)}, system_file=tmp_path / "none").instance("sandbox")
    password = json.dumps(known.credentials.password)
    root = json.dumps(json.loads((sandbox.root / "state.json").read_text())["root_password"])
    base = f'identity = "sandbox.localhost"\nhost = "{known.host}"\nauth_type = "userpass"\n'
    text = Path(settings).read_text() + "".join(
        f"\n[instances.{name}]\n{base}{lines}\n"
        for name, lines in {
            "typed": 'account = "sandbox"\nusername = "sandbox"',
            "twin": 'account = "sandbox"\nusername = "sandbox"',
            "wrong": 'account = "sandbox"\nusername = "sandbox"\npassword = "wrong"',
            "admin": f'account = "root"\nusername = "root"\npassword = {root}',
        }.items()
    )
    assert password in text
    file = tmp_path / "accounts.toml"
    file.write_text(text)
    file.chmod(0o600)
    environ = {"HOME": str(tmp_path), "NBRUCIO_CONFIG": str(file)}
    return load(environ, system_file=tmp_path / "none")


def test_a_typed_password_logs_in_and_is_saved_nowhere(
    accounts: Config, environ: dict[str, str], tmp_path: Path
) -> None:
    typed, password = accounts.instance("typed"), str(accounts.instance("sandbox").credentials.password)
    assert who_am_i(typed, accounts, environ).state == "ended"
    row = log_in(typed, accounts, Answers(("sandbox", password)), environ=environ)
    assert (row.state, row.account) == ("active", "sandbox")
    assert row.facts is not None
    assert row.facts.ends_at is not None
    file = token_file(typed, environ)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not [path for path in kept if password in path.read_text()]
    assert [path.name for path in kept if path.suffix != ".lock"] == [file.name]


def test_a_wrong_password_is_never_logged_in_beside_another_login_to_the_same_account(
    accounts: Config, environ: dict[str, str]
) -> None:
    password = str(accounts.instance("sandbox").credentials.password)
    log_in(accounts.instance("typed"), accounts, Answers(("sandbox", password)), environ=environ)
    assert who_am_i(accounts.instance("sandbox"), accounts, environ).state == "active"
    for name, answers in (("wrong", Answers()), ("twin", Answers(("sandbox", "wrong")))):
        with pytest.raises(CredentialsRejected, match=f"Login to {name} failed"):
            log_in(accounts.instance(name), accounts, answers, environ=environ)
        assert who_am_i(accounts.instance(name), accounts, environ).state == "ended"
    # A typing error does not end a login that works.
    with pytest.raises(CredentialsRejected):
        log_in(accounts.instance("typed"), accounts, Answers(("sandbox", "wrong")), environ=environ)
    assert who_am_i(accounts.instance("typed"), accounts, environ).state == "active"


def test_accounts_of_one_server_never_share_a_token(accounts: Config, environ: dict[str, str]) -> None:
    rows = {row.name: row for row in logins(accounts, environ)}
    assert {name: row.account for name, row in rows.items() if row.state == "active"} == {
        "sandbox": "sandbox",
        "admin": "root",
    }
    tokens = [saved_token(accounts.instance(name), environ) for name in ("sandbox", "admin")]
    assert None not in tokens
    assert len(set(tokens)) == 2
    assert {error.exit_code for error in errors_in(rows.values())} == {7}


def test_a_logout_removes_the_saved_token_and_names_what_remains(accounts: Config, environ: dict[str, str]) -> None:
    password = str(accounts.instance("sandbox").credentials.password)
    typed, sandbox = accounts.instance("typed"), accounts.instance("sandbox")
    log_in(typed, accounts, Answers(("sandbox", password)), environ=environ)
    log_in(sandbox, accounts, Answers(), environ=environ)
    assert log_out(typed, accounts, environ) == ("typed", True, None)
    assert who_am_i(typed, accounts, environ).state == "ended"
    assert log_out(typed, accounts, environ) == ("typed", False, None)
    done = log_out(sandbox, accounts, environ)
    assert done.removed
    assert "password of sandbox" in str(done.remains)
    assert saved_token(sandbox, environ) is None


def test_the_instances_that_a_notebook_needs(accounts: Config, tmp_path: Path) -> None:
    rows = [
        {"did": "a:b", "handle": "one", "instance": "admin"},
        {"did": "a:c", "handle": "two"},
        {"did": "a:d", "handle": "three", "instance": "admin"},
    ]
    metadata = {"nbrucio": {"version": 1, "requirements": rows}}
    (tmp_path / "nb.ipynb").write_text(
        json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )
    assert [one.name for one in instances_of([tmp_path / "nb.ipynb"], accounts)] == ["admin", "sandbox"]


# --- proxies and certificates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["nothing", "expired"])
def test_a_proxy_is_made_by_voms_proxy_init(
    before: str,
    at: Callable[..., Instance],
    server: ScriptedServer,
    users: UserAuthority,
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    instance, made = at("x509_proxy"), users.proxy("good")
    if before == "expired":
        users.proxy("old", ends=ENDED).rename(tmp_path / "x509up")
    program("voms-proxy-init", f'/bin/cp {made} "$X509_USER_PROXY"; /bin/chmod 600 "$X509_USER_PROXY"')
    server.answers = [LOGIN, ME]
    wishes = Wishes(words=("--voms", "cms;ls"))
    row = log_in(instance, _config(instance, tmp_path), Answers(), wishes, environ)
    assert (row.account, row.facts and row.facts.identity) == ("jdoe", DN)
    assert (tmp_path / "voms-proxy-init.words").read_text().split() == ["--voms", "cms;ls"]


def test_without_a_terminal_the_passphrase_is_given_to_voms_proxy_init(
    at: Callable[..., Instance],
    server: ScriptedServer,
    users: UserAuthority,
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    instance, made = at("x509_proxy"), users.proxy("good")
    check = 'read given; [ "$given" = right ] || { echo wrong passphrase >&2; exit 3; }'
    script = f'{check}; /bin/cp -p {made} "$X509_USER_PROXY"'
    program("voms-proxy-init", script)
    wishes = Wishes(words=("-voms", "cms"))
    with pytest.raises(CredentialsRejected, match="exit code 3: wrong passphrase") as caught:
        log_in(instance, _config(instance, tmp_path), Answers(at_terminal=False, secret="left"), wishes, environ)
    assert caught.value.hint == "Check the passphrase and try again."
    server.answers = [LOGIN, ME]
    answers = Answers(at_terminal=False, secret="right")
    assert log_in(instance, _config(instance, tmp_path), answers, wishes, environ).account == "jdoe"
    assert (tmp_path / "voms-proxy-init.words").read_text().split() == ["-pwstdin", "-voms", "cms"]


def test_a_valid_proxy_is_used_as_it_is(
    at: Callable[..., Instance],
    server: ScriptedServer,
    users: UserAuthority,
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    proxy = users.proxy()
    instance = at("x509_proxy", client_proxy=proxy)
    program("voms-proxy-init", "exit 0")
    server.answers = [LOGIN, ME]
    assert log_in(instance, _config(instance, tmp_path), Answers(), environ=environ).state == "active"
    assert not (tmp_path / "voms-proxy-init.words").exists()
    log_in(instance, _config(instance, tmp_path), Answers(), Wishes(renew=True), environ)
    assert (tmp_path / "voms-proxy-init.words").read_text().split() == ["-out", str(proxy)]
    assert "voms-proxy-destroy" in str(log_out(instance, _config(instance, tmp_path), environ).remains)
    assert proxy.exists()


@pytest.mark.parametrize(
    ("script", "at_terminal", "words", "action"),
    [
        (None, True, "does not exist", "voms-proxy-init is not installed here"),
        ("exit 1", True, "voms-proxy-init ended with exit code 1", "See what voms-proxy-init printed above."),
        ("exit 0", False, "does not exist", "voms-proxy-init"),
        ("exit 0", True, "does not exist", "voms-proxy-init"),
    ],
)
def test_a_proxy_that_cannot_be_made_is_explained(
    script: str | None,
    at_terminal: bool,
    words: str,
    action: str,
    at: Callable[..., Instance],
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    if script is not None:
        program("voms-proxy-init", script)
    instance = at("x509_proxy")
    with pytest.raises(CredentialsRejected, match=words) as caught:
        log_in(instance, _config(instance, tmp_path), Answers(at_terminal=at_terminal), environ=environ)
    assert action in f"{caught.value.hint} {caught.value.next_command}"


@pytest.mark.parametrize("case", ["nothing", "expired", "refused"])
def test_a_certificate_of_no_use_is_explained(
    case: str,
    at: Callable[..., Instance],
    server: ScriptedServer,
    users: UserAuthority,
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    certificate, key = users.certificate(ends=ENDED) if case == "expired" else users.certificate()
    instance = at("x509", client_cert=certificate, client_key=key) if case != "nothing" else at("x509")
    server.answers = [answer("", "401 Unauthorized", ExceptionClass="CannotAuthenticate", ExceptionMessage="unknown")]
    with pytest.raises(CredentialsRejected) as caught:
        log_in(instance, _config(instance, tmp_path), Answers(), environ=environ)
    said = f"{caught.value} {caught.value.hint}"
    assert {"nothing": "client_cert is not configured", "expired": "expired", "refused": DN}[case] in said


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["file", "variable"])
def test_a_token_that_is_there_is_used(
    place: str, at: Callable[..., Instance], server: ScriptedServer, environ: dict[str, str], tmp_path: Path
) -> None:
    token = jwt(sub="4711", iss="https://iam.example.org")
    (tmp_path / "token").write_text(token)
    chosen = {"token_file": tmp_path / "token"} if place == "file" else {"token_env": "MINE"}
    environ |= {} if place == "file" else {"MINE": token}
    server.answers = [ME]
    instance = at("oidc", **chosen)
    user = Answers()
    row = log_in(instance, _config(instance, tmp_path), user, environ=environ)
    assert row.as_json()["identity"] == "SUB=4711, ISS=https://iam.example.org"
    by = row.as_json()["by"]
    assert by == {
        "kind": "token",
        "file": str(tmp_path / "token") if place == "file" else None,
        "variable": None if place == "file" else "MINE",
    }
    assert row.as_json()["until"]
    assert user.pages == []


@pytest.mark.parametrize("before", ["nothing", "expired", "refused"])
def test_without_a_good_token_the_browser_is_next(
    before: str, at: Callable[..., Instance], server: ScriptedServer, environ: dict[str, str], tmp_path: Path
) -> None:
    started = answer("", X_Rucio_OIDC_Auth_URL="https://rucio.example.org/auth/oidc_redirect?abc_polling")
    instance, user = at("oidc"), Answers()
    if before != "nothing":
        environ["BEARER_TOKEN"] = jwt(exp=1) if before == "expired" else jwt()
    server.answers = [*([REFUSED] if before == "refused" else []), started, REFUSED, LOGIN, ME]
    if before == "refused":  # it is tried first, here and at the end
        server.answers = [REFUSED, started, LOGIN, REFUSED, ME]
    row = log_in(instance, _config(instance, tmp_path), user, environ=environ)
    assert [page.url for page in user.pages] == ["https://rucio.example.org/auth/oidc_redirect?abc_polling"]
    assert row.account == "jdoe"
    assert saved_token(instance, environ) == "a-fresh-token"


def test_a_code_may_be_mistyped(
    at: Callable[..., Instance], server: ScriptedServer, environ: dict[str, str], tmp_path: Path
) -> None:
    started = answer("", X_Rucio_OIDC_Auth_URL="https://rucio.example.org/auth/oidc_redirect?abc")
    instance = at("oidc", oidc={"polling": "false"})
    server.answers = [started, REFUSED, LOGIN, ME]
    user = Answers(codes=["wrong", " the-code\n"])
    assert log_in(instance, _config(instance, tmp_path), user, environ=environ).account == "jdoe"
    assert user.pages[0].paste_code
    assert headers(server.requests[2])[""].split()[1].endswith("?the-code")
    server.answers = [started, REFUSED]
    with pytest.raises(CredentialsRejected, match="does not know the code"):
        log_in(instance, _config(instance, tmp_path), Answers(codes=["a"] * 3), Wishes(renew=True), environ)


@pytest.mark.parametrize(
    ("name", "script", "extra", "words"),
    [
        ("htgettoken", 'echo JWT > "$BEARER_TOKEN_FILE"', {"HTGETTOKENOPTS": "-a vault.example.org"}, ""),
        (
            "oidc-token",
            "echo JWT",
            {"OIDC_SOCK": "/run/agent"},
            "--aud rucio --scope openid https://iam.example.org",
        ),
    ],
)
def test_a_token_program_that_is_set_up_is_run(
    name: str,
    script: str,
    extra: dict[str, str],
    words: str,
    at: Callable[..., Instance],
    server: ScriptedServer,
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    token = jwt()
    program(name, script.replace("JWT", token))
    oidc = {"issuer": "https://iam.example.org", "audience": "rucio", "scope": "openid"}
    instance = at("oidc", oidc=oidc)
    server.answers = [ME]
    log_in(instance, _config(instance, tmp_path), Answers(), environ={**environ, **extra})
    assert (tmp_path / f"{name}.words").read_text().strip() == words
    assert saved_token(instance, environ) == token


@pytest.mark.parametrize("name", ["htgettoken", "oidc-token"])
def test_a_chosen_program_that_is_missing_or_fails_is_named(
    name: str,
    at: Callable[..., Instance],
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    instance = at("oidc")
    with pytest.raises(MissingDependency, match=f"{name} is not installed"):
        log_in(instance, _config(instance, tmp_path), Answers(), Wishes(way=name), environ)
    program(name, "exit 3")
    with pytest.raises(CredentialsRejected, match=f"{name} ended with exit code 3"):
        log_in(instance, _config(instance, tmp_path), Answers(), Wishes(way=name), environ)
    program(name, "exit 0")
    with pytest.raises(CredentialsRejected, match="token"):
        log_in(instance, _config(instance, tmp_path), Answers(), Wishes(way=name), environ)


def test_kerberos_tickets_are_taken_by_kinit(
    at: Callable[..., Instance],
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    instance = at("gss")
    program("klist", "exit 1")
    with pytest.raises(CredentialsRejected, match="no valid Kerberos ticket") as caught:
        log_in(instance, _config(instance, tmp_path), Answers(), environ=environ)
    assert "kinit is not installed here" in str(caught.value.hint)
    program("kinit", "exit 1")
    with pytest.raises(CredentialsRejected, match="kinit ended with exit code 1"):
        log_in(instance, _config(instance, tmp_path), Answers(), Wishes(words=("jdoe@EXAMPLE.ORG",)), environ)
    assert (tmp_path / "kinit.words").read_text().split() == ["jdoe@EXAMPLE.ORG"]


# --- all kinds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth_type", ["userpass", "oidc", "x509_proxy"])
def test_no_login_without_a_network(
    auth_type: str, at: Callable[..., Instance], environ: dict[str, str], tmp_path: Path
) -> None:
    instance = at(auth_type)
    config = _config(instance, tmp_path, offline=True)
    with pytest.raises(Offline, match="works offline"):
        log_in(instance, config, Answers(), environ=environ)
    row = who_am_i(instance, config, environ)
    assert row.state == "unchecked"
    assert errors_in([row]) == []


def test_a_way_that_does_not_fit_is_a_wrong_request(
    at: Callable[..., Instance], environ: dict[str, str], tmp_path: Path
) -> None:
    instance = at("userpass")
    with pytest.raises(UsageError, match="--with is for oidc"):
        log_in(instance, _config(instance, tmp_path), Answers(), Wishes(way="browser"), environ)


@pytest.mark.parametrize("auth_type", ["userpass", "x509", "ssh", "oidc"])
def test_words_without_a_program_are_a_wrong_request(
    auth_type: str, at: Callable[..., Instance], environ: dict[str, str], tmp_path: Path
) -> None:
    instance = at(auth_type)
    with pytest.raises(UsageError, match="runs no program"):
        log_in(instance, _config(instance, tmp_path), Answers(("a", "b")), Wishes(words=("--voms", "cms")), environ)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (REFUSED, "ended"),
        (answer("", "502 Bad Gateway"), "unreachable"),
        (b"", "unreachable"),
        (answer("<html>", kind="text/html"), "failed"),
        (answer("", "303 SEE OTHER", Location="/accounts/"), "failed"),
        (answer("", "303 SEE OTHER", Location="/accounts/%1b%5b2J"), "failed"),
        (ME, "active"),
    ],
)
def test_the_state_of_a_login_is_what_the_server_says(
    reply: bytes,
    state: str,
    at: Callable[..., Instance],
    server: ScriptedServer,
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    instance = at("oidc", token_env="MINE")
    server.answers = [reply]
    row = who_am_i(instance, _config(instance, tmp_path), {**environ, "MINE": jwt()})
    assert row.state == state
    assert isinstance(row.error, NbrucioError) is (state != "active")
