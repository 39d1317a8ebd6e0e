"""`nbrucio plan` and what the sync then does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.support.access_log import new_requests

Write = Callable[..., Path]


def test_sync_does_what_the_plan_said(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook({"did": "sandbox:growing", "handle": "grown"}, {"did": "sandbox:mounted", "handle": "here"})
    plan = connected("plan", path, "--json").facts
    assert not connected.store.exists()
    assert connected("sync", path, "--dry-run", "--json").facts["download"] == plan["download"]
    with new_requests(sandbox.storage_log) as requests:
        report = connected("sync", path, "--json").facts
    assert plan["access"]["mount"]["files"] == 2
    assert plan["download"] == {"files": report["downloaded_files"], "bytes": report["downloaded_bytes"]}
    assert plan["download"]["bytes"] == sum(r.size_bytes for r in requests if r.method == "GET")
    for estimated, came in zip(
        plan["notebooks"][0]["requirements"], report["notebooks"][0]["requirements"], strict=True
    ):
        assert {file["access"] for file in came["files"]} == set(estimated["access"])


def test_data_that_is_not_resolved_is_neither_free_nor_locked(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "dimuon"}, {"did": "sandbox:no-such-plan", "handle": "gone"})
    connected("sync", path)
    assert connected("plan", path).out.splitlines()[-2:] == [
        "Total of the resolved data: 4 files, 9.3 MB: 4 cached (9.3 MB)",
        "Nothing of the resolved data would be downloaded.",
    ]
    connected("lock", path)
    again = connected("lock", path)
    assert again.out.splitlines()[-1] == f"{path} is unchanged."


def test_a_plan_after_a_sync_tells_the_rate(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "dimuon"})
    assert connected("plan", path, "--json").facts["seconds"] is None
    connected("sync", path)
    done = connected("plan", path, "--offline")
    assert (done.exit_code, done.out.splitlines()[-1]) == (0, "Nothing would be downloaded.")
    shutil.rmtree(connected.store / "objects")
    again = connected("plan", path, "--json").facts
    assert again["seconds"] == again["download"]["bytes"] / again["bytes_per_s"]
