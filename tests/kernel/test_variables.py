"""Handles as variables: in the types that rucio-jupyterlab gives them, and never in the place of another one."""

from __future__ import annotations

import ast
import copy
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from nbrucio.kernel import Data, DataNotHere
from nbrucio.kernel.gate import DataNotReady, Gate
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestFile
from nbrucio.pipeline.manifest_files import write
from tests.support.manifests import local_entry


class Cells:
    """Runs cells behind the gate, in the kernel of a notebook that has one attached file and one dataset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, Any] = {"get_ipython": lambda: None, "mine": "untouched"}
        self.environ = {"NBRUCIO_RUNTIME_DIR": str(folder / "run")}
        attached = [{"did": f"s:{name}", "variableName": name} for name in ("one", "many", "print", "mine")]
        (folder / "nb.ipynb").write_text(json.dumps({"metadata": {"rucio_attachments": attached}}))
        self._gate = Gate(self.variables, Data(folder / "nb.ipynb", self.environ))
        (folder / "one.root").write_bytes(b"one")
        self.one = ManifestEntry(
            "one", "s:one", None, "ready", (ManifestFile("s:one", str(folder / "one.root")),), bind=True
        )
        others = [
            local_entry(folder, name, f"{name}.0", f"{name}.1")._replace(bind=True)
            for name in ("many", "print", "mine")
        ]
        self.others = tuple(others)

    def sync(self, *entries: ManifestEntry) -> None:
        """Write the manifest with these entries."""
        write(Manifest.of(self.folder / "nb.ipynb", entries), self.environ)

    def __call__(self, code: str) -> Any:
        """Run a cell, and return what it calls ``x``."""
        transformed = TransformerManager().transform_cell(code)
        tree = self._gate.visit(ast.parse(transformed))
        exec(compile(tree, "cell", "exec"), self.variables)
        return self.variables.get("x")


@pytest.fixture
def cells(tmp_path: Path) -> Cells:
    """After a sync."""
    made = Cells(tmp_path)
    made.sync(made.one, *made.others)
    return made


def test_a_file_is_its_path_as_text(cells: Cells) -> None:
    path = str(cells.folder / "one.root")
    assert cells(
        "from pathlib import Path\n"
        "x = [one + '.idx', f'{one}', Path(one).read_bytes(), one.path, one.did, one.did_available]"
    ) == [
        f"{path}.idx",
        path,
        b"one",
        path,
        "s:one",
        True,
    ]
    value = cells("x = one")
    assert isinstance(value, str)
    assert repr(value) == path
    assert (os.fspath(value), json.dumps(value), {value: 1}[path]) == (path, json.dumps(path), 1)
    for copied in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
        assert isinstance(copied, str)
        assert copied == path


def test_a_dataset_is_a_list_of_paths(cells: Cells) -> None:
    paths = [str(cells.folder / f"many.{number}") for number in (0, 1)]
    value = cells("x = many")
    assert isinstance(value, list)
    assert value == value.items == pickle.loads(pickle.dumps(value)) == paths
    assert cells("x = many + [one]") == [*paths, str(cells.folder / "one.root")]
    assert cells("x = [len(f) for f in many]") == [len(path) for path in paths]
    assert (value.did, value.folder) == ("s:many", str(cells.folder))


def test_a_dataset_of_one_file_is_a_list_too(cells: Cells) -> None:
    cells.sync(local_entry(cells.folder, "many", "single")._replace(bind=True))
    assert cells("x = many") == [str(cells.folder / "single")]


def test_builtin_names_and_variables_stay_what_they_are(cells: Cells) -> None:
    cells("x = (mine, print)")
    assert cells.variables["x"] == ("untouched", print)


def test_a_variable_that_the_user_changed_is_the_users(cells: Cells) -> None:
    assert cells("many.pop()\nx = many") == [str(cells.folder / "many.0")]
    assert len(cells("x = many")) == 1
    assert cells("one = one + '.idx'\nx = one").endswith(".idx")
    assert cells("x = one").endswith(".idx")


def test_a_variable_follows_the_data_of_the_notebook(cells: Cells) -> None:
    cells("x = many")
    cells.sync(local_entry(cells.folder, "many", "a", "b", "c")._replace(bind=True))
    assert len(cells("x = many")) == 3


def test_a_variable_whose_file_is_gone_stops_the_cell(cells: Cells) -> None:
    cells("x = one")
    (cells.folder / "one.root").unlink()
    with pytest.raises(DataNotReady, match="is gone"):
        cells("x = one")


def test_a_path_of_a_file_that_changed_is_not_given(cells: Cells) -> None:
    value = cells("x = many + [one]\nx = many")
    (cells.folder / "many.1").write_bytes(b"other")
    assert value[0] == str(cells.folder / "many.0")
    with pytest.raises(DataNotHere, match="many"):
        list(value)
    with pytest.raises(DataNotHere, match="many"):
        value[1]


@pytest.mark.parametrize(
    "code", ["!head {one}", "!head $one", "%timeit len(one)", "def f(): return one", "lines = !cat {one}.idx"]
)
def test_every_way_to_read_a_variable_needs_its_data(cells: Cells, code: str) -> None:
    cells.sync(cells.one._replace(state="failed", files=()))
    with pytest.raises(DataNotReady):
        cells(code)


@pytest.mark.parametrize(
    "code", ["def f(one): return one", "import os as one; one", "x = 'one'", "x = [one for one in ()]"]
)
def test_a_name_that_the_cell_sets_itself_needs_no_data(cells: Cells, code: str) -> None:
    cells.sync(cells.one._replace(state="failed", files=()))
    cells(code)


def test_before_the_first_sync_a_cell_does_not_run_without_its_data(tmp_path: Path) -> None:
    cells = Cells(tmp_path)
    with pytest.raises(DataNotReady, match="has not been synced"):
        cells("x = one")
    with pytest.raises(NameError):
        cells("x = another")


def test_the_data_of_one_file_is_a_path(cells: Cells) -> None:
    data = Data(cells.folder / "nb.ipynb", cells.environ)
    assert Path(data["one"]).read_bytes() == b"one"
    assert (len(data["one"]), str(data["one"])) == (1, data["one"][0])
    assert repr(data["one"]).startswith("<nbrucio 'one' s:one: 1 file, ")
    assert not isinstance(data["many"], os.PathLike)
