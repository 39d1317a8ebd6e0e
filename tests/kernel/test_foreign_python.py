"""The kernel part in a Python that has nothing of nbrucio installed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import nbrucio.kernel
from nbrucio.pipeline.manifest_files import write
from tests.support import interpreters
from tests.support.manifests import local_entry, of

FOLDER = Path(nbrucio.kernel.__file__).parent
SOURCES = [
    *sorted(FOLDER.rglob("*.py")),
    FOLDER.parent / "launch/startup/nbrucio_startup.py",
    FOLDER.parent / "__init__.py",
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_source_is_python_3_9(source: Path) -> None:
    ast.parse(source.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_only_the_standard_library_is_imported(source: Path) -> None:
    allowed = {*sys.stdlib_module_names, "IPython", "nbrucio"}  # IPython: only inside of it; nbrucio: see below
    for node in ast.walk(ast.parse(source.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            assert name.partition(".")[0] in allowed, f"{source}:{node.lineno} imports {name}"
            if source.parent == FOLDER:
                assert not name.startswith("nbrucio"), f"{source}:{node.lineno} is not a relative import"


@pytest.mark.parametrize("version", interpreters.present())
def test_the_folder_alone_gives_the_data(version: str, tmp_path: Path) -> None:
    """The folder is all that this Python sees of nbrucio, under a name of its own."""
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    path = write(of(tmp_path / "nb.ipynb", local_entry(tmp_path, "muons", "x", "y")), environ)
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "found_data").symlink_to(FOLDER)
    code = (
        "import sys, json, pickle; sys.dont_write_bytecode = True\n"
        f"sys.path.insert(0, {str(tmp_path / 'path')!r})\n"
        "from found_data import data, DataNotHere\n"
        "muons = data['muons']\n"
        "try: data['jets']\n"
        "except DataNotHere as error: told = error.message\n"
        "foreign = [m for m in sys.modules if m.startswith('nbrucio')]\n"
        "again = pickle.loads(pickle.dumps(muons))\n"
        "print(json.dumps([list(muons), muons.bytes, list(again), told, foreign, '%d.%d' % sys.version_info[:2]]))\n"
    )
    done = subprocess.run(
        [interpreters.get(version), "-I", "-W", "error", "-c", code],
        env={"NBRUCIO_MANIFEST": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    paths, size_bytes, again, told, foreign, ran = json.loads(done.stdout)
    assert paths == again == [str(tmp_path / "x"), str(tmp_path / "y")]
    assert size_bytes == 20
    assert told.startswith("This notebook declares no data as 'jets'.")
    assert (foreign, ran) == ([], version)


def test_reading_data_imports_no_library_and_none_of_the_engine(tmp_path: Path) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    path = write(of(tmp_path / "nb.ipynb", local_entry(tmp_path, "muons", "x")), environ)
    code = (
        "import sys; before = set(sys.modules)\n"
        "import nbrucio; nbrucio.data['muons']\n"
        "new = {m for m in set(sys.modules) - before if m.partition('.')[0] not in sys.stdlib_module_names}\n"
        "print(*sorted(new))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"NBRUCIO_MANIFEST": str(path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        "nbrucio",
        "nbrucio.kernel",
        "nbrucio.kernel.asked",
        "nbrucio.kernel.changed",
        "nbrucio.kernel.configured",
        "nbrucio.kernel.errors",
        "nbrucio.kernel.files",
        "nbrucio.kernel.lookup",
        "nbrucio.kernel.manifest",
        "nbrucio.kernel.program",
        "nbrucio.kernel.quoting",
        "nbrucio.kernel.refusals",
        "nbrucio.kernel.where",
    ]


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import nbrucio; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"nbrucio", "__future__"}
