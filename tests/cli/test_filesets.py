"""``nbrucio paths --format``, and the same in a program."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli

Write = Callable[..., Path]
DIMUON = {"did": "sandbox:dimuon", "handle": "muons"}
MOUNTED = {"did": "sandbox:mounted", "handle": "here"}


FAR = {"did": "sandbox:filesets/far.dat", "handle": "far", "access": "stream"}


@pytest.fixture
def synced(connected: Cli, notebook: Write, placed: Callable[..., list[Path]]) -> Path:
    """A notebook with cached, mounted and streamed data."""
    placed("filesets/far.dat", b"far", "SANDBOX_HTTPS")
    path = notebook(DIMUON, MOUNTED, FAR)
    assert connected("sync", path).exit_code == 0
    return path


def test_each_format_lists_paths_mounts_and_urls(connected: Cli, synced: Path, sandbox: Sandbox) -> None:
    def printed(form: str, *words: str) -> Any:
        done = connected("paths", synced, "--format", form, *words)
        assert (done.exit_code, done.err) == (0, "")
        return json.loads(done.out)

    coffea = printed("coffea", "--tree", "Events")
    assert list(coffea) == ["muons", "here", "far"]
    assert [len(coffea[handle]["files"]) for handle in ("muons", "far")] == [4, 1]
    assert all(set(one["files"].values()) == {"Events"} for one in coffea.values())
    assert all(place.startswith(str(connected.store)) for place in coffea["muons"]["files"])
    assert all(place.startswith(str(sandbox.root / "storage")) for place in coffea["here"]["files"])
    assert all(place.startswith("https://") for place in coffea["far"]["files"])
    assert coffea["here"]["metadata"] == {"did": "sandbox:mounted"}
    assert printed("uproot", "--tree", "Events") == {
        place: tree for one in coffea.values() for place, tree in one["files"].items()
    }
    spec = printed("rdataframe", "here", "--tree", "Events")
    assert spec["samples"]["here"] == {
        "trees": ["Events"],
        "files": list(coffea["here"]["files"]),
        "metadata": {"did": "sandbox:mounted"},
    }
    rows = printed("json")
    assert [row["place"] for row in rows] == [place for one in coffea.values() for place in one["files"]]
    assert {row["access"] for row in rows} == {"store", "mount", "stream"}
    table = connected("paths", synced, "--format", "csv", "--tree", "Events").out
    assert [row["place"] for row in csv.DictReader(table.splitlines())] == [row["place"] for row in rows]
    assert table.splitlines()[0] == "handle,did,file,place,access,bytes,checksum,tree"


def test_a_program_gets_the_same_filesets(connected: Cli, synced: Path) -> None:
    expected = json.loads(connected("paths", synced, "--format", "coffea", "--tree", "Events").out)
    found = connected.python(
        "import json, nbrucio\n"
        "print(json.dumps([nbrucio.filesets(tree='Events'), nbrucio.filesets({'here': 'Runs'}),"
        " nbrucio.data['far'].fileset('Events')]))"
    )
    here = {**expected["here"], "files": dict.fromkeys(expected["here"]["files"], "Runs")}
    assert json.loads(found) == [expected, {"here": here}, {"far": expected["far"]}]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "coffea"], "needs the name of the tree"),
        (["--format", "uproot", "--tree", ""], "needs the name of the tree"),
        (["--format", "csv", "--tree", ""], "needs the name of the tree"),
        (["--tree", "Events"], "--tree goes with --format"),
        (["--format", "json", "--json"], "exclude each other"),
        (["--format", "json", "--folder"], "exclude each other"),
        (["--format", "yaml"], "'yaml' is not one of"),
    ],
)
def test_options_that_make_no_fileset_are_refused(
    connected: Cli, notebook: Write, words: list[str], message: str
) -> None:
    done = connected("paths", notebook(), *words)
    assert (done.exit_code, "Events" in done.out) == (2, False)
    assert message in done.err


def test_a_dataset_with_a_missing_file_has_no_fileset(
    connected: Cli, notebook: Write, placed: Callable[..., list[Path]]
) -> None:
    placed("filesets/here.dat", b"here", "SANDBOX_HTTPS")
    placed("filesets/gone.dat", b"gone", "SANDBOX_HTTPS")[0].unlink()
    path = notebook(
        {"did": "sandbox:filesets/here.dat", "handle": "a"}, {"did": "sandbox:filesets/gone.dat", "handle": "b"}
    )
    connected("sync", path)
    done = connected("paths", path, "--format", "coffea", "--tree", "Events")
    assert (done.exit_code, done.out) == (4, "")
    message, *hints = done.err.strip().splitlines()
    assert "filesets/gone.dat" in message
    assert hints == ["", f"next: nbrucio sync {path}"]
    code = "import nbrucio\ntry:\n nbrucio.filesets('Events')\nexcept LookupError as error:\n print(error)"
    message, command = connected.python(code).splitlines()
    assert message.startswith("'b' (sandbox:filesets/gone.dat) is missing: ")
    assert command == f"Run: nbrucio sync {path}"


def test_a_handle_that_was_added_after_the_sync_is_not_left_out(connected: Cli, notebook: Write) -> None:
    connected("sync", notebook(MOUNTED))
    notebook(MOUNTED, {**MOUNTED, "handle": "new"})
    found = connected.python(
        "import nbrucio\ntry:\n nbrucio.filesets('Events')\nexcept LookupError as error:\n print(error)"
    )
    assert found.splitlines()[0] == "'new' was changed in the notebook after its last sync."


def test_a_fileset_names_a_tree(connected: Cli, notebook: Write) -> None:
    connected("sync", notebook(MOUNTED))
    code = "import nbrucio\ntry:\n nbrucio.data['here'].fileset('')\nexcept ValueError as error:\n print(error)"
    assert connected.python(code) == "Name the tree to read, for example 'Events'.\n"
