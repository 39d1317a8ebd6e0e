"""Credentials for root:// that are renewed in the middle of a run reach the processes that read."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from nbrucio.core.events import SilentReporter
from nbrucio.core.files import Replica
from nbrucio.store import Store
from nbrucio.transfer import xrootd_child, xrootd_proxy
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import StorageAccess, Task
from nbrucio.transfer.xrootd_child import _ChildSources
from nbrucio.transfer.xrootd_proxy import ShownProxy
from tests.support.certificates import UserAuthority
from tests.support.faulty_disk import entry
from tests.support.hostile_storage import GOOD, write_ca
from tests.support.xrootd_server import XrootdServer
from tests.transfer.conftest import PATIENT

PFN = "roots://storage.example//file"


def test_each_file_is_ordered_with_the_credentials_of_its_time(
    xrootd: XrootdServer, ca: trustme.CA, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = itertools.cycle(["first", "second"])
    proxy = UserAuthority(tmp_path).proxy()
    access = StorageAccess(ca=write_ca(ca, tmp_path), proxy=proxy, token="first", token_now=lambda: next(tokens))
    ordered: list[dict[str, object]] = []
    real: Callable[..., bytes] = xrootd_child.order

    def order(*facts: object) -> bytes:
        line = real(*facts)
        ordered.append(json.loads(line)["shown"])
        return line

    monkeypatch.setattr(xrootd_child, "order", order)
    pfn = xrootd.pfn(xrootd.folder / "good.root").replace("root://", "roots://", 1)
    tasks = [Task("one", entry(f"{number}.root", GOOD), (Replica("R", pfn),)) for number in range(2)]
    outcomes = fetch(tasks, store, {"one": access}, SilentReporter(), limits=replace(PATIENT, per_host=1, total=1))
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert sorted(str(shown["token"]) for shown in ordered) == ["first", "second"]
    assert {shown["proxy"] for shown in ordered} == {str(proxy)}


def test_a_child_shows_what_it_was_last_given() -> None:
    sources = _ChildSources({"connect_s": 1.0, "max_wait_s": 1.0, "discovers_token": True})
    first = sources.showing(None, "first")
    assert first._url(PFN).endswith("authz=Bearer%20first")
    renewed = sources.showing("/tmp/x509up_new", "second")
    assert renewed._url(PFN).endswith("authz=Bearer%20second&xrd.gsiusrpxy=/tmp/x509up_new")
    assert sources.showing(None, "first") is first


def test_a_proxy_is_made_anew_when_its_certificate_is_replaced_and_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = UserAuthority(tmp_path)
    certificate, key = users.certificate()
    shown = ShownProxy(StorageAccess(proxy=certificate, key=key))
    first = shown.path()
    assert first is not None
    assert shown.path() == first
    users.certificate("new")[0].replace(certificate)
    (tmp_path / "newkey.pem").replace(key)
    second = shown.path()
    assert second not in (None, first)
    assert first.exists(), "connections may still use it"
    monkeypatch.setattr(xrootd_proxy, "_AGAIN_S", -1.0)
    assert shown.path() not in (None, first, second)
    shown.close()
    assert not first.parent.exists()
