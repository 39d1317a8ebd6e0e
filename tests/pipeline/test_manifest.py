"""Writing manifests."""

from __future__ import annotations

import json
import os
import stat
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest

from nbrucio.errors import BadConfig, NoSpace, OverBudget
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError, ManifestFile
from nbrucio.pipeline.manifest_files import path_for, remove, write

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas/nbrucio_schemas/manifest-1.schema.json").read_text(encoding="utf-8")
)
READY = ManifestEntry(
    "muons",
    "s:dimuon",
    "rucio.example.org",
    "ready",
    (ManifestFile("s:f1", "/data/f1", "davs://x/f1", 10, "adler32:00620062"), ManifestFile("s:f2", "/data/f2")),
    folder="/views/dimuon",
)
FAILED = ManifestEntry(
    "jets", "s:jets", None, "failed", error=ManifestError.of(OverBudget("It is too large.", hint="Raise the limit."))
)
COMING = ManifestEntry("taus", "s:taus", "rucio.example.org", "syncing", bind=True)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}


def test_what_is_written_is_valid_by_the_schema(tmp_path: Path, environ: dict[str, str]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    path = write(Manifest.of(tmp_path / "a.ipynb", (READY, FAILED, COMING)), environ)
    written = json.loads(path.read_text())
    jsonschema.validate(written, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert written["data"]["muons"]["files"][0] == {
        "did": "s:f1",
        "path": "/data/f1",
        "pfn": "davs://x/f1",
        "bytes": 10,
        "checksum": "adler32:00620062",
    }
    assert written["data"]["jets"]["error"]["code"] == "over-budget"
    assert list(written["data"]) == ["muons", "jets", "taus"]


def test_the_schema_refuses_a_manifest_without_files_or_of_another_version(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    good = json.loads(write(Manifest.of(tmp_path / "a.ipynb", (READY,)), environ).read_text())
    without_files = json.loads(json.dumps(good))
    del without_files["data"]["muons"]["files"]
    for bad in (without_files, {**good, "version": 2}, {**good, "state": "done"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, SCHEMA)


@pytest.mark.parametrize(
    ("entries", "state"),
    [((), "ready"), ((READY,), "ready"), ((READY, FAILED), "failed"), ((READY, FAILED, COMING), "syncing")],
)
def test_the_state_of_the_whole_follows_from_the_entries(entries: tuple[ManifestEntry, ...], state: str) -> None:
    assert Manifest.of(Path("/nb.ipynb"), entries).state == state


def test_only_this_user_can_read_it(tmp_path: Path, environ: dict[str, str]) -> None:
    path = write(Manifest.of(tmp_path / "a.ipynb", (READY,)), environ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_open_runtime_folder_is_closed(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    path = write(Manifest.of(tmp_path / "a.ipynb", ()), environ)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_linked_runtime_folder_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadConfig, match="is a symbolic link") as caught:
        write(Manifest.of(tmp_path / "a.ipynb", ()), environ)
    assert caught.value.hint == "Set NBRUCIO_RUNTIME_DIR to a folder of your own on local disk."
    assert not list((tmp_path / "elsewhere").iterdir())


def test_another_users_runtime_folder_is_refused(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: (tmp_path / "run").stat().st_uid + 1)
    with pytest.raises(BadConfig, match="belongs to another user"):
        write(Manifest.of(tmp_path / "a.ipynb", ()), environ)


def test_a_file_in_place_of_the_runtime_folder_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(BadConfig, match="is not a folder"):
        write(Manifest.of(tmp_path / "a.ipynb", ()), environ)


def test_a_failed_write_keeps_the_old_manifest_and_leaves_no_rest(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest.of(tmp_path / "a.ipynb", (READY,))
    path = write(manifest, environ)
    before = path.read_bytes()

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(NoSpace, match="No space left on device"):
            write(Manifest.of(tmp_path / "a.ipynb", (COMING,)), environ)
    assert path.read_bytes() == before
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".json", ".tsv"]


def test_the_runtime_folder_follows_the_environment(tmp_path: Path) -> None:
    notebook = tmp_path / "a.ipynb"
    assert path_for(notebook, {"XDG_RUNTIME_DIR": "/run/user/1"}).parent == Path("/run/user/1/nbrucio")
    own = {"XDG_RUNTIME_DIR": "/run/user/1", "NBRUCIO_RUNTIME_DIR": "/mine"}
    assert path_for(notebook, own).parent == Path("/mine")
    assert path_for(notebook, {}).parent.name == f"nbrucio-{os.getuid()}"


def test_one_notebook_has_one_manifest_under_all_its_names(tmp_path: Path) -> None:
    notebook = tmp_path / "a.ipynb"
    notebook.touch()
    (tmp_path / "link.ipynb").symlink_to(notebook)
    assert path_for(tmp_path / "link.ipynb") == path_for(notebook) == path_for(tmp_path / "x" / ".." / "a.ipynb")
    assert path_for(tmp_path / "b.ipynb") != path_for(notebook)


def test_the_plain_form_has_a_line_per_file(tmp_path: Path, environ: dict[str, str]) -> None:
    streamed = READY._replace(handle="far", files=(ManifestFile("s:f", None, "root://x//f", 7),))
    path = write(Manifest.of(tmp_path / "a.ipynb", (READY, streamed, COMING)), environ)
    assert path.with_suffix(".tsv").read_text() == (
        "muons\tready\t/data/f1\t10\nmuons\tready\t/data/f2\t\nfar\tready\troot://x//f\t7\ntaus\tsyncing\t\t\n"
    )


def test_the_time_is_written_in_utc(tmp_path: Path, environ: dict[str, str]) -> None:
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    path = write(Manifest.of(tmp_path / "a.ipynb", ())._replace(written=moment), environ)
    assert json.loads(path.read_text())["written"] == "2026-11-23T10:00:00.000Z"


def test_names_that_are_no_utf8_are_written(tmp_path: Path, environ: dict[str, str]) -> None:
    odd = os.fsdecode(b"/data/\xff\xfe.root")
    entry = READY._replace(files=(ManifestFile("s:f", odd),))
    path = write(Manifest.of(tmp_path / "a.ipynb", (entry,)), environ)
    assert json.loads(path.read_text())["data"]["muons"]["files"][0]["path"] == odd


def test_removing_takes_both_forms_and_is_idempotent(tmp_path: Path, environ: dict[str, str]) -> None:
    path = write(Manifest.of(tmp_path / "a.ipynb", (READY,)), environ)
    remove(tmp_path / "a.ipynb", environ)
    remove(tmp_path / "a.ipynb", environ)
    assert not list(path.parent.iterdir())


def test_the_cost_of_writing_grows_no_faster_than_the_files(tmp_path: Path, environ: dict[str, str]) -> None:
    def seconds(count: int) -> float:
        files = tuple(ManifestFile(f"s:f{n}", f"/data/f{n}", None, n, "adler32:00620062") for n in range(count))
        manifest = Manifest.of(tmp_path / "a.ipynb", (READY._replace(files=files),))
        return min(_timed(manifest, environ) for _ in range(3))

    assert seconds(100_000) < 40 * seconds(10_000)  # ten times the files; quadratic would be a hundred times


def _timed(manifest: Manifest, environ: dict[str, str]) -> float:
    began = time.process_time()
    write(manifest, environ)
    return time.process_time() - began


def test_a_manifest_that_says_the_same_already_is_left_alone(tmp_path: Path, environ: dict[str, str]) -> None:
    notebook = tmp_path / "a.ipynb"
    path = write(Manifest.of(notebook, (READY,)), environ)
    before = path.stat()
    write(Manifest.of(notebook, (READY,)), environ)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write(Manifest.of(notebook, (READY._replace(folder=None),)), environ)
    assert path.stat().st_ino != before.st_ino
    path.with_suffix(".tsv").unlink()
    write(Manifest.of(notebook, (READY._replace(folder=None),)), environ)
    assert path.with_suffix(".tsv").exists()
