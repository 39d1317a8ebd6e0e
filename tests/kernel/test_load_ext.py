"""``%load_ext nbrucio`` in a kernel that no Jupyter server of ours started, as in VS Code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from nbrucio.pipeline.manifest import Manifest, ManifestEntry
from nbrucio.pipeline.manifest_files import write
from tests.support.jupyter_server import Output, base_environment, collect
from tests.support.manifests import local_entry

Run = Callable[[str], Output]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs cells in a plain kernel, to which nobody has told anything but what VS Code tells."""
    environment = base_environment(tmp_path)
    manager = KernelManager()
    manager.start_kernel(env=environment, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=90)
        notebook = tmp_path / "nb.ipynb"
        notebook.write_text("{}")
        client.execute(f"__vsc_ipynb_file__ = {str(notebook)!r}", silent=True)
        yield lambda code: collect(client, client.execute(code))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def tell(folder: Path, *entries: ManifestEntry) -> None:
    """Hand a manifest to the kernel as a sync does."""
    write(Manifest.of(folder / "nb.ipynb", entries), {"NBRUCIO_RUNTIME_DIR": str(folder / "runtime")})


def test_cells_wait_once_the_extension_is_loaded(run: Run, tmp_path: Path) -> None:
    read = "import nbrucio\nprint(len(nbrucio.data['muons']))"
    stopped = run(read)
    assert stopped.status == "error"
    assert stopped.traceback[1] == f"Run: nbrucio sync {tmp_path / 'nb.ipynb'}"
    assert run("%load_ext nbrucio").status == "ok"
    tell(tmp_path, ManifestEntry("muons", "s:muons", None, "syncing"))
    threading.Timer(1, tell, (tmp_path, local_entry(tmp_path, "muons", "x", "y"))).start()
    waited = run(read)
    assert waited.status == "ok", waited.traceback
    assert waited.texts[0].startswith("nbrucio: muons ready, 2 files (")
    assert waited.texts[1] == "2\n"
    assert run("f = %rucio s:muons\nprint(len(f))").text == "2\n"
    run("%unload_ext nbrucio")
    tell(tmp_path, ManifestEntry("muons", "s:muons", None, "syncing"))
    assert "still being downloaded" in run(read).traceback[0]


def test_without_a_notebook_the_cell_says_what_to_set(run: Run, tmp_path: Path) -> None:
    run("%load_ext nbrucio\ndel __vsc_ipynb_file__")
    shown = run("import nbrucio\nnbrucio.data['muons']").traceback
    assert "nbrucio does not know which notebook this kernel runs. Set NBRUCIO_NOTEBOOK to its path." in shown[0]
    tell(tmp_path, local_entry(tmp_path, "muons", "x"))
    assert (
        run("import nbrucio\nnbrucio.data['muons']").status == "error"
    )  # the only one that is synced here need not be this one
    run("%env NBRUCIO_NOTEBOOK=nb.ipynb")
    assert run("import nbrucio\nprint(len(nbrucio.data['muons']))").text == "1\n"
