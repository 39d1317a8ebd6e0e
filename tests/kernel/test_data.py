"""``nbrucio.data`` in a kernel that is told its manifest."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nbrucio
from nbrucio.kernel import Data, DataNotHere, File, Files, lookup
from nbrucio.pipeline.manifest import ManifestEntry, ManifestError, ManifestFile
from nbrucio.pipeline.manifest_files import write
from tests.support.manifests import local_entry, of


class Here:
    """A notebook with a manifest, and the `Data` of a kernel that is pointed to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebook = folder / "nb.ipynb"
        self.environ = {"NBRUCIO_RUNTIME_DIR": str(folder / "run")}
        self.data = Data(environ=self.environ)

    def manifest(self, *entries: ManifestEntry) -> Path:
        path = write(of(self.notebook, *entries), self.environ)
        self.environ["NBRUCIO_MANIFEST"] = str(path)
        return path

    def message(self, handle: str) -> str:
        with pytest.raises(DataNotHere) as caught:
            self.data[handle]
        return str(caught.value).replace(str(self.folder), "DIR")


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_a_handle_gives_the_paths_in_order(here: Here) -> None:
    here.manifest(local_entry(here.folder, "muons", "b", "a"))
    muons = here.data["muons"]
    assert muons == (str(here.folder / "b"), str(here.folder / "a"))
    assert (muons.handle, muons.did, muons.bytes, muons.folder) == ("muons", "s:muons", 20, str(here.folder))
    assert muons.files[1] == File("s:a", str(here.folder / "a"), None, 10, "adler32:0aff020e")


def test_a_did_gives_the_same(here: Here) -> None:
    here.manifest(local_entry(here.folder, "muons", "a"))
    assert here.data("s:muons") is here.data["muons"]


def test_streamed_files_are_given_as_pfns(here: Here) -> None:
    entry = ManifestEntry("far", "s:far", None, "ready", (ManifestFile("s:f", None, "root://x//f"),))
    here.manifest(entry)
    assert here.data["far"] == ("root://x//f",)
    assert here.data["far"].bytes is None
    assert here.data["far"].folder is None


def test_handles_can_be_listed_and_asked_for(here: Here) -> None:
    here.manifest(local_entry(here.folder, "b", "x"), ManifestEntry("a", "s:a", None, "syncing"))
    assert list(here.data) == ["b", "a"]
    assert len(here.data) == 2
    assert "a" in here.data
    assert "c" not in here.data
    assert repr(here.data) == "<nbrucio.data: b (ready), a (syncing)>"


def test_the_path_of_one_file_is_given_and_of_several_refused(here: Here) -> None:
    here.manifest(local_entry(here.folder, "one", "x"), local_entry(here.folder, "two", "y", "z"))
    assert here.data["one"].path == str(here.folder / "x")
    with pytest.raises(ValueError, match=r"'two' \(s:two\) has 2 files, so it has no single path"):
        _ = here.data["two"].path


def test_the_value_cannot_be_changed(here: Here) -> None:
    here.manifest(local_entry(here.folder, "one", "x"))
    one = here.data["one"]
    with pytest.raises(AttributeError, match="cannot be set"):
        one.did = "s:other"
    assert copy.copy(one) is one
    assert copy.deepcopy([one])[0] is one


def test_a_worker_without_nbrucio_gets_the_paths(here: Here) -> None:
    here.manifest(local_entry(here.folder, "one", "x", "y"))
    pickled = pickle.dumps(here.data["one"])
    assert b"cnbrucio" not in pickled, "no module is needed to unpickle it"
    assert pickle.loads(pickled) == (str(here.folder / "x"), str(here.folder / "y"))


def test_the_value_shows_itself_in_one_line(here: Here) -> None:
    here.manifest(local_entry(here.folder, "one", "x"), local_entry(here.folder, "two", "y", "z"))
    assert repr(here.data["two"]) == f"<nbrucio 'two' s:two: 2 files, 20 B, {here.folder}>"
    assert repr(here.data["one"]).startswith("<nbrucio 'one' s:one: 1 file, 10 B")


def test_a_new_manifest_is_noticed(here: Here) -> None:
    here.manifest(local_entry(here.folder, "one", "x"))
    assert len(here.data["one"]) == 1
    here.manifest(local_entry(here.folder, "one", "x", "y"))
    assert len(here.data["one"]) == 2


