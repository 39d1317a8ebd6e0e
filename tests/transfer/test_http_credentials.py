"""Which certificates HTTP storage needs, and to whom tokens and proxies are shown.

With every host trusted in `transfer.http.Http._read`, tokens and proxies go wherever a redirect leads: 8 of these tests
fail. Without the last check in `transfer.urls.next_url`, one leads to plain text: 2 fail.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from nbrucio.config import Config, Instance
from nbrucio.core.events import FileRetried
from nbrucio.errors import CredentialsRejected, TransferFailed
from nbrucio.pipeline.storage_access import storage_access
from nbrucio.transfer.types import Outcome, StorageAccess
from tests.support.certificates import ENDED, UserAuthority, server_certificate
from tests.support.hostile_storage import Hostile, write_ca, write_proxy
from tests.support.listener import Listener
from tests.transfer.conftest import QUICK

pytestmark = pytest.mark.trust("S")

Bring = Callable[..., Outcome]


def test_a_certificate_of_another_ca_is_refused(server: Hostile, bring: Bring, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    for access in (StorageAccess(ca=write_ca(trustme.CA(), folder), token="secret"), StorageAccess(token="secret")):
        error = bring(server.url("good"), access=access).error
        assert isinstance(error, TransferFailed)
        assert "certificate cannot be verified" in str(error)
    assert server.requests == []


def test_a_certificate_for_another_host_is_refused(bring: Bring, ca: trustme.CA) -> None:
    with closing(Hostile(ca, shown=server_certificate(ca, "other.example.org"))) as server:
        error = bring(server.url("good")).error
    assert isinstance(error, TransferFailed)
    assert "certificate cannot be verified: it is for another host" in str(error)
    assert server.requests == []


def test_the_token_goes_to_the_host_of_the_replica_only(server: Hostile, ca: trustme.CA, bring: Bring) -> None:
    other = Hostile(ca)
    assert bring(server.url(f"to/{other.url('good')}")).stored is not None
    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert "authorization" not in other.requests[0].headers
    other.close()


def test_the_token_follows_a_redirect_within_its_host(server: Hostile, bring: Bring) -> None:
    bring(server.url("to//good"))
    assert [request.headers.get("authorization") for request in server.requests] == ["Bearer secret"] * 2


@pytest.fixture
def strict(ca: trustme.CA) -> Iterator[Hostile]:
    """A server that lets in only whom this CA knows."""
    server = Hostile(ca, client_ca=ca)
    yield server
    server.close()


def test_a_proxy_is_shown_to_the_storage(
    strict: Hostile, bring: Bring, access: StorageAccess, ca: trustme.CA, tmp_path: Path
) -> None:
    outcome = bring(strict.url("good"), access=replace(access, proxy=write_proxy(ca, tmp_path)))
    assert outcome.stored is not None, outcome.error


def test_a_proxy_is_not_shown_where_a_redirect_leads(
    server: Hostile, strict: Hostile, bring: Bring, access: StorageAccess, ca: trustme.CA, tmp_path: Path
) -> None:
    with_proxy = replace(access, proxy=write_proxy(ca, tmp_path))
    assert isinstance(bring(server.url(f"to/{strict.url('good')}"), access=with_proxy).error, CredentialsRejected)
    assert strict.requests == []


def test_a_certificate_and_its_key_are_shown_to_the_storage(
    ca: trustme.CA, bring: Bring, access: StorageAccess, tmp_path: Path
) -> None:
    users = UserAuthority(tmp_path)
    certificate, key = users.certificate()
    with closing(Hostile(ca, client_ca=users)) as strict:
        old = users.proxy(ends=ENDED)
        error = bring(strict.url("good"), access=replace(access, proxy=old)).error
        assert isinstance(error, CredentialsRejected)
        assert f"the proxy {old} expired" in str(error)
        outcome = bring(strict.url("good"), access=replace(access, proxy=certificate, key=key))
        assert outcome.stored is not None, outcome.error


def test_a_dead_proxy_of_the_environment_is_named(
    server: Hostile, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@127.0.0.1:9")
    error = bring(server.url("good"), limits=replace(QUICK, attempts=1)).error
    assert "through the proxy http://127.0.0.1:9 (https_proxy)" in str(error)
    assert "secret" not in str(error)


def test_a_certificate_that_has_expired_is_refused_and_named(ca: trustme.CA, bring: Bring) -> None:
    with closing(Hostile(ca, shown=server_certificate(ca, "localhost", ends=ENDED))) as server:
        assert "it has expired" in str(bring(server.url("good")).error)
    assert server.requests == []


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_storage_that_wants_a_certificate_is_not_read_without(
    strict: Hostile, bring: Bring, access: StorageAccess, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "proxy").write_bytes(content)
        access = replace(access, proxy=tmp_path / "proxy")
    error = bring(strict.url("good"), access=access).error
    assert isinstance(error, CredentialsRejected)
    assert ("does not contain a certificate" if content else "rejects your certificate") in str(error)


def test_cas_may_be_a_folder_as_grid_sites_have_it(
    server: Hostile, bring: Bring, access: StorageAccess, tmp_path: Path
) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    assert access.ca is not None
    access.ca.rename(folder / "ca.pem")
    assert "certificate cannot be verified" in str(bring(server.url("good"), access=StorageAccess(ca=folder)).error)
    subprocess.run(["openssl", "rehash", folder], check=True)
    assert bring(server.url("good"), access=StorageAccess(ca=folder)).stored is not None


def test_cas_of_the_grid_count_beside_those_of_the_machine(
    server: Hostile, bring: Bring, access: StorageAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grid site's folder knows no CA of the Web, and the machine's CAs none of the Grid."""
    grid, machine = tmp_path / "grid", tmp_path / "machine"
    grid.mkdir()
    machine.mkdir()
    assert access.ca is not None
    for folder, other in ((grid, machine), (machine, grid)):
        shutil.copy(access.ca, folder / "ca.pem")
        subprocess.run(["openssl", "rehash", folder], check=True)
        monkeypatch.setenv("SSL_CERT_DIR", str(machine))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        found = bring(server.url("good"), access=StorageAccess(ca=grid, with_system_cas=True))
        assert found.stored is not None, (found.error, other)
        for file in folder.iterdir():
            file.unlink()


