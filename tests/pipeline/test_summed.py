"""Estimates of many files: Rucio's own sums in place of the replicas of each file, on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nbrucio_cli.estimates import show

from nbrucio.catalogue.browse import Browser
from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.errors import NbrucioError, Offline, RucioRefused
from nbrucio.jupyter import queries
from nbrucio.operations import placement
from nbrucio.operations.doctor.data import data
from nbrucio.operations.doctor.rses import used_rses
from nbrucio.pipeline.estimate import estimate
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_container, add_dataset, add_files, attach
from tests.support.access_log import new_requests
from tests.support.odd_rses import odd_rses

Write = Callable[..., Path]


@pytest.fixture(scope="module", autouse=True)
def content(sandbox: Sandbox) -> Iterator[None]:
    """Datasets of ten files: at one RSE, at a mounted one, at two in part; a container; and odd RSEs."""
    files = {name: [NewFile(Did("sandbox", f"summed/{name}{n}"), b"x" * (n + 1)) for n in range(10)] for name in "abcd"}
    with sandbox.admin() as client:
        for name, rses in (("a", ["SANDBOX_HTTPS"]), ("b", ["SANDBOX_MOUNT", "SANDBOX_HTTPS"])):
            add_files(client, files[name], rses)
        add_files(client, files["c"][:6], ["SANDBOX_MOUNT", "SANDBOX_HTTPS"])
        add_files(client, files["c"][6:], ["SANDBOX_HTTPS"])
        add_files(client, files["d"][:5], ["SANDBOX_HTTPS"])
        add_files(client, files["d"][5:], ["SANDBOX_POSIX"])
        for name, some in files.items():
            add_dataset(client, "sandbox", f"summed.{name}", [file.did for file in some], closed=True)
        both = [Did("sandbox", f"summed.{name}") for name in "ab"]
        inner = [
            add_container(client, "sandbox", "summed.both", both),
            add_container(client, "sandbox", "summed.one", both[:1]),
        ]
        add_container(client, "sandbox", "summed.all", inner)
        add_dataset(client, "sandbox", "summed.grew", [file.did for file in files["a"][:9]])
    with odd_rses(sandbox, "SUMMEDODD"):
        yield


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than three files are many, and their lists are packed."""
    for module in ("estimate", "summed"):
        monkeypatch.setattr(f"nbrucio.pipeline.{module}.FEW", 3)
    for module in ("core.packed_files", "state.resolutions"):
        monkeypatch.setattr(f"nbrucio.{module}.SHORT", 3)


@pytest.fixture
def notebook(tmp_path: Path) -> Write:
    def write(*declared: str | dict[str, Any]) -> Path:
        entries = [one if isinstance(one, dict) else {"did": f"sandbox:{one}"} for one in declared]
        requirements = [{"handle": f"h{number}", **entry} for number, entry in enumerate(entries)]
        path = tmp_path / "nb.ipynb"
        metadata = {"nbrucio": {"version": 1, "requirements": requirements}}
        path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}) + "\n")
        return path

    return write


def amounts(path: Path, config: Config, **options: Any) -> dict[str, Any]:
    """The part of an estimate that both ways of making it share."""
    found = estimate([path], config, **options).as_json()
    rows = found["notebooks"][0]["requirements"]  # type: ignore[index]
    kept = ("files", "bytes", "access", "unverified_files")
    return {
        **{key: found[key] for key in ("download", "access", "exit_code")},
        "requirements": [{key: row[key] for key in kept} for row in rows],
    }


def sums_of(path: Path, config: Config) -> list[Any]:
    return [plan.sums for plan in estimate([path], config).notebooks[0].requirements]


def asked(requests: list[Any]) -> list[str]:
    return [request.path for request in requests if "/auth/" not in request.path]


@pytest.mark.parametrize(
    "declared",
    [
        ["summed.a"],
        ["summed.b"],
        ["summed.c"],
        ["summed.all"],
        ["summed.a", "summed.one", "summed.c", "summed/a1"],
        [{"did": "sandbox:summed.b", "select": {"match": "*[0-6]"}}],
        [{"did": "sandbox:summed.c", "select": {"first": 2}}],
        ["SUMMEDODD"],
        [{"did": "sandbox:summed.b", "access": "download"}],
        [{"did": "sandbox:summed.c", "access": "mount"}],
        [{"did": "sandbox:summed.b", "access": "rule"}],
        [{"did": "sandbox:summed.a", "access": "stream"}],
        [{"did": "sandbox:summed.a", "access": "store"}],
        [{"did": "sandbox:summed.a", "access": "any"}],
    ],
)
def test_sums_give_the_amounts_that_asking_for_each_file_gives(
    config: Config, notebook: Write, declared: list[str | dict[str, Any]]
) -> None:
    path = notebook(*declared)
    assert amounts(path, config) == amounts(path, config, exact=True)
    assert all(one is None or one.unsure_files == 0 for one in sums_of(path, config))


