"""The stand-in for FTS3 copies files between the sandbox's storages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbrucio.sandbox.fts import Fts


def job(source: str, destination: str, checksum: str | None = None) -> dict[str, Any]:
    file = {"sources": [source], "destinations": [destination], "checksum": checksum, "metadata": {"request_id": "1"}}
    return {"files": [file], "params": {"job_metadata": {"multi_sources": False}}}


def test_the_stand_in_copies_only_inside_its_folder_and_checks(tmp_path: Path) -> None:
    folder = tmp_path / "rses"
    folder.mkdir()
    (folder / "a").write_bytes(b"hello")
    (tmp_path / "secret").write_text("no")
    fts = Fts(folder)
    good = job(f"file://localhost:0{folder}/a", f"file://localhost:0{folder}/b/c", "ADLER32:062c0215")
    bad = job(f"file://localhost:0{folder}/a", f"file://localhost:0{folder}/d", "ADLER32:00000001")
    outside = job(f"file://{folder}/../secret", f"file://{folder}/e")
    ids = [fts.submit(each) for each in (good, bad, outside)]
    assert [each["job_state"] for each in fts.jobs(ids)] == ["FINISHED", "FAILED", "FAILED"]
    assert sorted(path.name for path in folder.rglob("*")) == ["a", "b", "c"]
    assert fts.jobs(["unknown"])[0]["http_status"] == "404 Not Found"
