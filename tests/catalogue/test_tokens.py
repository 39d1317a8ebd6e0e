"""Login tokens: kept private, one a server and login, and never a reason to fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbrucio.catalogue.rucio import Catalogues
from nbrucio.catalogue.tokens import token_file
from nbrucio.config import Config, Instance, load
from nbrucio.did import Did
from nbrucio.errors import BadConfig
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.accesslog import new_requests
from tests.catalogue.conftest import Connect
from tests.catalogue.servers import LOGIN, ScriptedServer, answer

DIMUON = Did("sandbox", "dimuon")


def _paths(sandbox: Sandbox, connect: Connect) -> list[str]:
    with new_requests(sandbox.access_log) as requests:
        assert connect().describe(DIMUON).files == 4
    return [request.path for request in requests]


def test_tokens_are_private(connect: Connect, instance: Instance, environ: dict[str, str]) -> None:
    connect().describe(DIMUON)
    path = token_file(instance, environ)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n", b"two words", b"\xff\xfe", b"one\ntwo\n", b"\x00"])
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
    assert _paths(sandbox, connect) == ["/dids/sandbox/dimuon", "/auth/userpass", "/dids/sandbox/dimuon"]
    assert _paths(sandbox, connect) == ["/dids/sandbox/dimuon"]


def test_a_token_that_is_about_to_expire_is_not_tried(
    sandbox: Sandbox, connect: Connect, instance: Instance, environ: dict[str, str]
) -> None:
    connect().describe(DIMUON)
    path = token_file(instance, environ)
    old = path.stat().st_mtime - 56 * 60
    os.utime(path, (old, old))
    assert _paths(sandbox, connect) == ["/auth/userpass", "/dids/sandbox/dimuon"]


def test_a_folder_that_is_not_private_is_made_so_or_refused(
    instance: Instance, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = token_file(instance, environ).parent
    folder.chmod(0o777)
    token_file(instance, environ)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(BadConfig, match="cannot keep login tokens"):
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
    token = token_file(instance, environ).read_text()
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
