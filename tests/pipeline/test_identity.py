"""Instances of one host, on a real server: none gets, or is held to, what another one has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.core.events import Event, Noticed
from nbrucio.errors import BadDeclaration
from nbrucio.jupyter import queries
from nbrucio.kernel import Data, DataNotHere
from nbrucio.operations.adding import Wish, add
from nbrucio.operations.edit import lock
from nbrucio.operations.grants import Grant, Grants
from nbrucio.operations.verify import verify
from nbrucio.pipeline.cached_status import cached_status
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from nbrucio.sandbox import Sandbox
from nbrucio.store.names import object_key
from tests.support.access_log import new_requests

DATA = "sandbox:growing.1.root"
Configured = Callable[..., Config]


@pytest.fixture
def configured(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configured:
    """The sandbox's server without an identity of its own choice, by name; each with what is said of it."""
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    text = Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text()
    table = re.search(r"\[instances\.sandbox\]\n(.*?)\n\n", text, re.DOTALL)
    assert table is not None
    lines = [line for line in table[1].splitlines() if not line.startswith("identity")]

    def read(**instances: dict[str, str]) -> Config:
        tables = []
        for name, changes in instances.items():
            kept = [line for line in lines if line.partition(" ")[0] not in changes]
            told = [f"{key} = {json.dumps(value)}" for key, value in changes.items()]
            tables.append("\n".join([f"[instances.{name}]", *kept, *told, ""]))
        file = tmp_path / "config.toml"
        file.write_text(f'default_instance = "{next(iter(instances))}"\n' + "\n".join(tables))
        environ = {"NBRUCIO_CONFIG": str(file), "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")}
        return load(environ, system_file=tmp_path / "none")

    return read


@pytest.fixture
def url(sandbox: Sandbox) -> str:
    return str(sandbox.status().server_url)


def notebook(tmp_path: Path, instance: str | None, did: str = DATA) -> Path:
    requirement = {"did": did, "handle": "data"} | ({"instance": instance} if instance else {})
    metadata = {"nbrucio": {"requirements": [requirement]}}
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def closed_port(url: str) -> str:
    return re.sub(r":\d+$", ":9", url)


class Listener:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def report(self, event: Event) -> None:
        if isinstance(event, Noticed):
            self.told.append(event.message)


@pytest.mark.parametrize(
    ("other", "exit_code"),
    [
        (lambda url: {"host": closed_port(url), "auth_host": closed_port(url)}, 8),
        (lambda url: {"host": f"{url}/elsewhere", "auth_host": f"{url}/elsewhere"}, None),
    ],
    ids=["port", "prefix"],
)
def test_another_port_or_prefix_of_the_host_does_not_have_the_data_of_the_first(
    configured: Configured, url: str, tmp_path: Path, other: Callable[[str], dict[str, str]], exit_code: int | None
) -> None:
    config = configured(first={}, second=other(url))
    assert sync([notebook(tmp_path, "first")], config).exit_code == 0
    path = notebook(tmp_path, "second")
    report = sync([path], config)
    assert report.exit_code == exit_code if exit_code else report.exit_code not in (0, 1)
    assert [file for one in report.notebooks[0].requirements for file in one.here] == []
    assert sync([notebook(tmp_path, "first")], config).exit_code == 0


def test_another_vo_asks_its_own_server_and_keeps_its_own_object(
    configured: Configured, sandbox: Sandbox, tmp_path: Path
) -> None:
    config = configured(first={}, second={"vo": "atl"})
    assert sync([notebook(tmp_path, "first")], config).exit_code == 0
    with new_requests(sandbox.access_log) as requests:
        sync([notebook(tmp_path, "second")], config)
    assert requests
    second = config.instance("second").identity
    assert second == f"{config.instance('first').identity}#atl"
    manifest = json.loads(next((tmp_path / "runtime").glob("*.json")).read_text())
    assert manifest["data"]["data"]["instance"] == second


def test_another_default_instance_is_not_held_to_what_the_first_resolved(
    configured: Configured, url: str, tmp_path: Path
) -> None:
    other = {"host": closed_port(url), "auth_host": closed_port(url)}
    path = notebook(tmp_path, None)
    assert sync([path], configured(first={}, second=other)).exit_code == 0
    turned = configured(second=other, first={})
    assert sync([path], turned, options=Options(offline=True)).exit_code == 8
    assert sync([path], configured(first={}), options=Options(offline=True)).exit_code == 0


