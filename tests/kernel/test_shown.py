"""What a cell shows of data where there is no panel: the files of a value, and ``%nbrucio status``."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from nbrucio.kernel import Data, gate
from nbrucio.kernel.command import words_for
from nbrucio.kernel.shown import Status
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError, ManifestFile
from nbrucio.pipeline.manifest_files import write, write_progress
from tests.support.manifests import local_entry

HOSTILE = "<script>alert(1)</script>&\"'><img src=x onerror=y>\n\x1b[31m"


class Seen(HTMLParser):
    """The elements and the texts of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def data_of(folder: Path, *entries: ManifestEntry, declared: tuple[str, ...] = ()) -> Data:
    """The data of a notebook that declares these entries, and further handles that no sync has answered."""
    environ = {"NBRUCIO_RUNTIME_DIR": str(folder / "run")}
    requirements = [{"did": each.did, "handle": each.handle} for each in entries]
    requirements += [{"did": f"s:{handle}", "handle": handle} for handle in declared]
    (folder / "nb.ipynb").write_text(json.dumps({"metadata": {"nbrucio": {"requirements": requirements}}}))
    environ["NBRUCIO_MANIFEST"] = str(write(Manifest.of(folder / "nb.ipynb", entries), environ))
    return Data(environ=environ)


def mixed(folder: Path) -> ManifestEntry:
    """One cached file, one mounted and one streamed."""
    files = local_entry(folder, "mu", "1.root", "2.root").files
    status = Path(files[0].path or "").stat()
    cached = files[0]._replace(stat=(status.st_size, status.st_mtime_ns, None))
    far = ManifestFile("s:3.root", None, "https://x/3.root", bytes=5_000_000)
    return ManifestEntry("mu", "s:mu", None, "ready", (cached, files[1], far))


def test_a_value_shows_its_files_with_size_and_access(tmp_path: Path) -> None:
    value = data_of(tmp_path, mixed(tmp_path))["mu"]
    assert value.access == ("cached", "mounted", "streamed")
    seen = Seen(value._repr_html_())
    assert seen.texts == [
        *("File", "Size", "Access"),
        *("1.root", "10 B", "cached"),
        *("2.root", "10 B", "mounted"),
        *("3.root", "5.0 MB", "streamed"),
        "mu · s:mu: 3 files, 5.0 MB, 1 cached, 1 mounted, 1 streamed",
    ]
    assert repr(value) == f"<nbrucio 'mu' s:mu: 3 files, 5.0 MB, {tmp_path}/1.root>"


def test_of_many_files_it_shows_the_first(tmp_path: Path) -> None:
    files = tuple(ManifestFile(f"s:{n}", None, f"https://x/{n}") for n in range(1_000))
    value = data_of(tmp_path, ManifestEntry("mu", "s:mu", None, "ready", files))["mu"]
    html = value._repr_html_()
    assert len(html) < 5_000
    assert Seen(html).texts[-2:] == ["and 980 more files", "mu · s:mu: 1000 files, size unknown, streamed"]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    file = ManifestFile(f"s:{HOSTILE}", None, f"https://x/{HOSTILE}")
    ready = ManifestEntry("mu", f"s:{HOSTILE}", None, "ready", (file,))
    error = ManifestError("no_replica", HOSTILE, None, f"nbrucio sync {HOSTILE}")
    data = data_of(tmp_path, ready, ready._replace(handle="jets", state="failed", files=(), error=error))
    for html in (data["mu"]._repr_html_(), data._repr_html_()):
        seen = Seen(html)
        assert seen.tags == {"table", "thead", "tbody", "tr", "th", "td", "div"}
        assert seen.attributes == {("style", "text-align:left")}
        assert "\x1b" not in html
        assert "<script>alert(1)</script>" in "".join(seen.texts)
    assert "\x1b" not in repr(Status(data))


def test_the_status_has_a_row_for_each_requirement_and_the_next_action(tmp_path: Path) -> None:
    error = ManifestError("no_replica", "s:lost has no replica.", "Ask its owner.", "nbrucio show s:lost")
    entries = (
        mixed(tmp_path),
        ManifestEntry("lost", "s:lost", None, "failed", error=error),
        ManifestEntry("far", "s:far", None, "syncing"),
    )
    data = data_of(tmp_path, *entries, declared=("new",))
    notebook = tmp_path / "nb.ipynb"
    write_progress(
        notebook, {"bytes_done": 1_000, "bytes_total": 4_000}, {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    )
    assert repr(Status(data)).splitlines() == [
        "ready        mu    s:mu    3 files, 5.0 MB, 1 cached, 1 mounted, 1 streamed",
        "missing      lost  s:lost  'lost' (s:lost) is missing: s:lost has no replica. Ask its owner.",
        "downloading  far   s:far   all downloads: 1.0 kB of 4.0 kB",
        "missing      new   s:new   not synced yet",
        "1 of 4 ready",
        "Run: nbrucio show s:lost",
        f"Run: nbrucio sync {notebook}",
    ]


def test_a_command_names_the_notebook_and_its_button_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = "`nbrucio stage NOTEBOOK` asks Rucio for a replica on disk."
    error = ManifestError("no_replica", "NOTEBOOK is on tape.", hint, "nbrucio stage NOTEBOOK tape")
    data = data_of(tmp_path, ManifestEntry("tape", "s:tape", None, "failed", error=error))
    monkeypatch.setenv("NBRUCIO_MANIFEST", str(tmp_path / "pointer"))
    assert repr(Status(data)).splitlines() == [
        "missing  tape  s:tape  'tape' (s:tape) is missing: NOTEBOOK is on tape. "
        f"`nbrucio stage {tmp_path}/nb.ipynb` asks Rucio for a replica on disk.",
        "0 of 1 ready",
        "Find it in Explore of the panel Data (Rucio), or run in a cell: "
        f"!{words_for('nbrucio', os.environ)} stage {tmp_path}/nb.ipynb tape",
    ]


def test_a_file_that_was_removed_is_missing(tmp_path: Path) -> None:
    data = data_of(tmp_path, local_entry(tmp_path, "mu", "1.root"))
    (tmp_path / "1.root").unlink()
    assert repr(Status(data)).splitlines() == [
        f"missing  mu  s:mu  'mu' (s:mu) must be synced again: {tmp_path}/1.root is gone.",
        "0 of 1 ready",
        f"Run: nbrucio sync {tmp_path}/nb.ipynb",
    ]


def test_without_a_sync_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_text("{}")
    data = Data(tmp_path / "nb.ipynb", {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")})
    lines = [
        "No data yet: this notebook has not been synced on this machine.",
        f"Run: nbrucio sync {tmp_path}/nb.ipynb",
    ]
    assert repr(Status(data)).splitlines() == lines
    assert Seen(data._repr_html_()).texts == lines


def test_the_magic_knows_no_other_command() -> None:
    with pytest.raises(UsageError, match="one command, status, and not 'sync'"):
        gate._status_magic("sync")
