"""How storage is reached, from the configuration, and traces against a real server."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from nbrucio.config import Config, Credentials, Policy, load
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.storage_access import storage_access
from nbrucio.sandbox import Sandbox
from tests.catalogue.jwts import jwt
from tests.support.access_log import new_requests

SANDBOX = "sandbox.localhost"


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The session's sandbox for a user with a store of his own, and no rucio.cfg in the process."""
    monkeypatch.setenv("RUCIO_CLIENT_MODE", "1")  # tests have Rucio's server package installed as well
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    for name in ("RUCIO_HOME", "RUCIO_CONFIG", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return load({**sandbox.env(), "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")})


def _tracing(config: Config, **changes: object) -> Config:
    instance = config.instance()._replace(traces=True)._replace(**changes)  # type: ignore[arg-type]
    return config._replace(instances=(instance,), default=instance)


def _notebook(tmp_path: Path) -> Path:
    metadata = {"nbrucio": {"requirements": [{"did": "sandbox:dimuon", "handle": "dimuon"}]}}
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_rucio_is_told_once_of_all_that_was_downloaded(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    kept = sandbox.access_log.with_name("trace")
    before = kept.stat().st_size if kept.exists() else 0
    with new_requests(sandbox.access_log) as requests:
        report = sync([_notebook(tmp_path)], _tracing(config))
        again = sync([_notebook(tmp_path)], _tracing(config))
    assert (report.downloaded_files, again.downloaded_files) == (4, 0)
    assert [(r.method, r.status) for r in requests if r.path.startswith("/traces")] == [("POST", 201)]
    told = [json.loads(line) for line in kept.read_bytes()[before:].decode().splitlines()]
    assert sorted(trace["filename"] for trace in told) == sorted(
        file.entry.did.name for file in report.notebooks[0].requirements[0].files
    )
    assert {(trace["eventType"], trace["clientState"], trace["account"]) for trace in told} == {
        ("download", "DONE", config.instance().account)
    }


@pytest.mark.parametrize(("policy", "instance"), [(True, False), (False, True)])
def test_configuration_switches_traces_off(
    sandbox: Sandbox, config: Config, tmp_path: Path, policy: bool, instance: bool
) -> None:
    with new_requests(sandbox.access_log) as requests:
        silent = _tracing(config, traces=instance)._replace(policy=Policy(traces=policy))
        assert sync([_notebook(tmp_path)], silent).downloaded_files == 4
    assert not [r for r in requests if r.path.startswith("/traces")]


def test_traces_go_to_their_own_host_and_in_the_users_name(config: Config) -> None:
    named = _tracing(config, trace_host="https://traces.example", vo="atl", ca_cert=Path("/ca.pem"))
    target = storage_access(named, SANDBOX, {}).traces
    assert target is not None
    assert (target.url, target.account, target.vo, target.ca) == (
        ("https://traces.example", config.instance().account, "atl", Path("/ca.pem"))
    )
    assert storage_access(_tracing(config, account=None, credentials=Credentials()), SANDBOX, {}).traces is None


def test_the_xrootd_library_may_look_for_a_token_where_it_finds_this_instances(config: Config) -> None:
    own = config.instance()._replace(storage_token_env="MINE")
    other = own._replace(name="other", identity="other", storage_token_env=None)
    environ = {"BEARER_TOKEN": "found"}
    for instances, more, may in (
        ((config.instance(),), {}, True),
        ((own,), {"MINE": "mine"}, False),  # it would find another one
        ((config.instance(), other), {}, False),
    ):
        chosen = config._replace(instances=instances, default=instances[-1])
        assert storage_access(chosen, instances[0].identity, {**environ, **more}).discovers_token is may


def test_a_storage_token_that_ends_during_a_sync_is_renewed(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = f"open({str(tmp_path / 'runs')!r}, 'a').write('x')"
    now = time.time()
    tokens = [jwt(exp=now + 3600, number=1), jwt(exp=now + 9 * 3600, number=2)]
    code = f"import os; {count}; print({tokens!r}[os.path.getsize({str(tmp_path / 'runs')!r}) > 1])"
    login = Credentials(token_command=(sys.executable, "-c", code))
    own = config.instance()._replace(auth_type="oidc", credentials=login)
    chosen = config._replace(instances=(own,), default=own)
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    access = storage_access(chosen, SANDBOX, environ)
    assert access.bearer() == access.token == tokens[0]
    for module in ("bearer", "token_cache"):
        monkeypatch.setattr(f"nbrucio.catalogue.{module}.time", SimpleNamespace(time=lambda: now + 2 * 3600))
    assert [access.bearer() for _ in range(3)] == [tokens[1]] * 3
    assert (tmp_path / "runs").read_text() == "xx"


def test_a_storage_token_that_somebody_replaces_is_read_again(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = jwt(number=1), jwt(number=2)
    file = tmp_path / "token"
    file.write_text(first)
    own = config.instance()._replace(storage_token_file=file)
    access = storage_access(config._replace(instances=(own,), default=own), SANDBOX, {})
    file.write_text(second)
    assert access.bearer() == first  # no file is read for each request
    monkeypatch.setattr("nbrucio.pipeline.storage_access._AGAIN_S", 0)
    assert access.bearer() == second
    file.unlink()
    assert access.bearer() is None
