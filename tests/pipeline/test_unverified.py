"""Files of which Rucio knows no checksum, or not even the size."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from nbrucio_cli.estimates import show
from nbrucio_cli.rows import notebook_lines

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.events import ApplyStarted, Resolved
from nbrucio.core.files import FileEntry
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.plan import Access, DownloadLimits, ResolvedRequirement
from nbrucio.core.planner import Availability, make_plan
from nbrucio.core.requirement import Requirement
from nbrucio.errors import IntegrityError, exit_code_for
from nbrucio.operations.verify import verify
from nbrucio.pipeline.estimate import estimate
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.support.listener import Listener

KNOWN, SIZE_ONLY, NOTHING = "unverified.known", "unverified.size", "unverified.nothing"
#: What a server answers whose login has run out, with status 200.
LOGIN_PAGE = b"<html>Please log in</html>"


@pytest.fixture(scope="module")
def dids(sandbox: Sandbox) -> dict[str, Did]:
    """A file of each kind, and a dataset of all three, at the real server."""
    files = {name: Did("sandbox", f"{name}.root") for name in (KNOWN, SIZE_ONLY, NOTHING)}
    with sandbox.admin() as client:
        add_files(client, [NewFile(did, LOGIN_PAGE) for did in files.values()], ["SANDBOX_POSIX"])
        whole = add_dataset(client, "sandbox", "unverified.all", list(files.values()))
    # Its interface insists on a size, which servers in production lack for files of earlier days.
    database = sqlite3.connect(sandbox.root / "server" / "rucio.db", timeout=60)
    with database:
        for name, forgotten in ((SIZE_ONLY, ""), (NOTHING, "bytes = NULL, ")):
            for table, column in (("dids", "name"), ("contents", "child_name")):
                database.execute(
                    f"UPDATE {table} SET {forgotten}adler32 = NULL, md5 = NULL WHERE {column} = ?",
                    (f"{name}.root",),
                )
    database.close()
    return {**files, "all": whole}


def _notebook(tmp_path: Path, *dids: Did) -> Path:
    requirements = [{"did": str(did), "handle": f"h{n}"} for n, did in enumerate(dids)]
    content = {"cells": [], "metadata": {"nbrucio": {"requirements": requirements}}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps(content))
    return path


def _allowing(config: Config) -> Config:
    return config._replace(policy=config.policy._replace(allow_unverifiable=True))


def test_a_file_without_size_and_checksum_is_refused_and_the_others_are_downloaded(
    dids: dict[str, Did], config: Config, tmp_path: Path
) -> None:
    path = _notebook(tmp_path, dids[KNOWN], dids[SIZE_ONLY], dids[NOTHING])
    assert estimate([path], config).exit_code == 9
    report = sync([path], config)
    assert report.exit_code == 9
    assert [one.state for one in report.notebooks[0].requirements] == ["ready", "ready", "missing"]
    (error,) = report.errors()
    assert isinstance(error, IntegrityError)
    assert "neither its size nor a checksum" in error.message
    assert error.hint is not None
    assert "allow_unverifiable" in error.hint
    assert exit_code_for(status([path], config).notebooks[0].errors()) == 9


def test_a_file_without_a_checksum_is_marked_everywhere(dids: dict[str, Did], config: Config, tmp_path: Path) -> None:
    path = _notebook(tmp_path, dids[KNOWN], dids[SIZE_ONLY])
    assert [one.unverified_files for one in estimate([path], config).notebooks[0].requirements] == [0, 1]
    for report in (sync([path], config), status([path], config)):
        known, size_only = report.notebooks[0].requirements
        assert (known.state, size_only.state) == ("ready", "ready")
        assert [one.as_json()["unverified_files"] for one in (known, size_only)] == [0, 1]
        assert [one.files[0].as_json()["unverified"] for one in (known, size_only)] == [False, True]
        assert [one.row().unverified_files for one in (known, size_only)] == [0, 1]


def test_the_policy_may_allow_what_cannot_be_verified_and_it_is_marked(
    dids: dict[str, Did], config: Config, tmp_path: Path
) -> None:
    path = _notebook(tmp_path, dids[NOTHING])
    report = sync([path], _allowing(config))
    (one,) = report.notebooks[0].requirements
    assert (report.exit_code, one.state, one.unverified_files) == (0, "ready", 1)
    assert exit_code_for(status([path], config).notebooks[0].errors()) == 9, (
        "what was allowed once is not trusted without it"
    )


@pytest.mark.parametrize("access", [None, "store", "download", "mount", "any"])
def test_a_sha256_in_the_lock_verifies_what_rucio_cannot(access: str | None) -> None:
    entry = FileEntry(Did("s", "f"), None)
    resolved = ResolvedRequirement(
        Requirement(Did("s", "d"), "d", access=access), "i", (entry,), sha256={"s:f": "0" * 64}
    )
    key = ("i", entry.did)
    facts = Availability(
        {key: "/f"} if access != "mount" else {}, {key: ("/f", None)} if access == "mount" else {}, {}, {}
    )  # type: ignore[dict-item]
    (file,) = make_plan([resolved], facts, DownloadLimits(10)).requirements[0].files
    assert file.error is None
    assert file.access in (Access.STORE, Access.MOUNT)
    assert not resolved.unverified(entry)


def test_verify_calls_right_what_it_compared_and_nothing_else(
    dids: dict[str, Did], config: Config, tmp_path: Path
) -> None:
    path = _notebook(tmp_path, dids[SIZE_ONLY], dids[NOTHING])
    assert sync([path], _allowing(config)).exit_code == 0
    found = verify([path], config)
    assert [(error.exit_code, error.subject) for error in found.wrong] == [(9, str(dids[NOTHING]))]
    assert [one.unverified_files for one in found.report.notebooks[0].requirements] == [1, 0]
    assert verify([path], _allowing(config)).wrong == ()


def test_an_unknown_size_is_never_told_as_zero(
    dids: dict[str, Did], config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _notebook(tmp_path, dids["all"])
    estimated = estimate([path], _allowing(config))
    assert show(estimated, as_json=False) == 0
    told = capsys.readouterr().out
    assert "3 files, unknown size (2 unverified)" in told
    assert "3 to download (unknown size)" in told
    assert "Time and space: unknown" in told
    facts: Any = estimated.as_json()
    assert (facts["download"]["files"], facts["download"]["bytes"]) == (3, None)
    assert (facts["free_after_bytes"], facts["notebooks"][0]["requirements"][0]["bytes"]) == (None, None)
    listener = Listener()
    report = sync([path], _allowing(config), reporter=listener)
    (one,) = report.notebooks[0].requirements
    assert (one.state, one.size_bytes, one.here_bytes) == ("ready", None, None)
    assert one.resolved.lock is not None
    assert one.resolved.lock.size_bytes is None
    assert LockEntry.parse(one.resolved.lock.as_json()) == one.resolved.lock
    assert list(notebook_lines(path, [one.row()], declares_none=False))[1].endswith(
        "3 files, unknown size (2 unverified)"
    )
    sizes = [event.size_bytes for event in listener.events if isinstance(event, (Resolved, ApplyStarted))]
    assert sizes
    assert set(sizes) == {None}


def test_the_download_limit_holds_for_a_size_that_no_plan_could_count(
    dids: dict[str, Did], config: Config, tmp_path: Path
) -> None:
    path = _notebook(tmp_path, dids["all"])
    allowing = _allowing(config)
    limited = allowing._replace(policy=allowing.policy._replace(max_download_bytes=3 * len(LOGIN_PAGE) - 1))
    assert estimate([path], limited).exit_code == 0, "the sizes that are known fit"
    report = sync([path], limited)
    assert report.exit_code == 6
    (one,) = report.notebooks[0].requirements
    assert {file.entry.did: file.error.code if file.error else None for file in one.files} == {
        dids[KNOWN]: None,
        dids[SIZE_ONLY]: None,
        dids[NOTHING]: "over-budget",
    }
    assert sync([path], allowing).downloaded_files == 1, "what was finished stayed"
