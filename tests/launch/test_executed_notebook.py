"""With the provisioner a kernel gets the data of the notebook that is executed, however that was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.kernel.where import manifest_name
from nbrucio.pipeline.manifest import Manifest
from nbrucio.pipeline.manifest_files import write
from tests.support.jupyter_server import base_environment, declaring
from tests.support.manifests import local_entry

READ = "import nbrucio\nwith open('found', 'a') as file: print(nbrucio.data['one'][0], file=file)"
EXPORT = (
    "from nbconvert.exporters import NotebookExporter\n"
    "def export(name):\n"
    "    exporter = NotebookExporter()\n"
    "    exporter.register_preprocessor('nbconvert.preprocessors.ExecutePreprocessor', enabled=True)\n"
    "    exporter.from_filename(name)\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two synced notebooks, which have other data under the same handle."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(declaring(READ, one="s:one")))
        environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")}
        write(Manifest.of(tmp_path / f"{name}.ipynb", [local_entry(tmp_path, "one", f"data-of-{name}")]), environ)
    return tmp_path


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this Python with the provisioner."""
    own = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "nbrucio-provisioner", "NBRUCIO_RUNTIME_DIR": str(folder / "runtime")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=base_environment(folder) | own | env,
        capture_output=True,
        text=True,
        check=False,
    )


def found(folder: Path) -> list[str]:
    """The names of the files that cells found, in order."""
    return [Path(line).name for line in (folder / "found").read_text().splitlines()]


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", "a.ipynb", "b.ipynb"),
        ("-m", "jupyter", "nbconvert", "--to", "html", "--execute", "*.ipynb"),
        ("-m", "jupyter", "execute", "a.ipynb", "b", "--output={notebook_name}.done"),
        ("-m", "pytest", "-p", "no:nbrucio", "--nbmake", "a.ipynb", "b.ipynb"),
        ("-m", "pytest", "-p", "no:nbrucio", "--nbval-lax", "a.ipynb", "b.ipynb"),
        ("-c", f"{EXPORT}export('a.ipynb'); export('b.ipynb')"),
        ("-c", f"{EXPORT}import asyncio\nasync def main(): export('a.ipynb'); export('b.ipynb')\nasyncio.run(main())"),
    ],
    ids=["nbconvert", "nbconvert-pattern", "execute", "nbmake", "nbval", "program", "program-with-event-loop"],
)
def test_each_of_several_notebooks_gets_its_own_data(folder: Path, words: tuple[str, ...]) -> None:
    done = run(folder, *words)
    assert done.returncode == 0, done.stderr
    assert found(folder) == ["data-of-a", "data-of-b"]


def test_papermill_in_another_folder_gets_the_data(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    code = "import papermill; papermill.execute_notebook('a.ipynb', 'out.ipynb', cwd='elsewhere', progress_bar=False)"
    done = run(folder, "-c", code)
    assert done.returncode == 0, done.stderr
    assert found(folder / "elsewhere") == ["data-of-a"]


def test_a_notebook_that_another_one_executes_gets_its_own_data(folder: Path) -> None:
    manifests = (folder / "runtime").glob("*.json")
    outer = next(path for path in manifests if json.loads(path.read_text())["notebook"].endswith("b.ipynb"))
    done = run(folder, "-m", "jupyter", "execute", "a.ipynb", NBRUCIO_MANIFEST=str(outer))
    assert done.returncode == 0, done.stderr
    assert found(folder) == ["data-of-a"]


def test_a_notebook_that_nobody_names_says_what_to_set(folder: Path) -> None:
    code = "import nbclient, nbformat; nbclient.execute(nbformat.read('a.ipynb', 4))"
    done = run(folder, "-c", code)
    assert done.returncode != 0
    assert "nbrucio does not know which notebook this kernel runs. Set NBRUCIO_NOTEBOOK to its path." in done.stderr
    assert run(folder, "-c", code, NBRUCIO_NOTEBOOK="a.ipynb").returncode == 0
    assert found(folder) == ["data-of-a"]


@pytest.mark.parametrize("synced", [True, False])
def test_a_kernel_of_another_language_has_the_path_of_the_manifest(folder: Path, synced: bool) -> None:
    kernel = folder / "share" / "kernels" / "bash"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Bash", "language": "bash"}))
    content = declaring('echo "$NBRUCIO_MANIFEST" > found', one="s:one")
    content["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash", "language": "bash"}
    name = "a.ipynb" if synced else "new.ipynb"
    (folder / name).write_text(json.dumps(content))
    done = run(folder, "-m", "jupyter", "execute", name, JUPYTER_PATH=str(folder / "share"))
    assert done.returncode == 0, done.stderr
    path = Path((folder / "found").read_text().strip())
    assert (path, path.exists()) == (folder / "runtime" / manifest_name(folder / name), synced)
