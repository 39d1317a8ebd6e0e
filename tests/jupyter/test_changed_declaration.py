"""What changes the meaning of a notebook makes the data that its kernels have out of date at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.operations.adding import Wish, add
from nbrucio.operations.edit import lock, remove
from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.jupyter.test_headless import run
from tests.jupyter.test_kernel_sessions import until
from tests.jupyter.test_open_policy import put
from tests.pipeline.test_locks import dataset, grow
from tests.support.jupyter_server import Server, declaring

READ = "import nbrucio; print(len(nbrucio.data['data']), 'files')"
#: As a language without our gate reads.
PLAIN = (
    "import json, os; data = json.load(open(os.environ['NBRUCIO_MANIFEST']))['data']\n"
    "print({handle: (entry['state'], len(entry['files'])) for handle, entry in sorted(data.items())})"
)


def locked(server: Server, sandbox: Sandbox, name: str) -> tuple[dict[str, Any], Did]:
    """The content of ``a.ipynb``, which is locked to the two files of a dataset that has three by now."""
    did = dataset(sandbox, name, 2)
    content = declaring(data=str(did))
    put(server, "a.ipynb", content)
    server.sync("a.ipynb")
    saved = server.save("a.ipynb", content)
    assert saved["metadata"]["nbrucio"]["lock"]["data"]["files"] == 2
    grow(sandbox, did, f"{name}/later.dat")
    return saved, did


def accept(server: Server, content: dict[str, Any]) -> None:
    """What *Lock what it is now* does: the server resolves, the browser writes and saves."""
    status, answer = server.ask("nbrucio/lock", {"path": server.prefix + "a.ipynb", "handles": ["data"]})
    assert status == 200, answer
    content["metadata"]["nbrucio"]["lock"] |= answer["lock"]
    server.save("a.ipynb", content)


def test_a_lock_that_was_accepted_is_what_the_next_cell_reads(server: Server, sandbox: Sandbox) -> None:
    content, did = locked(server, sandbox, "accepted")
    server.ask("nbrucio/grants", {"did": str(did)})  # of any size
    with server.kernel("a.ipynb") as kernel:
        assert kernel.run(READ).text == "2 files\n"
        accept(server, content)
        output = kernel.run(READ)
        assert output.text.endswith("3 files\n"), output.traceback


def test_a_lock_that_costs_what_nobody_agreed_to_stops_cells(server: Server, sandbox: Sandbox) -> None:
    content, did = locked(server, sandbox, "refused")
    server.ask("nbrucio/grants", {"did": str(did)}, "DELETE")
    with server.kernel("a.ipynb") as kernel:
        assert kernel.run(READ).text == "2 files\n"
        accept(server, content)
        for _ in range(2):
            stopped = kernel.run(READ)
            assert "needs your consent" in stopped.traceback[0]
            assert (
                stopped.traceback[1]
                == f"Press Sync in the panel Data (Rucio), or run in a cell: !nbrucio sync {server.root / 'a.ipynb'}"
            )
            assert kernel.run(PLAIN).text == "{'data': ('failed', 2)}\n"
            kernel.restart()
        server.sync("a.ipynb")
        assert kernel.run(READ).text.endswith("3 files\n")


def test_a_selection_that_is_saved_is_what_the_next_cell_reads(server: Server, sandbox: Sandbox) -> None:
    content, _ = locked(server, sandbox, "selected")
    with server.kernel("a.ipynb") as kernel:
        assert kernel.run(READ).text == "2 files\n"
        content["metadata"]["nbrucio"]["requirements"][0]["select"] = {"first": 1}
        server.save("a.ipynb", content)
        output = kernel.run(READ)
        assert output.text.endswith("1 files\n"), output.traceback
        # A save of the same starts nothing.
        until(lambda: server.state("a.ipynb")["state"] == "done")
        manifest = next((server.folder / "runtime").glob("*.json"))
        server.save("a.ipynb", json.loads((server.root / "a.ipynb").read_text()))
        until(lambda: server.state("a.ipynb")["state"] == "done")
        before = manifest.stat()
        server.save("a.ipynb", json.loads((server.root / "a.ipynb").read_text()))
        assert kernel.run(READ).text == "1 files\n"
        assert manifest.stat() == before


@pytest.fixture
def beside(server: Server, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Config:
    """What a terminal beside the server is configured with."""
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(server.folder / "runtime"))
    return load({**sandbox.env(), "HOME": str(server.folder), "NBRUCIO_STORE": str(server.folder / "store")})


def test_what_a_terminal_edits_is_refused_until_it_is_synced(server: Server, sandbox: Sandbox, beside: Config) -> None:
    _, did = locked(server, sandbox, "edited")
    path = server.root / "a.ipynb"
    with server.kernel("a.ipynb") as kernel:
        assert kernel.run(READ).text == "2 files\n"
        lock(path, beside, upgrade=["data"])
        assert kernel.run(PLAIN).text == "{'data': ('failed', 0)}\n"
        stopped = kernel.run(READ)
        assert "'data' was changed in the notebook after its last sync." in stopped.traceback[0]
        assert stopped.traceback[1] == f"Press Sync in the panel Data (Rucio), or run in a cell: !nbrucio sync {path}"
        server.sync("a.ipynb")
        assert kernel.run(READ).text == "3 files\n"
        add(path, [Did("sandbox", "dimuon")], beside, wish=Wish(handle="more", offline=True))
        assert kernel.run(READ).text == "3 files\n"  # which the edit did not touch
        assert kernel.run(PLAIN).text == "{'data': ('ready', 3), 'more': ('failed', 0)}\n"
        assert "after its last sync" in kernel.run("nbrucio.data['more']").traceback[0]
        remove(path, ["data"])
        assert kernel.run(PLAIN).text == "{'more': ('failed', 0)}\n"
        assert kernel.run(READ).status == "error"
    assert did.name == "edited"


def test_where_opening_does_nothing_a_changed_selection_is_refused(start: Start, sandbox: Sandbox) -> None:
    with start("--NbrucioApp.on_open=off") as server:
        content, _ = locked(server, sandbox, "off")
        with server.kernel("a.ipynb") as kernel:
            assert kernel.run(READ).text == "2 files\n"
            content["metadata"]["nbrucio"]["requirements"][0]["did"] = "sandbox:dimuon"
            server.save("a.ipynb", content)
            stopped = kernel.run(READ).traceback
            assert (
                stopped[1]
                == f"Press Sync in the panel Data (Rucio), or run in a cell: !nbrucio sync {server.root / 'a.ipynb'}"
            )
            until(lambda: kernel.run(PLAIN).text == "{'data': ('failed', 0)}\n")


def test_without_a_server_a_changed_lock_is_synced_before_the_cell_runs(tmp_path: Path, sandbox: Sandbox) -> None:
    did = dataset(sandbox, "headless", 2)
    path: Path = tmp_path / "a.ipynb"
    content = declaring(READ, data=str(did))
    path.write_text(json.dumps(content))
    counts = []
    for name in ("headless/later.dat", "headless/last.dat"):
        done = run("jupyter execute", tmp_path, sandbox)
        assert done.returncode == 0, done.stderr
        (cell,) = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
        counts.append("".join("".join(one.get("text", "")) for one in cell["outputs"]))
        grow(sandbox, did, name)
        config = load({**sandbox.env(), "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")})
        lock(path, config, upgrade=["data"])
    assert counts == ["2 files\n", "3 files\n"]
