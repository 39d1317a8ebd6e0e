"""Logins, a rucio.cfg in the way, and an environment without rucio-clients."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nbrucio.catalogue.auth import login_of
from nbrucio.config import Credentials, Instance, Policy
from nbrucio.core.did import Did
from nbrucio.errors import CredentialsRejected, NbrucioError
from tests.catalogue.conftest import Connect
from tests.support.certificates import UserAuthority
from tests.support.scripted_server import LOGIN, ScriptedServer, Stall, answer

DIMUON = Did("sandbox", "dimuon")


# --- logins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [Credentials("sandbox", "wrong"), Credentials("nobody", "wrong")])
def test_a_wrong_login_is_refused_with_a_hint(connect: Connect, wrong: Credentials) -> None:
    catalogue = connect(credentials=wrong)
    with pytest.raises(CredentialsRejected, match="Login to sandbox failed") as caught:
        catalogue.describe(DIMUON)
    assert "Check account, username and password" in str(caught.value.hint)
    assert "wrong" not in str(caught.value)


def test_an_account_that_the_login_may_not_use_is_refused(connect: Connect) -> None:
    with pytest.raises(CredentialsRejected):
        connect(account="root").describe(DIMUON)


def test_without_an_account_the_server_chooses(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUCIO_ACCOUNT", "somebody-else")
    assert connect(account=None).describe(DIMUON).files == 4


@pytest.mark.parametrize(
    "text",
    [
        "[client]\nrucio_host = http://127.0.0.1:9\nauth_host = http://127.0.0.1:9\naccount = wrong\nauth_type = gss\n"
        "vo = other\nrequest_retries = many\n",
        "[common]\nlogdir = /tmp\n",
        "[database]\ndefault = sqlite:////nowhere/rucio.db\n",  # a server's: Rucio's own code would ask the database
        "no section\n",
    ],
)
def test_a_rucio_cfg_of_another_server_does_not_interfere(instance: Instance, tmp_path: Path, text: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "rucio.cfg").write_text(text)
    assert _files_seen_in_a_process(instance, tmp_path, RUCIO_HOME=str(tmp_path), RUCIO_ACCOUNT="wrong") == "4\n"


def test_a_silent_server_keeps_nobody_from_another(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.answers.append(Stall())
    silent = connect(Policy(read_timeout_s=8), host=scripted.url, auth_host=scripted.url)
    ended: list[Exception] = []

    def ask() -> None:
        try:
            silent.describe(DIMUON)
        except NbrucioError as error:
            ended.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    while not scripted.requests and waiting.is_alive():
        time.sleep(0.01)
    assert connect().describe(DIMUON).files == 4
    assert not ended  # it still waits
    waiting.join(60)
    assert len(ended) == 1


def _files_seen_in_a_process(instance: Instance, cache: Path, **environ: str) -> str:
    code = (
        "import sys\n"
        "from nbrucio.catalogue.rucio import RucioCatalogue\n"
        "from nbrucio.config import Credentials, Instance\n"
        "from nbrucio.core.did import Did\n"
        "host, user, password = sys.argv[1:]\n"
        "instance = Instance('i', 'i', host, host, 'userpass', user, Credentials(user, password))\n"
        "print(RucioCatalogue(instance).describe(Did('sandbox', 'dimuon')).files)\n"
    )
    login = instance.credentials
    arguments = [sys.executable, "-W", "error", "-c", code, instance.host, str(login.username), str(login.password)]
    base = {name: value for name, value in os.environ.items() if not name.startswith("RUCIO")}
    base |= {"XDG_CACHE_HOME": str(cache), **environ}
    return subprocess.run(arguments, env=base, capture_output=True, text=True, check=True, timeout=60).stdout


def test_missing_credentials_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    bare = Instance("i", "i", "http://h", "http://h", "userpass")
    cases = {
        "userpass": "the configuration has no username or password",
        "x509": "client_cert is not configured",
        "x509_proxy": "X509_USER_PROXY",
        "ssh": "ssh_private_key is not configured",
    }
    for auth_type, words in cases.items():
        with pytest.raises(CredentialsRejected, match=words):
            login_of(bare._replace(auth_type=auth_type), {"X509_USER_PROXY": str(tmp_path / "gone")})


def test_credentials_are_complete_so_that_nothing_else_is_looked_at(tmp_path: Path) -> None:
    pem = UserAuthority(tmp_path).proxy()
    bare = Instance("i", "i", "http://h", "http://h", "x509", credentials=Credentials(client_cert=pem))
    assert login_of(bare, {}) == {"client_cert": str(pem), "client_key": str(pem)}
    proxy = bare._replace(auth_type="x509_proxy", credentials=Credentials())
    assert login_of(proxy, {"X509_USER_PROXY": str(pem)}) == {"client_proxy": str(pem)}
    oidc = login_of(bare._replace(auth_type="oidc", credentials=Credentials(oidc={"polling": "True"})), {})
    assert (oidc["oidc_polling"], oidc["oidc_scope"], oidc["oidc_issuer"]) == (True, "openid profile", None)


def test_a_private_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    pem = UserAuthority(tmp_path).proxy()
    pem.chmod(0o644)
    bare = Instance("i", "i", "http://h", "http://h", "x509", credentials=Credentials(client_cert=pem))
    with pytest.raises(CredentialsRejected) as caught:
        login_of(bare, {})
    assert caught.value.next_command == f"chmod 600 {pem}"


def test_an_oidc_login_in_a_browser_does_not_wait_where_nobody_can_answer(
    connect: Connect, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BEARER_TOKEN", "BEARER_TOKEN_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    scripted.answers = [LOGIN]
    catalogue = connect(host=scripted.url, auth_host=scripted.url, auth_type="oidc")
    with pytest.raises(CredentialsRejected) as caught:
        catalogue.describe(DIMUON)
    assert caught.value.hint == "Correct host and auth_host of the instance."
    assert scripted.requests == []


def test_several_accounts_without_names_are_not_listed(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [answer("[]", status="206 Partial Content", X_Rucio_Auth_Accounts="")]
    with pytest.raises(CredentialsRejected, match=r"it fits several accounts, and account is not set"):
        connect(account=None, host=scripted.url, auth_host=scripted.url).describe(DIMUON)


def test_a_user_name_of_several_accounts_needs_one(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [answer('["a", "b"]', status="206 Partial Content", X_Rucio_Auth_Accounts="a,b,a")]
    with pytest.raises(CredentialsRejected, match=r"it fits several accounts \(a, b\), and account is not set"):
        connect(account=None, host=scripted.url, auth_host=scripted.url).describe(DIMUON)


@pytest.mark.parametrize(
    ("vo", "words"),
    [("def", "If the server has several VOs, set vo."), ("abc", "Check also vo, which is 'abc'.")],
)
def test_a_refused_login_reminds_of_the_vo(connect: Connect, scripted: ScriptedServer, vo: str, words: str) -> None:
    scripted.answers = [answer("", status="401 Unauthorized", ExceptionClass="CannotAuthenticate")]
    with pytest.raises(CredentialsRejected) as caught:
        connect(vo=vo, host=scripted.url, auth_host=scripted.url).describe(DIMUON)
    assert str(caught.value.hint).endswith(words)
