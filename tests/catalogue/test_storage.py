"""Credentials for storage: found where the Grid's conventions put them, and only if they are the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbrucio.catalogue import storage
from nbrucio.catalogue.storage import bearer_token, storage_credentials, user_proxy
from nbrucio.config import Credentials, Instance

PLAIN = Instance("i", "i", "http://h", "http://h", "userpass", credentials=Credentials("user", "password"))


@pytest.fixture(autouse=True)
def _no_files_in_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_own", lambda _path: None)


def test_without_any_there_is_nothing() -> None:
    assert storage_credentials(PLAIN, {}) == storage.StorageCredentials()


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


def test_bearer_tokens_are_discovered_in_wlcgs_order(tmp_path: Path) -> None:
    named, runtime = tmp_path / "named", tmp_path / "run"
    runtime.mkdir()
    named.write_text(" from-named \n")
    (runtime / f"bt_u{os.geteuid()}").write_text("from-runtime\n")
    environ = {"BEARER_TOKEN": "from-variable\n", "BEARER_TOKEN_FILE": str(named), "XDG_RUNTIME_DIR": str(runtime)}
    found = []
    for name in ("BEARER_TOKEN", "BEARER_TOKEN_FILE", "XDG_RUNTIME_DIR"):
        found.append(bearer_token(environ))
        del environ[name]
    assert found == ["from-variable", "from-named", "from-runtime"]
    assert bearer_token(environ) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"a\nb", b"\xff", b"\x00"])
def test_what_is_no_token_is_not_sent(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    assert bearer_token({"BEARER_TOKEN_FILE": str(file)}) is None
    assert bearer_token({"BEARER_TOKEN_FILE": str(tmp_path / "gone")}) is None


def test_tokens_and_passwords_do_not_show() -> None:
    assert "secret" not in repr(storage_credentials(PLAIN, {"BEARER_TOKEN": "secret"}))


def test_files_of_others_in_tmp_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    file = tmp_path / "x509up"
    file.touch()
    link = tmp_path / "link"
    link.symlink_to(file)
    assert storage._own(file) == file
    assert storage._own(link) is None
    assert storage._own(tmp_path / "gone") is None
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    assert storage._own(file) is None
