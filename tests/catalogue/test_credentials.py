"""Credentials for storage: found where the Grid's conventions put them, and only if they are the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbrucio.catalogue import bearer, certificates, credentials
from nbrucio.catalogue.certificates import user_proxy
from nbrucio.catalogue.credentials import storage_credentials
from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Credentials, Instance
from tests.catalogue.jwts import jwt
from tests.support.certificates import ENDED, UserAuthority

PLAIN = Instance("i", "i", "http://h", "http://h", "userpass", credentials=Credentials("user", "password"))


@pytest.fixture(autouse=True)
def _no_files_in_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (certificates, bearer):
        monkeypatch.setattr(module, "own_file", lambda _path: None)
    monkeypatch.setattr(credentials, "GRID_CAS", Path("/nowhere"))


def test_without_any_there_is_nothing() -> None:
    assert storage_credentials(PLAIN, {}) == credentials.StorageCredentials()


def test_the_instances_ca_goes_before_the_grids() -> None:
    environ = {"X509_CERT_DIR": "/certs"}
    assert storage_credentials(PLAIN, environ).ca == Path("/certs")
    assert storage_credentials(PLAIN._replace(storage_ca=Path("/own.pem")), environ).ca == Path("/own.pem")


def test_the_grids_cas_are_found_where_its_packages_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "GRID_CAS", tmp_path)
    found = storage_credentials(PLAIN, {})
    assert (found.ca, found.with_system_cas) == (tmp_path, True)
    named = storage_credentials(PLAIN, {"X509_CERT_DIR": "/certs"})
    assert (named.ca, named.with_system_cas) == (Path("/certs"), True)
    own = storage_credentials(PLAIN._replace(storage_ca=Path("/own.pem")), {})
    assert (own.ca, own.with_system_cas) == (Path("/own.pem"), False)


def test_a_certificate_without_a_proxy_is_shown_to_storage_if_it_can_be_used(tmp_path: Path) -> None:
    users = UserAuthority(tmp_path)
    certificate, key = users.certificate()
    x509 = PLAIN._replace(auth_type="x509", credentials=Credentials(client_cert=certificate, client_key=key))
    found = storage_credentials(x509, {})
    assert (found.proxy, found.key) == (certificate, key)
    proxy = users.proxy()
    with_proxy = storage_credentials(x509, {"X509_USER_PROXY": str(proxy)})
    assert (with_proxy.proxy, with_proxy.key) == (proxy, None)
    for name, files in (("old", users.certificate("old", ends=ENDED)), ("l", users.certificate("l", passphrase="p"))):
        login = Credentials(client_cert=files[0], client_key=files[1])
        assert storage_credentials(x509._replace(credentials=login), {}).proxy is None, name


def test_an_oidc_login_serves_its_storage_where_there_is_no_other_token(tmp_path: Path) -> None:
    oidc = PLAIN._replace(auth_type="oidc", credentials=Credentials(token_env="MINE"))
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    kept = jwt(sub="kept")
    token_file(oidc, environ).write_text(kept)
    assert storage_credentials(oidc, environ).token == kept
    assert storage_credentials(oidc, {**environ, "MINE": "configured"}).token == "configured"
    assert storage_credentials(oidc, {**environ, "MINE": "configured", "BEARER_TOKEN": "found"}).token == "found"
    token_file(oidc, environ).write_text("a token that Rucio made")
    assert storage_credentials(oidc, environ).token is None
    token_file(PLAIN, environ).write_text(kept)
    assert storage_credentials(PLAIN, environ).token is None


def test_the_instances_proxy_goes_before_the_users(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.touch()
    environ = {"X509_USER_PROXY": str(one)}
    own = PLAIN._replace(credentials=Credentials(client_proxy=two))
    assert storage_credentials(own, environ).proxy == one  # `two` is not there yet
    two.touch()
    assert storage_credentials(own, environ).proxy == two
    assert user_proxy({"X509_USER_PROXY": str(tmp_path / "gone")}) is None


def test_tokens_and_passwords_do_not_show() -> None:
    assert "secret" not in repr(storage_credentials(PLAIN, {"BEARER_TOKEN": "secret"}))
