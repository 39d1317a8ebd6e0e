"""A credential that ends before the download does is reported before the first byte."""

from __future__ import annotations

import json
import os
import time
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nbrucio.config import Config, Instance, load
from nbrucio.core.events import Event, Noticed
from nbrucio.pipeline import preflight
from nbrucio.pipeline.preflight import ending
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.state.transfer_rate import TransferRate
from tests.support.certificates import AFTER, UserAuthority

GB = 1_000_000_000


def _in(hours: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(hours=hours)


def _config(**settings: object) -> Config:
    instance = Instance("cms", "cms.example", "https://cms.example", "https://cms.example", "x509_proxy", **settings)  # type: ignore[arg-type]
    return Config((instance,), instance, Path("/nowhere"))


def _ending(
    config: Config, size_bytes: int = 10 * GB, bytes_per_s: float | None = 1_000_000, **environ: str
) -> list[str]:
    """What is reported of a download that takes 10,000 s."""
    return list(ending({"cms.example": size_bytes}, config, bytes_per_s, environ))


def _token(hours: float) -> str:
    def part(value: object) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({})}.{part({'exp': int(time.time() + hours * 3600)})}.x"


@pytest.fixture
def ca(tmp_path: Path) -> UserAuthority:
    return UserAuthority(tmp_path)


def test_a_proxy_that_ends_too_early_is_named(ca: UserAuthority) -> None:
    proxy = ca.proxy(ends=_in(1))
    (sentence,) = _ending(_config(), X509_USER_PROXY=str(proxy))
    assert sentence.startswith(f"The proxy {proxy} ends at ")
    assert "this download takes about 2.8 h" in sentence
    assert "continues where it stopped" in sentence


@pytest.mark.parametrize("hours", [4, 100])
def test_a_proxy_that_lasts_is_not_mentioned(ca: UserAuthority, hours: float) -> None:
    assert _ending(_config(), X509_USER_PROXY=str(ca.proxy(ends=_in(hours)))) == []


def test_the_end_of_the_person_counts_like_that_of_the_proxy(ca: UserAuthority) -> None:
    proxy = ca.proxy(ends=AFTER, person_ends=_in(1))
    assert len(_ending(_config(), X509_USER_PROXY=str(proxy))) == 1


def test_a_token_that_ends_too_early_is_named_without_its_text() -> None:
    token = _token(1)
    (sentence,) = _ending(_config(storage_token_env="MINE"), MINE=token)
    assert sentence.startswith("The token in MINE for cms ends at ")
    assert token not in sentence


def test_one_credential_that_lasts_suffices(ca: UserAuthority) -> None:
    proxy = ca.proxy(ends=_in(1))
    assert _ending(_config(storage_token_env="MINE"), MINE=_token(9), X509_USER_PROXY=str(proxy)) == []


def test_nothing_is_said_where_nothing_is_known(ca: UserAuthority) -> None:
    proxy = ca.proxy(ends=_in(1))
    assert _ending(_config(), bytes_per_s=None, X509_USER_PROXY=str(proxy)) == []
    assert _ending(_config(storage_token_env="MINE"), MINE="opaque") == []
    assert _ending(_config()) == []


def test_without_a_rate_a_download_that_no_network_finishes_in_time_is_named(ca: UserAuthority) -> None:
    (sentence,) = _ending(_config(), 10_000 * GB, bytes_per_s=None, X509_USER_PROXY=str(ca.proxy(ends=_in(1))))
    assert "this download takes at least 2.2 h" in sentence


def test_no_certificate_is_read_for_a_download_of_seconds(ca: UserAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr(preflight, "end_of", read.append)
    for seconds, count in ((9, 0), (11, 1)):
        _ending(_config(), seconds * 1_000_000, X509_USER_PROXY=str(ca.proxy(ends=_in(1))))
        assert len(read) == count


def test_a_sync_reports_it_before_its_first_byte(
    sandbox: Sandbox, ca: UserAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (sandbox.env() | {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("X509_USER_PROXY", str(ca.proxy(ends=_in(1))))
    config = load(os.environ)._replace(store_path=tmp_path / "store")
    (tmp_path / "store").mkdir(mode=0o700)
    (tmp_path / "store" / "rate.json").write_text(json.dumps({"version": 1, "bytes_per_s": 0.5}))
    assert TransferRate(tmp_path / "store").last() == 0.5
    notebook = tmp_path / "nb.ipynb"
    declared = {"version": 1, "requirements": [{"did": "sandbox:dimuon.1.root", "handle": "x"}]}
    content = {"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}
    notebook.write_text(json.dumps(content))
    events: list[Event] = []

    class Listener:
        def report(self, event: Event) -> None:
            events.append(event)

    report = sync([notebook], config, reporter=Listener())
    assert report.exit_code == 0
    kinds = [type(event).__name__ for event in events]
    notice = next(at for at, event in enumerate(events) if isinstance(event, Noticed) and "ends at" in event.message)
    assert notice < kinds.index("BytesArrived")
