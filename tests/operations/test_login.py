"""Logins without a password: from nothing, with a wrong credential, with one that has expired."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.catalogue.token_cache import saved_token
from nbrucio.config import Instance
from nbrucio.errors import CredentialsRejected, MissingDependency, NbrucioError, Offline, UsageError
from nbrucio.operations.login import Wishes, log_in, log_out
from nbrucio.operations.whoami import errors_in, who_am_i
from tests.catalogue.jwts import jwt
from tests.support.certificates import DN, ENDED, UserAuthority
from tests.support.logins import Answers, config_of
from tests.support.scripted_server import LOGIN, ScriptedServer, answer
from tests.support.sync_questions import headers

ME = answer("", "303 SEE OTHER", Location="/accounts/jdoe")
REFUSED = answer("", "401 Unauthorized", ExceptionClass="CannotAuthenticate", ExceptionMessage="no such token")


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
    row = log_in(instance, config_of(instance, tmp_path), Answers(), wishes, environ)
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
        log_in(instance, config_of(instance, tmp_path), Answers(at_terminal=False, secret="left"), wishes, environ)
    assert caught.value.hint == "Check the passphrase and try again."
    server.answers = [LOGIN, ME]
    answers = Answers(at_terminal=False, secret="right")
    assert log_in(instance, config_of(instance, tmp_path), answers, wishes, environ).account == "jdoe"
    assert (tmp_path / "voms-proxy-init.words").read_text().split() == ["-pwstdin", "-voms", "cms"]


def test_a_proxy_is_made_in_the_private_folder_that_is_configured(
    at: Callable[..., Instance],
    server: ScriptedServer,
    users: UserAuthority,
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    instance, made = at("x509_proxy"), users.proxy("good")
    environ = {name: value for name, value in environ.items() if name != "X509_USER_PROXY"}
    own = tmp_path / "own.toml"
    own.write_text('private_dir = "mine"\n')
    environ["NBRUCIO_CONFIG"] = str(own)
    program("voms-proxy-init", f'/bin/cp -p {made} "$2"')
    server.answers = [LOGIN, ME]
    row = log_in(instance, config_of(instance, tmp_path), Answers(), Wishes(renew=True), environ)
    assert row.facts is not None
    assert row.facts.file == tmp_path / "mine" / f"x509up_u{os.geteuid()}"


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
    assert log_in(instance, config_of(instance, tmp_path), Answers(), environ=environ).state == "active"
    assert not (tmp_path / "voms-proxy-init.words").exists()
    log_in(instance, config_of(instance, tmp_path), Answers(), Wishes(renew=True), environ)
    assert (tmp_path / "voms-proxy-init.words").read_text().split() == ["-out", str(proxy)]
    assert "voms-proxy-destroy" in str(log_out(instance, config_of(instance, tmp_path), environ).remains)
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
        log_in(instance, config_of(instance, tmp_path), Answers(at_terminal=at_terminal), environ=environ)
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
        log_in(instance, config_of(instance, tmp_path), Answers(), environ=environ)
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
    row = log_in(instance, config_of(instance, tmp_path), user, environ=environ)
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
    row = log_in(instance, config_of(instance, tmp_path), user, environ=environ)
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
    assert log_in(instance, config_of(instance, tmp_path), user, environ=environ).account == "jdoe"
    assert user.pages[0].paste_code
    assert headers(server.requests[2])[""].split()[1].endswith("?the-code")
    server.answers = [started, REFUSED]
    with pytest.raises(CredentialsRejected, match="does not know the code"):
        log_in(instance, config_of(instance, tmp_path), Answers(codes=["a"] * 3), Wishes(renew=True), environ)


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
    log_in(instance, config_of(instance, tmp_path), Answers(), environ={**environ, **extra})
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
        log_in(instance, config_of(instance, tmp_path), Answers(), Wishes(way=name), environ)
    program(name, "exit 3")
    with pytest.raises(CredentialsRejected, match=f"{name} ended with exit code 3"):
        log_in(instance, config_of(instance, tmp_path), Answers(), Wishes(way=name), environ)
    program(name, "exit 0")
    with pytest.raises(CredentialsRejected, match="token"):
        log_in(instance, config_of(instance, tmp_path), Answers(), Wishes(way=name), environ)


def test_kerberos_tickets_are_taken_by_kinit(
    at: Callable[..., Instance],
    environ: dict[str, str],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    instance = at("gss")
    program("klist", "exit 1")
    with pytest.raises(CredentialsRejected, match="no valid Kerberos ticket") as caught:
        log_in(instance, config_of(instance, tmp_path), Answers(), environ=environ)
    assert "kinit is not installed here" in str(caught.value.hint)
    program("kinit", "exit 1")
    with pytest.raises(CredentialsRejected, match="kinit ended with exit code 1"):
        log_in(instance, config_of(instance, tmp_path), Answers(), Wishes(words=("jdoe@EXAMPLE.ORG",)), environ)
    assert (tmp_path / "kinit.words").read_text().split() == ["jdoe@EXAMPLE.ORG"]


# --- all kinds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth_type", ["userpass", "oidc", "x509_proxy"])
def test_no_login_without_a_network(
    auth_type: str, at: Callable[..., Instance], environ: dict[str, str], tmp_path: Path
) -> None:
    instance = at(auth_type)
    config = config_of(instance, tmp_path, offline=True)
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
        log_in(instance, config_of(instance, tmp_path), Answers(), Wishes(way="browser"), environ)


@pytest.mark.parametrize("auth_type", ["userpass", "x509", "ssh", "oidc"])
def test_words_without_a_program_are_a_wrong_request(
    auth_type: str, at: Callable[..., Instance], environ: dict[str, str], tmp_path: Path
) -> None:
    instance = at(auth_type)
    with pytest.raises(UsageError, match="runs no program"):
        log_in(instance, config_of(instance, tmp_path), Answers(("a", "b")), Wishes(words=("--voms", "cms")), environ)


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
    row = who_am_i(instance, config_of(instance, tmp_path), {**environ, "MINE": jwt()})
    assert row.state == state
    assert isinstance(row.error, NbrucioError) is (state != "active")


@pytest.mark.parametrize("status", ["301 Moved Permanently", "303 SEE OTHER"])
@pytest.mark.parametrize("path", ["/accounts/whoami", "/", "/login?next=/accounts/jdoe", "/sso/jdoe"])
def test_a_front_that_redirects_all_requests_is_no_login(
    path: str,
    status: str,
    at: Callable[..., Instance],
    server: ScriptedServer,
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    instance = at("oidc", token_env="MINE")
    server.answers = [answer("", status, Location=f"https://front.example.org{path}")]
    row = who_am_i(instance, config_of(instance, tmp_path), {**environ, "MINE": jwt()})
    assert row.state == "failed"
    assert "redirects to https://front.example.org, which nbrucio does not follow" in str(row.error)


@pytest.mark.parametrize("location", ["jdoe", "/accounts/jdoe", "https://rucio.example.org/v1/accounts/jdoe"])
def test_the_account_is_named_by_a_redirect_of_any_form(
    location: str, at: Callable[..., Instance], server: ScriptedServer, environ: dict[str, str], tmp_path: Path
) -> None:
    instance = at("oidc", token_env="MINE")._replace(account=None)
    server.answers = [answer("", "303 SEE OTHER", Location=location)]
    row = who_am_i(instance, config_of(instance, tmp_path), {**environ, "MINE": jwt()})
    assert (row.account, row.state, row.error) == ("jdoe", "active", None)