def test_what_was_resolved_without_a_note_of_the_instance_counts_where_there_is_one(
    configured: Configured, url: str, tmp_path: Path
) -> None:
    path, config = notebook(tmp_path, None), configured(first={})
    assert sync([path], config).exit_code == 0
    (kept,) = (config.store_path / "notebooks").iterdir()
    value = json.loads(kept.read_text())
    del value["instances"]
    kept.write_text(json.dumps(value))
    other = {"host": closed_port(url), "auth_host": closed_port(url)}
    assert sync([path], configured(first={}, second=other), options=Options(offline=True)).exit_code == 8
    assert sync([path], config, options=Options(offline=True)).exit_code == 0


def test_data_stored_under_the_bare_host_is_used_offline_and_verified(configured: Configured, tmp_path: Path) -> None:
    config = configured(first={})
    instance = config.instance()
    path = notebook(tmp_path, None)
    lock(path, config)
    assert sync([path], config).exit_code == 0
    renamed = move_to_the_former_name(config.store_path, instance.identity, "127.0.0.1")
    for kept in ("notebooks", "seen", "places"):
        for file in (config.store_path / kept).glob("*"):
            file.unlink()
    report = sync([path], config, options=Options(offline=True))
    assert report.exit_code == 0
    assert [file.path for one in report.notebooks[0].requirements for file in one.here] == [renamed]
    assert status([path], config).exit_code == 0
    assert verify([path], config).files == 1


def move_to_the_former_name(store: Path, identity: str, former: str) -> Path:
    """Lay the one object of ``store`` where it was when a bare host was the identity."""
    new, old = (object_key(name, Did.parse(DATA)) for name in (identity, former))
    here, there = (store / "objects" / key[:2] / key for key in (new, old))
    there.parent.mkdir(exist_ok=True)
    here.rename(there)
    record = Path(f"{here}.json")
    facts = json.loads(record.read_text())
    Path(f"{there}.json").write_text(json.dumps(facts | {"instance": former}))
    record.unlink()
    (path,) = there.iterdir()
    return path


def test_a_bare_host_in_an_old_notebook_goes_on_working_and_says_what_is_matched(
    configured: Configured, url: str, tmp_path: Path
) -> None:
    config, listener = configured(first={}), Listener()
    path = notebook(tmp_path, "127.0.0.1")
    assert sync([path], config, reporter=listener).exit_code == 0
    identity = config.instance().identity
    assert listener.told == [f"'127.0.0.1' means first ({identity}) here: no other instance fits."]
    second = {"host": closed_port(url), "auth_host": closed_port(url)}
    report = sync([path], configured(first={}, second=second))
    assert report.exit_code == 2
    (error,) = report.notebooks[0].requirements[0].errors()
    assert error.hint == f"Write one of them in full: {identity} (first), 127.0.0.1:9 (second)."


def test_a_grant_holds_for_the_one_instance_that_it_names(
    configured: Configured, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"host": closed_port(url), "auth_host": closed_port(url)}
    config = configured(first={}, second=other)
    monkeypatch.setenv("NBRUCIO_CONFIG", str(tmp_path / "config.toml"))
    kept, did = Grants(tmp_path / "grants.json"), Did.parse(DATA)
    kept.add([Grant("127.0.0.1", did, None, datetime.now(timezone.utc) + timedelta(days=1))])
    queries.grant(kept, {"did": DATA, "instance": "second"}, 1_000)
    first, second = (config.instance(name).identity for name in ("first", "second"))
    assert kept.allowance([(first, did, 1)]) == 0, "that of the bare host is no wider than it was written"
    assert kept.allowance([(second, did, 1)]) == 1_000
    queries.revoke(kept, {"did": DATA, "instance": "127.0.0.1"})
    assert [grant.instance for grant in kept.all()] == [second]
    queries.revoke(kept, {"did": DATA, "instance": "second"})
    assert kept.all() == ()


@pytest.mark.parametrize(("before", "after"), [(None, None), ("127.0.0.1", None), ("first", "first")])
def test_lock_writes_the_whole_identity_of_what_is_not_named(
    configured: Configured, url: str, tmp_path: Path, before: str | None, after: str | None
) -> None:
    path = notebook(tmp_path, before)
    lock(path, configured(first={}))
    value: dict[str, Any] = json.loads(path.read_text())["metadata"]["nbrucio"]
    assert value["requirements"][0]["instance"] == (after or url.removeprefix("http://"))
    assert value["lock"]["data"]["files"] == 1


def test_a_short_name_chooses_among_the_accounts_of_one_server(
    configured: Configured, sandbox: Sandbox, tmp_path: Path
) -> None:
    config = configured(own={}, wrong={"username": "nobody"})
    refused = sync([notebook(tmp_path, "wrong")], config)
    assert refused.exit_code == 7
    assert sync([notebook(tmp_path, "own")], config).exit_code == 0
    for name in ("wrong", config.instance("own").identity):
        with new_requests(sandbox.storage_log) as requests:
            assert sync([notebook(tmp_path, name)], config, options=Options(offline=True)).exit_code == 0
        assert requests == [], "they share what is stored"
    turned = configured(wrong={"username": "nobody"}, own={})
    streamed = notebook(tmp_path, "own", did="sandbox:growing.2.root")
    assert sync([streamed], turned).exit_code == 0


