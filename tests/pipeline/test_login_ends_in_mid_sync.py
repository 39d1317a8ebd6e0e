"""Credentials that end in the middle of a sync: renewed ones are used, else the sync ends with 7 and can go on."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbrucio.catalogue.bearer import Claims
from nbrucio.config import Config, Policy
from nbrucio.core.report import SyncReport
from nbrucio.errors import CredentialsRejected
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from tests.catalogue.jwts import jwt
from tests.support.certificates import ENDED, UserAuthority
from tests.support.mid_sync import notebook_of, one_byte_files
from tests.support.noting_storage import noting_storage
from tests.support.odd_rses import forget_rses

FILES = 6
#: Files that are read before the credential ends.
BEFORE = 2
_numbers = itertools.count()

Sync = Callable[..., SyncReport]


class Guard:
    """Lets one credential in, until some files were sent; then only the next one.

    Args:
        accepted: values of Authorization, or certificates in DER.
        at_the_end: called when the first one ends.
    """

    def __init__(self, *accepted: str | bytes, at_the_end: Callable[[], object] = lambda: None) -> None:
        self._accepted = list(accepted)
        self._at_the_end = at_the_end
        self._sent = 0

    def __call__(self, token: str | None, certificate: bytes | None) -> bool:
        good = self._accepted[0] in (token, certificate)
        self._sent += good
        if self._sent == BEFORE and len(self._accepted) > 1:
            del self._accepted[0]
            self._at_the_end()
        return good


@pytest.fixture
def users(tmp_path: Path) -> UserAuthority:
    return UserAuthority(tmp_path)


@pytest.fixture
def sync_at(sandbox: Sandbox, config: Config, users: UserAuthority, tmp_path: Path) -> Iterator[Sync]:
    """Syncs six files, one after the other, at a storage with this guard; a second call continues."""
    name = f"MIDSYNC_{next(_numbers)}"
    guards: list[Guard] = []
    with noting_storage(name, tmp_path, users, lambda *shown: guards[-1](*shown)) as storage:
        one_byte_files(sandbox, name, int(storage.url.rpartition(":")[2]), FILES, closed=True)

        def run(guard: Guard, **settings: object) -> SyncReport:
            guards.append(guard)
            own = config.instance()._replace(storage_ca=storage.ca, **settings)  # type: ignore[arg-type]
            chosen = config._replace(instances=(own,), default=own, policy=Policy(parallel=1))
            return sync([notebook_of(tmp_path, name)], chosen)

        yield run
    forget_rses(sandbox, name)


def _left_off(report: SyncReport, hint: str) -> None:
    """Make sure that a sync kept what was read, and says what to do next."""
    errors = [file.error for file in report.notebooks[0].requirements[0].files if file.error is not None]
    assert (report.exit_code, report.downloaded_files, len(errors)) == (7, BEFORE, FILES - BEFORE)
    for error in errors:
        assert isinstance(error, CredentialsRejected)
        assert hint in f"{error.hint} {error.next_command}"


def _certificate_in(proxy: Path) -> bytes:
    begin, end, _ = proxy.read_text().partition("-----END CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(f"{begin}{end}\n")


def test_a_token_that_is_renewed_is_used(sync_at: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = jwt(number=1, exp=2**33), jwt(number=2, exp=2**34)
    file, ended, is_current = tmp_path / "token", [], Claims.is_current
    file.write_text(first)

    def renew() -> None:
        file.write_text(second)
        ended.append(2**33)  # no test waits for a clock

    monkeypatch.setattr(Claims, "is_current", lambda each: is_current(each) and each.expires_at not in ended)
    guard = Guard(f"Bearer {first}", f"Bearer {second}", at_the_end=renew)
    report = sync_at(guard, storage_token_file=file)
    assert (report.exit_code, report.downloaded_files) == (0, FILES)


def test_a_token_that_ends_leaves_what_was_done_and_the_next_sync_goes_on(sync_at: Sync, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(jwt(number=1))
    _left_off(sync_at(Guard(f"Bearer {file.read_text()}", "Bearer another"), storage_token_file=file), "")
    file.write_text(jwt(number=2))
    report = sync_at(Guard(f"Bearer {file.read_text()}"), storage_token_file=file)
    assert (report.exit_code, report.downloaded_files) == (0, FILES - BEFORE)


def test_a_proxy_that_is_renewed_is_used(sync_at: Sync, config: Config, users: UserAuthority) -> None:
    proxy, later = users.proxy("x509up"), users.proxy("later")
    guard = Guard(_certificate_in(proxy), _certificate_in(later), at_the_end=lambda: later.replace(proxy))
    report = sync_at(guard, credentials=config.instance().credentials._replace(client_proxy=proxy))
    assert (report.exit_code, report.downloaded_files) == (0, FILES)


def test_a_proxy_that_ends_leaves_what_was_done_and_the_next_sync_goes_on(
    sync_at: Sync, config: Config, users: UserAuthority
) -> None:
    proxy, login = users.proxy("x509up"), config.instance().credentials
    guard = Guard(_certificate_in(proxy), b"none", at_the_end=lambda: users.proxy("x509up", ends=ENDED))
    _left_off(sync_at(guard, credentials=login._replace(client_proxy=proxy)), "proxy")
    users.proxy("x509up")
    report = sync_at(Guard(_certificate_in(proxy)), credentials=login._replace(client_proxy=proxy))
    assert (report.exit_code, report.downloaded_files) == (0, FILES - BEFORE)