def test_an_unchanged_manifest_is_read_once(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.manifest(local_entry(here.folder, "one", "x"))
    first = here.data["one"]
    monkeypatch.setattr("nbrucio.kernel.lookup.read", lambda _path: pytest.fail("read again"))
    assert here.data["one"] is first


# What stands in the way, in the words that a user reads.


def test_message_when_the_notebook_was_never_synced(here: Here) -> None:
    here.notebook.write_text("{}")
    here.environ["NBRUCIO_NOTEBOOK"] = str(here.notebook)
    assert here.message("muons") == (
        "'muons' is missing: this notebook has not been synced on this machine.\nRun: nbrucio sync DIR/nb.ipynb"
    )


def test_message_when_the_notebook_is_unknown(here: Here) -> None:
    here.environ["NBRUCIO_NOTEBOOK"] = "/gone.ipynb"
    assert here.message("muons") == (
        "'muons' is missing: NBRUCIO_NOTEBOOK is '/gone.ipynb', which does not exist. Set it to a notebook's path."
    )


def test_message_when_the_manifest_vanished(here: Here) -> None:
    here.manifest().unlink()
    here.environ["NBRUCIO_NOTEBOOK"] = str(here.notebook)
    assert "has not been synced on this machine" in here.message("muons")


def test_message_while_syncing(here: Here) -> None:
    here.manifest(ManifestEntry("muons", "s:muons", None, "syncing"))
    assert here.message("muons") == "'muons' (s:muons) is still being downloaded. Run this cell again in a moment."


def test_message_when_the_sync_was_killed(here: Here) -> None:
    path = here.manifest(ManifestEntry("muons", "s:muons", None, "syncing"))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": ended.pid}))
    assert here.message("muons") == (
        "'muons' (s:muons) is missing: the sync was stopped before its end.\nRun: nbrucio sync DIR/nb.ipynb"
    )


def test_message_of_a_failure_has_its_reason_and_command(here: Here) -> None:
    error = ManifestError("credentials", "The password was refused.", "Check it.", "rucio whoami")
    here.manifest(ManifestEntry("muons", "s:muons", None, "failed", error=error))
    assert here.message("muons") == (
        "'muons' (s:muons) is missing: The password was refused. Check it.\nRun: rucio whoami"
    )


def test_a_failed_handle_does_not_stop_the_others(here: Here) -> None:
    here.manifest(ManifestEntry("bad", "s:bad", None, "failed"), local_entry(here.folder, "good", "x"))
    assert len(here.data["good"]) == 1
    assert here.message("bad") == ("'bad' (s:bad) is missing: the last sync failed.\nRun: nbrucio sync DIR/nb.ipynb")


def test_message_for_a_mistyped_handle(here: Here) -> None:
    here.manifest(local_entry(here.folder, "dimuon", "x"))
    assert here.message("dimoun") == "This notebook declares no data as 'dimoun'. Did you mean 'dimuon'?"


def test_message_for_an_unknown_handle(here: Here) -> None:
    here.manifest(local_entry(here.folder, "dimuon", "x"))
    assert here.message("jets") == (
        "This notebook declares no data as 'jets'. It declares dimuon.\n"
        "Run: nbrucio add DIR/nb.ipynb SCOPE:NAME --as jets"
    )


def test_message_for_an_undeclared_did(here: Here) -> None:
    here.manifest()
    with pytest.raises(DataNotHere) as caught:
        here.data("s:jets")
    assert caught.value.next_command == f"nbrucio add {here.notebook} s:jets"
    assert caught.value.subject == "s:jets"


def test_message_for_a_did_with_two_selections(here: Here) -> None:
    here.manifest(local_entry(here.folder, "a", "x", did="s:d"), local_entry(here.folder, "b", "y", did="s:d"))
    with pytest.raises(DataNotHere, match=r"Choose one of nbrucio.data\['a'\], nbrucio.data\['b'\]"):
        here.data("s:d")


def test_message_when_a_file_vanished(here: Here) -> None:
    here.manifest(local_entry(here.folder, "muons", "x", "y"))
    assert len(here.data["muons"]) == 2
    (here.folder / "y").unlink()
    assert here.message("muons") == (
        "'muons' (s:muons) must be synced again: DIR/y is gone.\nRun: nbrucio sync DIR/nb.ipynb"
    )


def test_few_files_of_many_are_looked_at(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = local_entry(here.folder, "many", "x")
    here.manifest(entry._replace(files=entry.files * 100_000))
    checked: list[object] = []
    fault_of = lookup.fault_of
    monkeypatch.setattr(lookup, "fault_of", lambda *file: checked.append(file) or fault_of(*file))
    assert len(here.data["many"]) == 100_000
    assert 1_000 <= len(checked) <= 1_024
    checked.clear()
    assert len(here.data["many"]) == 100_000
    assert 10 <= len(checked) <= 17


@pytest.mark.parametrize(
    "take",
    [
        lambda files: files[1_000],
        lambda files: files[-1_000],
        lambda files: files[990:1_010],
        list,
        dict.fromkeys,
        lambda files: (lambda *paths: paths)(*files),
        max,
    ],
    ids=["index", "from the end", "slice", "list", "keys", "arguments", "max"],
)
def test_a_file_is_checked_when_code_takes_it_out_of_many(here: Here, take: Callable[[Files], object]) -> None:
    here.manifest(local_entry(here.folder, "many", *(f"f{number:04}" for number in range(2_000))))
    files = here.data["many"]
    assert len(files) == 2_000
    assert take(files)
    (here.folder / "f1000").write_bytes(b"else")
    assert here.data["many"] is files, "16 of them are checked when the handle is asked for"
    with pytest.raises(DataNotHere, match="f1000 has 4 bytes instead of 10") as refused:
        take(files)
    assert refused.value.next_command == f"nbrucio sync {here.folder / 'nb.ipynb'}"
    assert files[0] == str(here.folder / "f0000"), "the others can be taken"
    assert len(pickle.loads(pickle.dumps(files))) == 2_000, "a worker may have files of its own"
    assert repr(files).startswith("<nbrucio 'many' s:many: 2000 files, 20.0 kB, ")


def test_the_only_file_is_checked_when_its_path_is_asked_for(here: Here) -> None:
    here.manifest(local_entry(here.folder, "muons", "x"))
    files = here.data["muons"]
    (here.folder / "x").unlink()
    with pytest.raises(DataNotHere, match="is gone"):
        _ = files.path


def test_message_when_the_manifest_is_newer(here: Here) -> None:
    path = here.manifest(local_entry(here.folder, "muons", "x"))
    path.write_text(path.read_text().replace('"version":1', '"version":2'))
    assert here.message("muons") == (
        "A newer nbrucio synced this data (manifest version 2; this nbrucio reads up to 1). "
        "Upgrade nbrucio in this kernel's Python."
    )


#: The number of a process that is too large for any.
ENDLESS = '{"version": 1, "notebook": "n", "state": "syncing", "data": {}, "pid": 1e999}'


@pytest.mark.parametrize("damage", ["", "[]", "null", "{", '{"version": 1}', '{"version": "x"}', "\xff", ENDLESS])
def test_a_damaged_manifest_is_called_so(here: Here, damage: str) -> None:
    here.manifest().write_bytes(damage.encode("latin-1"))
    assert "is damaged. Sync again to replace it." in here.message("muons")


@pytest.mark.parametrize(
    "file", [{}, {"did": 3}, {"did": "s:x", "path": 7}, {"did": "s:x", "pfn": ["https://x"]}, "s:x", 4]
)
def test_a_manifest_with_a_damaged_file_is_called_so(here: Here, file: object) -> None:
    path = here.manifest(local_entry(here.folder, "muons", "x"))
    content = json.loads(path.read_text())
    content["data"]["muons"]["files"] = [file]
    path.write_text(json.dumps(content))
    assert "is damaged. Sync again to replace it." in here.message("muons")


def test_unknown_keys_of_a_later_minor_version_are_ignored(here: Here) -> None:
    path = here.manifest(local_entry(here.folder, "muons", "x"))
    content = json.loads(path.read_text())
    content["new"] = content["data"]["muons"]["new"] = content["data"]["muons"]["files"][0]["new"] = {"a": 1}
    path.write_text(json.dumps(content))
    assert len(here.data["muons"]) == 1


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(DataNotHere("Gone.", "muons", "nbrucio sync x")))
    assert (error.message, error.subject, error.next_command) == ("Gone.", "muons", "nbrucio sync x")
    assert isinstance(error, LookupError)


def test_the_package_gives_data_and_its_error() -> None:
    assert isinstance(nbrucio.data, Data)
    assert nbrucio.DataNotHere is DataNotHere
    with pytest.raises(AttributeError, match="has no attribute 'dada'"):
        _ = nbrucio.dada


def test_a_handle_in_the_form_of_a_did_names_the_right_form(here: Here) -> None:
    here.manifest(local_entry(here.folder, "dimuon", "x"))
    with pytest.raises(DataNotHere) as caught:
        here.data("dimuon")
    assert str(caught.value) == (
        "'dimuon' is not declared in this notebook. It is a handle: did you mean nbrucio.data['dimuon']?"
    )
    for name in ("jets", "s:", ":jets", ""):
        with pytest.raises(DataNotHere) as caught:
            here.data(name)
        assert caught.value.next_command is None


@pytest.mark.parametrize("text", [" s:muons\n", "rucio://s:muons", "RUCIO://s:muons"])
def test_a_did_is_read_as_add_reads_it(here: Here, text: str) -> None:
    here.manifest(local_entry(here.folder, "muons", "a"))
    assert here.data(text) is here.data("s:muons")


@pytest.mark.parametrize("name", [0, None, ["dimuon", "jets"], b"dimuon", slice(None)])
def test_a_name_that_is_not_a_text_gets_the_right_form(here: Here, name: Any) -> None:
    here.manifest(local_entry(here.folder, "dimuon", "x"))
    with pytest.raises(TypeError, match=r'one handle as a string, such as nbrucio\.data\["muons"\], not \w+$'):
        here.data[name]
    with pytest.raises(TypeError, match=r'one DID as a string, such as nbrucio\.data\("scope:name"\), not \w+$'):
        here.data(name)


@pytest.mark.parametrize("name", ["", "a b", "1st", "class", "_x", "x" * 100_000])
def test_a_name_that_add_refuses_gets_no_add_command(here: Here, name: str) -> None:
    here.manifest()
    assert "Run:" not in here.message(name)
    assert len(here.message(name)) < 200


def test_a_removed_working_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(DataNotHere, match=r"^'x' is missing: the working folder was removed"):
        Data(environ={})["x"]
