"""Where downloads come from: `--rse`, `prefer_rses` and `avoid_rses`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.cli.conftest import Cli

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def at_two_rses(sandbox: Sandbox) -> str:
    """The DID of a dataset whose files are at two RSEs."""
    with sandbox.admin() as client:
        files = [NewFile(Did("sandbox", f"twice/{number}"), b"x") for number in range(2)]
        add_files(client, files, ["SANDBOX_POSIX", "SANDBOX_HTTPS"])
        return str(add_dataset(client, "sandbox", "twice", [file.did for file in files], closed=True))


@pytest.fixture
def twice(at_two_rses: str, notebook: Write) -> Path:
    """A notebook that declares it."""
    return notebook({"did": at_two_rses, "handle": "twice"})


def policy(connected: Cli, text: str) -> dict[str, str]:
    """A configuration of the sandbox with this policy."""
    config = Path(connected.env["NBRUCIO_CONFIG"]).read_text()
    own = connected.folder / "own.toml"
    own.write_text(f"{config}\n[policy]\n{text}\n" if "[policy]" not in config else config)
    return {"NBRUCIO_CONFIG": str(own)}


@pytest.mark.parametrize("rse", ["SANDBOX_POSIX", "SANDBOX_HTTPS"])
def test_a_plan_shows_where_downloads_come_from_and_why(rse: str, connected: Cli, twice: Path) -> None:
    only = connected("plan", twice, "--rse", rse)
    assert only.out.splitlines()[-1] == f"From: {rse} (2 files; matches {rse})."
    preferred = connected("plan", twice, **policy(connected, f'prefer_rses = ["{rse[:-2]}*"]'))
    assert preferred.out.splitlines()[-1] == f"From: {rse} (2 files; preferred)."
    avoided = connected("plan", twice, "--json", **policy(connected, f'avoid_rses = ["{rse}"]'))
    (source,) = avoided.facts["sources"]
    assert (source["rse"] != rse, source["files"], source["reason"]) == (True, 2, "first in Rucio's order")


def test_a_sync_downloads_from_the_named_rses_only(connected: Cli, twice: Path) -> None:
    none = connected("sync", twice, "--rse", "SANDBOX_SCRATCHDISK")
    assert none.exit_code == 4
    assert "hint: Only the RSEs of --rse SANDBOX_SCRATCHDISK were asked for." in none.err
    wrong = connected("sync", twice, "--rse", "no=such")
    assert (wrong.exit_code, "no=such" in wrong.err) == (2, True), wrong.err
    assert connected("sync", twice, "--rse", "SANDBOX_HTTPS").exit_code == 0
    assert connected("sync", twice, "--rse", "SANDBOX_SCRATCHDISK").exit_code == 0, "cached files are used"


def test_a_mounted_file_at_another_rse_is_not_used(connected: Cli, sandbox: Sandbox, notebook: Write) -> None:
    with sandbox.admin() as client:
        file = NewFile(Did("sandbox", "rses/near"), b"x")
        add_files(client, [file], ["SANDBOX_MOUNT", "SANDBOX_HTTPS"])
    near = notebook({"did": str(file.did), "handle": "near"})

    def access(*words: str) -> str:
        report = connected("sync", near, "--json", *words).facts
        (found,) = report["notebooks"][0]["requirements"][0]["files"]
        return str(found["access"])

    assert access() == "mount"
    assert access("--rse", "SANDBOX_MOUNT") == "mount"
    assert access("--rse", "SANDBOX_HTTPS") == "download"


def test_a_sync_links_files_into_a_folder(connected: Cli, twice: Path) -> None:
    first = connected("sync", twice, "--links", "my data")
    assert (first.exit_code, first.out.splitlines()[-1].endswith("my data/twice linked: 2 files")) == (0, True)
    again = connected("sync", twice, "--links", "my data", "--json").facts
    assert (again["links"][0]["act"], again["exit_code"]) == ("unchanged", 0)
    assert (connected.folder / "my data" / "twice" / "0").read_bytes() == b"x"
    assert connected("sync", twice, twice.parent / "other.ipynb", "--links", "x").exit_code == 2
