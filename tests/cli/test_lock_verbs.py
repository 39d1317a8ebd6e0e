"""Locks and variants on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nbrucio_schemas import load

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_file, add_files, attach
from tests.cli.conftest import Cli

Write = Callable[..., Path]


def test_a_dataset_that_grows_under_a_lock(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        files = [NewFile(Did("sandbox", f"cli.grows/{number:02}.dat"), b"x") for number in range(70)]
        add_files(client, files, ["SANDBOX_POSIX"])
        did = add_dataset(client, "sandbox", "cli.grows", [file.did for file in files])
    path = notebook({"did": str(did), "handle": "data"})
    absent = connected("sync", path, "--locked")
    assert (absent.exit_code, absent.err.splitlines()[0]) == (
        10,
        "error: 'data' (sandbox:cli.grows) is not locked in the notebook.",
    )
    assert connected("lock", path).exit_code == 0
    assert connected("check", path).exit_code == 0
    with sandbox.admin() as client:
        attach(client, did.scope, did.name, [add_file(client, "sandbox", "cli.grows/new", b"new", ["SANDBOX_POSIX"])])
    checked = connected("status", path, "--check")
    assert (checked.exit_code, checked.out.splitlines()[1].split("; ")[-1]) == (0, "gained 1 file, 3 B since the lock")
    found = connected("check", path)
    assert (found.exit_code, "gained 1 file, 3 B since the lock" in found.err + found.out) == (3, True)
    assert connected("sync", path, "--locked").exit_code == 10
    assert connected("sync", path, "--frozen", "--json").facts["downloaded_files"] == 70
    old = connected("sync", path, "--json").facts["notebooks"][0]["requirements"][0]
    assert (old["state"], len(old["files"])) == ("ready", 70), "a sync from the lock still gives the old set"
    _valid(path)
    assert "gained 1 file, 3 B since the lock" in connected("lock", path, "--upgrade", "data").out


def _valid(path: Path) -> None:
    """Both parts of the lock have the form that their schemas describe."""
    import jsonschema

    jsonschema.validate(json.loads(path.read_text())["metadata"]["nbrucio"], load("declaration-1"))
    beside = json.loads((path.parent / f"{path.name}.nbrucio-lock.json").read_text())
    jsonschema.validate(beside, load("lock-lists-1"))


def test_a_variant_is_had_by_the_same_handle(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "muons"})
    content = json.loads(path.read_text())
    content["metadata"]["nbrucio"]["variants"] = {"dev": {"muons": {"first": 1}}}
    path.write_text(json.dumps(content))
    assert connected("sync", path, "--variant", "dev", "--json").facts["downloaded_files"] == 1
    assert len(connected("paths", path, "muons", "--variant", "dev").out.splitlines()) == 1
    assert "3 to download" in connected("plan", path).out
    unknown = connected("sync", path, "--variant", "prod")
    assert (unknown.exit_code, "Declared variants: dev." in unknown.err) == (2, True)


def test_status_says_why_a_locked_list_cannot_be_read(cli: Cli) -> None:
    path = cli.folder / "nb.ipynb"
    lock = {"did": "s:many", "type": "DATASET", "files": 70, "bytes": 70, "open": False}
    lock |= {"digest": f"sha256:{'0' * 64}", "locked": "2026-01-01T00:00:00Z"}
    declared = {"version": 1, "requirements": [{"did": "s:many", "handle": "many"}], "lock": {"many": lock}}
    path.write_text(json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}))
    beside = path.with_name("nb.ipynb.nbrucio-lock.json")
    beside.write_text("{")
    instance = '[instances.a]\nhost = "https://rucio.example.org"\nauth_type = "x509_proxy"\n'
    (cli.folder / "config.toml").write_text(instance)
    status = cli("status", path, NBRUCIO_CONFIG=str(cli.folder / "config.toml"))
    assert (status.exit_code, "not resolved" in status.out) == (0, True)
    assert f"error: {beside} cannot be read: it is not valid JSON (line 1, column 2)." in status.err
    beside.unlink()
    status = cli("status", path, NBRUCIO_CONFIG=str(cli.folder / "config.toml"))
    assert (status.exit_code, status.err) == (0, ""), "that no sync has resolved it yet is no error"


def test_what_excludes_each_other_is_refused(connected: Cli, notebook: Write) -> None:
    result = connected("sync", notebook(), "--locked", "--refresh")
    assert (result.exit_code, "--refresh, --locked and --frozen exclude each other." in result.err) == (2, True)


@pytest.mark.parametrize("name", ["nb.ipynb", "nb.py"])
def test_a_notebook_without_data_is_not_written(connected: Cli, notebook: Write, name: str) -> None:
    notebook()
    (connected.folder / "nb.py").write_text("print()\n")
    before = (connected.folder / name).read_bytes()
    for words in ((), ("--upgrade",), ("--pin",)):
        result = connected("lock", name, *words)
        words_out = f"No data is declared. next: nbrucio add {name} SCOPE:NAME\n"
        assert (result.exit_code, result.out, result.err) == (0, words_out, "")
        assert (connected.folder / name).read_bytes() == before
    assert connected("lock", name, "--json").facts["changed"] is False
