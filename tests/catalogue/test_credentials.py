"""Credentials for storage: found where the Grid's conventions put them, and only if they are the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbrucio.catalogue import bearer, credentials
from nbrucio.catalogue.credentials import storage_credentials, user_proxy
from nbrucio.config import Credentials, Instance

PLAIN = Instance("i", "i", "http://h", "http://h", "userpass", credentials=Credentials("user", "password"))


@pytest.fixture(autouse=True)
def _no_files_in_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (credentials, bearer):
        monkeypatch.setattr(module, "own_file", lambda _path: None)


def test_without_any_there_is_nothing() -> None:
    assert storage_credentials(PLAIN, {}) == credentials.StorageCredentials()


def test_the_instances_ca_goes_before_the_grids() -> None:
    environ = {"X509_CERT_DIR": "/certs"}
    assert storage_credentials(PLAIN, environ).ca == Path("/certs")
    assert storage_credentials(PLAIN._replace(storage_ca=Path("/own.pem")), environ).ca == Path("/own.pem")


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