def test_cas_that_are_not_there_are_named(server: Hostile, bring: Bring, tmp_path: Path) -> None:
    assert f"the CAs {tmp_path / 'no.pem'} cannot be read" in str(
        bring(server.url("good"), access=StorageAccess(ca=tmp_path / "no.pem")).error
    )


def test_no_redirect_leads_from_tls_to_plain_text(server: Hostile, ca: trustme.CA, bring: Bring) -> None:
    plain = Hostile(ca, tls=False)
    error = bring(server.url(f"to/{plain.url('good')}")).error
    assert "from https to http" in str(error)
    assert plain.requests == []
    plain.close()


def test_the_token_is_never_sent_in_plain_text(ca: trustme.CA, bring: Bring) -> None:
    plain = Hostile(ca, tls=False)
    assert bring(plain.url("good")).stored is not None
    assert "authorization" not in plain.requests[0].headers
    plain.close()


@pytest.mark.parametrize("query", ["X-Amz-Signature=abc&X-Amz-Expires=60", "Signature=x&AWSAccessKeyId=y", "authz=z"])
def test_a_signed_url_is_its_own_credential(server: Hostile, bring: Bring, query: str) -> None:
    assert bring(server.url(f"good/x?{query}")).stored is not None
    assert server.requests[0].path.endswith(query)
    assert "authorization" not in server.requests[0].headers


def test_no_error_shows_a_signature_or_a_token(server: Hostile, bring: Bring, listener: Listener) -> None:
    bring(server.url("status/500?X-Amz-Signature=hidden"))
    texts = [str(vars(event.error)) for event in listener.events if isinstance(event, FileRetried)]
    assert texts
    assert not any("hidden" in text or "secret" in text for text in texts)
    assert "secret" not in repr(StorageAccess(token="secret"))


@pytest.fixture
def other(ca: trustme.CA) -> Iterator[Hostile]:
    """A second server, of another port."""
    server = Hostile(ca)
    yield server
    server.close()