def test_files_of_two_requirements_count_once_and_rather_as_downloads(config: Config, notebook: Write) -> None:
    path = notebook("summed.a", "summed.all")
    found, exact = amounts(path, config), amounts(path, config, exact=True)
    assert found["requirements"] == exact["requirements"]
    # Of the container's twenty files ten are mounted, and ten were counted; the sums do not say that these are others.
    assert exact["access"] == {"mount": {"files": 10, "bytes": 55}, "download": {"files": 10, "bytes": 55}}
    assert found["access"] == {"download": {"files": 20, "bytes": 110}}


def test_what_is_here_in_part_is_counted_and_the_rest_is_by_sums(config: Config, notebook: Write) -> None:
    sync([notebook({"did": "sandbox:summed.a", "select": {"first": 4}})], config)
    path = notebook("summed.a", "summed.b")
    found = amounts(path, config)
    assert found == amounts(path, config, exact=True)
    assert found["access"]["store"] == {"files": 4, "bytes": 10}
    sums = sums_of(path, config)
    assert [one.files for one in sums] == [6, 10]
    sync([notebook("summed.a")], config)
    assert sums_of(path, config)[0] is None
    assert amounts(path, config) == amounts(path, config, exact=True)


def test_one_request_is_sent_for_each_dataset_and_each_rse(config: Config, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook("summed.a", "summed.b")
    with new_requests(sandbox.access_log) as requests:
        estimate([path], config)
    assert sorted(asked(requests)) == [
        "/dids/sandbox/summed.a",
        "/dids/sandbox/summed.a/files",
        "/dids/sandbox/summed.b",
        "/dids/sandbox/summed.b/files",
        "/replicas/sandbox/summed.a/datasets?deep=True",
        "/replicas/sandbox/summed.b/datasets?deep=True",
        "/rses/SANDBOX_HTTPS",
        "/rses/SANDBOX_MOUNT",
    ]


def test_a_few_files_are_asked_for_one_by_one(config: Config, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook("summed.a", {"did": "sandbox:summed.b", "select": {"first": 2}}, "summed/d1")
    with new_requests(sandbox.access_log) as requests:
        found = estimate([path], config)
    assert [one.sums is None for one in found.notebooks[0].requirements] == [False, True, True]
    assert [path for path in asked(requests) if path.startswith("/replicas")] == [
        "/replicas/sandbox/summed.a/datasets?deep=True",
        "/replicas/list",
    ]
    assert amounts(path, config) == amounts(path, config, exact=True)


def test_exact_plans_and_those_for_some_rses_ask_for_each_file(
    config: Config, notebook: Write, sandbox: Sandbox
) -> None:
    path = notebook("summed.a")
    here = config._replace(policy=config.policy._replace(only_rses="SANDBOX_HTTPS"))
    for chosen, options in ((here, {}), (config, {"exact": True})):
        with new_requests(sandbox.access_log) as requests:
            found = estimate([path], chosen, **options)
        assert found.downloads.files == 10
        assert [path for path in asked(requests) if path.startswith("/replicas")] == ["/replicas/list"]
    with new_requests(sandbox.access_log) as requests:
        estimate([path], config, options=Options(offline=True))
    assert requests == []


def test_what_sums_do_not_show_is_said(config: Config, notebook: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook("summed.d")
    found = estimate([path], config)
    assert show(found, as_json=False) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].endswith("10 files, 55 B  10 to download (55 B); by Rucio's sums")
    assert shown[-3:] == [
        "Replicas of h0 by Rucio's sums: SANDBOX_HTTPS (5 files), SANDBOX_POSIX (5 files).",
        "Unsure: for 5 files of h0 the sums do not show a replica.",
        "`nbrucio plan --exact` asks for the replicas of each file.",
    ]
    assert used_rses(found)["sandbox.localhost"] == {"SANDBOX_HTTPS", "SANDBOX_POSIX"}
    (finding,) = [one for one in data([path], found, config, ()) if one.subject == str(path)]
    assert finding.text == "Rucio's sums do not show a replica of 5 files."


def test_files_that_no_usable_rse_has_are_missing(config: Config, notebook: Write) -> None:
    path = notebook("SUMMEDODD")
    (error,) = estimate([path], config).notebooks[0].errors()
    assert error.message.startswith("By Rucio's sums, 4 files of sandbox:SUMMEDODD cannot be obtained: SUMMEDODD_")
    assert (error.code, error.hint) == ("no-replica", f"`nbrucio plan --exact {path}` names each file.")


def test_sums_of_a_dataset_that_has_changed_say_nothing_about_the_lock(
    config: Config, notebook: Write, sandbox: Sandbox
) -> None:
    path = notebook("summed.grew")
    sync([path], config)
    for name in ("objects", "places"):
        (config.store_path / name).rename(config.store_path / f"{name}-gone")
    (sums,) = sums_of(path, config)
    assert sums.unsure_files == 0
    with sandbox.admin() as client:
        attach(client, "sandbox", "summed.grew", [Did("sandbox", "summed/a9")])
    (sums,) = sums_of(path, config)
    assert (sums.files, sums.unsure_files) == (9, 9)
    assert amounts(path, config)["download"]["files"] == 9


def test_downloads_by_sums_are_held_against_the_limits(config: Config, notebook: Write) -> None:
    def under(**policy: Any) -> Config:
        return config._replace(policy=config.policy._replace(**policy))

    path = notebook("summed.a")
    refused = estimate([path], under(max_download_bytes=20))
    assert (refused.exit_code, refused.downloads.files, refused.needed.files) == (6, 0, 10)
    fits = notebook({"did": "sandbox:summed.a", "access": "any"}, "summed/d0")
    for limit_bytes in (12, 1):
        small = under(max_download_bytes=limit_bytes)
        assert amounts(fits, small) == amounts(fits, small, exact=True)
    assert amounts(path, under(downloads=False)) == amounts(path, under(downloads=False), exact=True)


@pytest.mark.parametrize(
    ("error", "exit_code", "missing"),
    [(Offline("It is away."), 8, 10), (RucioRefused("It is too old."), 0, 0)],
)
def test_without_sums_an_estimate_says_so(
    config: Config, notebook: Write, monkeypatch: pytest.MonkeyPatch, error: NbrucioError, exit_code: int, missing: int
) -> None:
    def away(*_: object) -> None:
        raise error

    path = notebook("summed.a")
    monkeypatch.setattr(Browser, "replica_sums", away)
    found = estimate([path], config)
    assert found.exit_code == exit_code
    access = found.as_json()["access"]
    assert access == ({"missing": {"files": 10, "bytes": 55}} if missing else {"download": {"files": 10, "bytes": 55}})
    (sums,) = sums_of(path, config)
    assert sums is None if missing else (sums.rses, sums.unsure_files) == ((), 10)


def test_an_rse_that_is_not_described_may_be_good(
    config: Config, notebook: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RucioRefused("Not for you.")

    monkeypatch.setattr(Browser, "rse", refuse)
    (sums,) = sums_of(notebook("summed.a"), config)
    assert sums.unsure_files == 10


@pytest.fixture
def machine(config: Config, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The configuration of functions that read it themselves."""
    own = {"HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")}
    for name, value in {**sandbox.env(), **own}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("nbrucio.operations.placement.USUAL_FILES", 3)
    return config


def test_the_panel_is_told_the_cost_of_many_files_without_their_list(
    machine: Config, notebook: Write, sandbox: Sandbox
) -> None:
    sync([notebook({"did": "sandbox:summed.a", "select": {"first": 4}})], machine)
    with new_requests(sandbox.access_log) as requests:
        found = placement.cost("sandbox:summed.a", None, every=False)
    assert [path for path in asked(requests) if "/replicas" in path] == [
        "/replicas/sandbox/summed.a/datasets?deep=True"
    ]
    assert (found["cut"], found["access"]["download"]) == (True, {"files": 10, "bytes": 55})  # type: ignore[index]
    whole = placement.cost("sandbox:summed.a", None, every=True)
    assert whole["cut"] is False
    assert whole["access"]["store"] == {"files": 4, "bytes": 10}  # type: ignore[index]
    assert whole["access"]["download"] == {"files": 6, "bytes": 45}  # type: ignore[index]
    assert whole["sums"]["files"] == 6  # type: ignore[index]
    few = placement.cost("sandbox:summed/d1", None, every=False)
    assert (few["cut"], few["sums"], few["access"]["download"]["files"]) == (False, None, 1)  # type: ignore[index]


@pytest.mark.usefixtures("machine")
def test_the_panels_plan_is_by_sums_unless_each_file_is_asked_for(notebook: Write) -> None:
    path = notebook("summed.d")
    for exact, unsure in ((False, 5), (True, None)):
        found = queries.plan(path, exact=exact)
        assert found["download"] == {"files": 10, "bytes": 55}
        (row,) = found["notebooks"][0]["requirements"]  # type: ignore[index]
        assert (row["sums"] and row["sums"]["unsure_files"]) == unsure