def test_add_names_the_account_that_was_chosen(configured: Configured, url: str, tmp_path: Path) -> None:
    config = configured(own={}, second={"webui": "https://webui.example"})
    path = notebook(tmp_path, None)
    add(
        path,
        [Did.parse("sandbox:growing.2.root"), Did.parse("sandbox:dimuon.1.root")],
        config,
        wish=Wish(instance="second"),
    )
    add(path, [Did.parse("sandbox:mounted")], config, wish=Wish(instance="own"))
    value = json.loads(path.read_text())["metadata"]["nbrucio"]["requirements"]
    server = url.removeprefix("http://")
    assert [one.get("instance") for one in value] == [None, "second", "second", server]


@pytest.mark.parametrize("written", [None, "127.0.0.1", "first", "full"])
def test_add_refuses_what_is_declared_however_its_instance_is_written(
    configured: Configured, tmp_path: Path, written: str | None
) -> None:
    config = configured(first={})
    path = notebook(tmp_path, config.instance().identity if written == "full" else written)
    for name in (None, "first"):
        with pytest.raises(BadDeclaration, match="is already declared, as 'data'"):
            add(path, [Did.parse(DATA)], config, wish=Wish(handle="again", instance=name))
    elsewhere = notebook(tmp_path, "rucio.example")
    assert add(elsewhere, [Did.parse(DATA)], config, wish=Wish(handle="again")).changed


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('default_instance = "first"', 'default_instance = "second"'),
        lambda text: text.replace("[instances.first]", "[instances.third]"),
        lambda text: re.sub(r"(?m)^host = .*$", 'host = "https://rucio.example.org"', text, count=1),
        lambda text: f'vo = "atl"\n{text}',
    ],
    ids=["default", "name", "host", "vo"],
)
def test_a_running_kernel_does_not_use_the_data_of_the_instance_that_was_meant_before(
    configured: Configured, tmp_path: Path, edit: Callable[[str], str]
) -> None:
    config, file = configured(first={}, second={"vo": "atl"}), tmp_path / "config.toml"
    path = notebook(tmp_path, None)
    assert sync([path], config).exit_code == 0
    kernel = Data(path)
    assert len(kernel["data"]) == 1
    file.write_text(edit(file.read_text()))
    with pytest.raises(DataNotHere, match="'data' may name another Rucio instance now") as refused:
        kernel["data"]
    assert refused.value.next_command == f"nbrucio sync {path}"
    assert str(file) in refused.value.message


def test_a_sync_answers_a_kernel_again_after_the_configuration_was_changed(
    configured: Configured, tmp_path: Path
) -> None:
    path = notebook(tmp_path, None)
    assert sync([path], configured(first={}, second={"vo": "atl"})).exit_code == 0
    kernel = Data(path)
    config = configured(first={}, another={"vo": "atl"})
    with pytest.raises(DataNotHere):
        kernel["data"]
    assert cached_status([path], config, synced=True) is None, "else a sync would find nothing to do"
    assert sync([path], config).downloaded_files == 0
    assert len(kernel["data"]) == 1


@pytest.mark.parametrize("instance", [None, "identity"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text + "\n[policy]\nparallel = 2\n",
        lambda text: text + '\n[[instances.first.mounts]]\nrse = "MOCK"\npath = "/mnt"\n',
        lambda text: f"# host of ours\n{text}",
        None,
    ],
    ids=["policy", "mount", "comment", "unreadable"],
)
def test_other_settings_leave_kernels_their_data(
    configured: Configured, tmp_path: Path, edit: Callable[[str], str] | None, instance: str | None
) -> None:
    config, file = configured(first={}), tmp_path / "config.toml"
    path = notebook(tmp_path, config.instance().identity if instance else None)
    assert sync([path], config).exit_code == 0
    kernel = Data(path)
    if edit is None:
        file.unlink()
    else:
        file.write_text(edit(file.read_text()))
    assert len(kernel["data"]) == 1


def test_a_requirement_that_names_its_server_does_not_depend_on_the_default_instance(
    configured: Configured, tmp_path: Path
) -> None:
    config, file = configured(first={}, second={"vo": "atl"}), tmp_path / "config.toml"
    path = notebook(tmp_path, config.instance("first").identity)
    assert sync([path], config).exit_code == 0
    kernel = Data(path)
    file.write_text(file.read_text().replace('default_instance = "first"', 'default_instance = "second"'))
    assert len(kernel["data"]) == 1