def _authorizations(server: Hostile) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


@pytest.mark.parametrize(
    ("listed", "follows"),
    [
        ("localhost", True),
        ("localhost:PORT", True),
        ("*.example.org", False),
        ("localhost:1", False),
        ("127.0.0.1", False),
        ("*.localhost.example", False),
        ("host", False),
    ],
)
def test_after_a_redirect_the_token_goes_to_listed_hosts_only(
    server: Hostile, other: Hostile, bring: Bring, access: StorageAccess, listed: str, follows: bool
) -> None:
    hosts = (listed.replace("PORT", str(other.port)),)
    outcome = bring(server.url(f"to/{other.url('good')}"), access=replace(access, redirect_hosts=hosts))
    assert outcome.stored is not None
    assert (_authorizations(server), _authorizations(other)) == (
        ["Bearer secret"],
        ["Bearer secret" if follows else None],
    )


def test_a_proxy_goes_where_the_token_may_go(
    server: Hostile, strict: Hostile, bring: Bring, access: StorageAccess, ca: trustme.CA, tmp_path: Path
) -> None:
    listed = replace(access, proxy=write_proxy(ca, tmp_path), redirect_hosts=("localhost",))
    assert bring(server.url(f"to/{strict.url('good')}"), access=listed).stored is not None


def test_what_a_server_in_plain_text_leads_to_is_not_shown_the_token(
    ca: trustme.CA, other: Hostile, bring: Bring, access: StorageAccess
) -> None:
    plain = Hostile(ca, tls=False)
    listed = replace(access, redirect_hosts=("localhost",))
    assert bring(plain.url(f"to/{other.url('good')}"), access=listed).stored is not None
    plain.close()
    assert (_authorizations(plain), _authorizations(other)) == ([None], [None])


def test_no_redirect_leads_to_plain_text_on_a_listed_host(
    server: Hostile, ca: trustme.CA, bring: Bring, access: StorageAccess
) -> None:
    plain = Hostile(ca, tls=False)
    bring(server.url(f"to/{plain.url('good')}"), access=replace(access, redirect_hosts=("localhost",)))
    plain.close()
    assert plain.requests == []


@pytest.mark.parametrize(
    ("listed", "host", "port", "may"),
    [
        ("*.example.org", "d1.example.org", 443, True),
        ("*.example.org", "a.b.example.org", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "badexample.org", 443, False),
        ("*.example.org:1094", "d1.example.org", 1094, True),
        ("*.example.org:1094", "d1.example.org", 443, False),
        ("[::1]", "::1", 443, True),
        ("[::1]:1", "::1", 443, False),
        ("[::1]:443", "::1", 443, True),
        ("d1.example.org", "d1.example.org.evil.example", 443, False),
    ],
)
def test_a_list_of_hosts_names_hosts_and_domains(listed: str, host: str, port: int, may: bool) -> None:
    assert StorageAccess(redirect_hosts=(listed,)).may_follow(host, port) is may


def test_a_token_that_was_revoked_is_read_again_at_once(
    server: Hostile, bring: Bring, access: StorageAccess, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    at = "https://x.example"
    instance = Instance("x", "x", at, at, "userpass", storage_ca=access.ca, storage_token_file=file)
    reads = storage_access(Config((instance,), instance, tmp_path), "x", {})
    assert isinstance(bring(server.url("needs/new/good"), access=reads).error, CredentialsRejected)
    assert _authorizations(server) == ["Bearer old"], "its file had no other one"
    file.write_text("new")
    assert bring(server.url("needs/new/good"), access=reads).stored is not None
    assert _authorizations(server)[1:] == ["Bearer old", "Bearer new"]


def test_a_source_with_another_token_each_time_ends(server: Hostile, bring: Bring, access: StorageAccess) -> None:
    tokens = itertools.count()
    asked = replace(access, token_now=lambda: str(next(tokens)), token_renewed=lambda _began: True)
    assert isinstance(bring(server.url("needs/x/good"), access=asked).error, CredentialsRejected)
    assert _authorizations(server) == ["Bearer 0", "Bearer 1"]
