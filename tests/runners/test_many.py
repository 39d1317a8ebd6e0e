"""Many notebooks in one call, and a store that a CI system carried from one job to the next."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell
from tests.support.access_log import new_requests


def test_a_folder_of_notebooks_fetches_shared_files_once(
    shell: Shell, small: dict[str, Any], other: str, sandbox: Sandbox
) -> None:
    for number in range(3):
        shell.notebook({**small, "handle": f"data{number}"}, name=f"deep/{number}.ipynb")
    shell.notebook({"did": "sandbox:runners/1.dat", "handle": "one"}, {"did": other, "handle": "two"}, name="top.ipynb")
    with new_requests(sandbox.storage_log) as requests:
        done = shell("nbrucio", "sync", "--json", ".")
    facts = json.loads(done.out)
    assert (done.exit_code, len(facts["notebooks"])) == (0, 4), done.err
    assert (facts["downloaded_files"], facts["downloaded_bytes"]) == (4, 15_700)
    assert sum(request.size_bytes for request in requests if request.method == "GET") == 15_700


def test_one_bad_notebook_does_not_stop_the_others(shell: Shell, small: dict[str, Any]) -> None:
    shell.notebook(small, name="good.ipynb")
    (shell.folder / "bad.ipynb").write_text('{"metadata": {"nbrucio": ')
    done = shell("nbrucio", "sync", ".")
    assert (done.exit_code, done.out.splitlines()[-1].split(",")[0]) == (2, "1 of 1 ready")
    assert "bad.ipynb' is not valid JSON" in done.err


def test_a_store_from_another_jobs_cache_is_used(
    shell: Shell, small: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    path = shell.notebook(small)
    assert shell("nbrucio", "sync", path).exit_code == 0
    with tarfile.open(tmp_path / "cache.tar", "w") as archive:
        archive.add(shell.store, "store")
    with tarfile.open(tmp_path / "cache.tar") as archive:
        archive.extractall(tmp_path / "next", filter="fully_trusted")
    with new_requests(sandbox.storage_log) as requests:
        done = shell("nbrucio", "sync", path, "--json", NBRUCIO_STORE=str(tmp_path / "next" / "store"))
    assert (done.exit_code, json.loads(done.out)["downloaded_files"], requests) == (0, 0, [])
