"""A kernel has the data of its session's notebook: whatever that is called, and whatever language the kernel speaks.

The requests are those of JupyterLab 4.6, Notebook 7 and nbclassic as they were recorded in a browser, see
`Server.session`; ``tests/e2e/test_kernel_sessions.py`` has the browser send them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbrucio.jupyter.kernels import NotebookPlace, Said, chosen, moved, notebooks_of
from nbrucio.kernel import Data, DataNotHere
from nbrucio.launch import pointers
from nbrucio.pipeline.manifest import ManifestEntry
from nbrucio.pipeline.manifest_files import path_for, write
from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.jupyter.test_open_policy import DIMUON, put
from tests.jupyter.test_other_kernels import documented
from tests.support.jupyter_server import Server, declaring
from tests.support.manifests import local_entry, of
from tests.support.programs import need
from tests.support.slow_rucio import slow_rucio

READ = "import nbrucio; print(len(nbrucio.data['dimuon']))"
#: As a language without our gate reads: the variable, and the file that it names.
PLAIN = "import json, os; print(sorted(json.load(open(os.environ['NBRUCIO_MANIFEST']))['data']))"


def until(holds: Callable[[], bool], timeout_s: float = 20) -> None:
    """Wait until something holds; what is asked for in a request may be done a moment after its answer."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def synced(server: Server, name: str, **handles: str) -> Path:
    """A notebook that declares ``handles``, with its data."""
    path = put(server, name, declaring(**handles))
    server.sync(name)
    return path


def test_r_has_its_data_from_the_first_cell_on_and_over_renames_and_restarts(server: Server) -> None:
    need("R")
    (server.root / "sub").mkdir()
    synced(server, "a.ipynb", dimuon=DIMUON)
    session = server.session("a.ipynb", "ir")
    read = documented("r").replace('paths <- nbrucio("muons")', "cat(length(nbrucio('dimuon')))")
    with server.client(session["kernel"]["id"]) as kernel:
        assert kernel.run(read).text == "4"
        for old, new, path in (
            ("a.ipynb", "b.ipynb", "b.ipynb"),
            ("b.ipynb", "sub/b.ipynb", "sub/b.ipynb"),
            ("sub", "moved", "moved/b.ipynb"),
        ):
            server.rename(old, new)
            server.patch(session["id"], server.prefix + path)
            assert kernel.run(read).text == "4"
        kernel.restart()
        assert kernel.run(read).text == "4"
        # What is synced under the new name is what the kernel finds.
        synced(server, "moved/b.ipynb", renamed=DIMUON)
        assert "declares no data as 'dimuon'" in "".join(kernel.run(read).traceback)
    server.ask(f"api/sessions/{session['id']}", method="DELETE")


def test_python_has_its_data_over_moves_of_its_folder_and_restarts(server: Server) -> None:
    (server.root / "sub").mkdir()
    synced(server, "a.ipynb", dimuon=DIMUON)
    session = server.session("a.ipynb")
    pointer = server.folder / "runtime" / "kernels" / f"kernel-{session['kernel']['id']}.json"
    assert pointer.stat().st_mode & 0o777 == 0o600
    assert pointer.parent.stat().st_mode & 0o777 == 0o700
    with server.client(session["kernel"]["id"]) as kernel:
        assert kernel.run(PLAIN).text == "['dimuon']\n"
        assert kernel.run(READ).text == "4\n"
        server.rename("a.ipynb", "sub/a.ipynb")
        server.patch(session["id"], f"{server.prefix}sub/a.ipynb")
        server.rename("sub", "moved")  # and the browser is closed: the session goes on under the old name
        until(lambda: json.loads(pointer.read_bytes())["notebook"] == str(server.root / "moved" / "a.ipynb"))
        assert kernel.run(READ).text == "4\n"
        server.patch(session["id"], f"{server.prefix}moved/a.ipynb")
        kernel.restart()
        assert kernel.run(READ).text == "4\n"
        missing = kernel.run("nbrucio.data['jets']")
        assert missing.traceback[1].startswith(
            "Add it in Explore of the panel Data (Rucio), or run in a cell: "
            f"!nbrucio add {server.root / 'moved/a.ipynb'} "
        )
    server.ask(f"api/sessions/{session['id']}", method="DELETE")
    until(lambda: not list(pointer.parent.iterdir()))


def test_a_kernel_that_changes_its_session_or_has_none_at_first(server: Server) -> None:
    synced(server, "a.ipynb", dimuon=DIMUON)
    synced(server, "b.ipynb", other=DIMUON)
    status, started = server.ask("api/kernels", {"name": "python3"})
    assert status == 201
    with server.client(started["id"]) as kernel:
        assert kernel.run(PLAIN).text == "[]\n"
        # As nbclassic posts it, with a kernel that is there.
        body = {"path": server.prefix + "a.ipynb", "type": "notebook", "name": "", "kernel": {"id": started["id"]}}
        first = server.ask("api/sessions", body)[1]
        assert kernel.run(PLAIN).text == "['dimuon']\n"
        # A console beside the notebook, and another notebook that takes the same kernel, change nothing for its cells.
        console = {"path": server.prefix + "console-1", "type": "console", "name": "c", "kernel": {"id": started["id"]}}
        assert server.ask("api/sessions", console)[0] == 201
        second = server.session("b.ipynb")
        with server.client(second["kernel"]["id"]) as own:
            assert own.run(PLAIN).text == "['other']\n"
        status, _ = server.ask(f"api/sessions/{second['id']}", {"kernel": {"id": started["id"]}}, "PATCH")
        assert status == 200
        assert kernel.run(PLAIN).text == "['dimuon']\n"
        # The first one takes a kernel of its own, which ends this one: Jupyter shuts down what a session had before.
        status, changed = server.ask(f"api/sessions/{first['id']}", {"kernel": {"name": "python3"}}, "PATCH")
        assert status == 200, changed
    with server.client(changed["kernel"]["id"]) as kernel:
        assert kernel.run(PLAIN).text == "['dimuon']\n"
    for session in (first, second):
        server.ask(f"api/sessions/{session['id']}", method="DELETE")


def test_renaming_in_mid_sync_asks_for_no_consent_anew(start: Start, sandbox: Sandbox, tmp_path: Path) -> None:
    with slow_rucio(sandbox, tmp_path, 1.0) as config, start(NBRUCIO_CONFIG=str(config)) as server:
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        session = server.session("a.ipynb")
        assert server.ask("nbrucio/sync", {"path": "a.ipynb", "once": True})[1]["sync"]["state"] == "syncing"
        server.rename("a.ipynb", "b.ipynb")
        server.patch(session["id"], "b.ipynb")
        server.open("b.ipynb")
        assert server.state("b.ipynb")["state"] == "syncing"
        assert server.settled("b.ipynb")["requirements"] == {"dimuon": "ready"}
        assert server.ask("nbrucio/grants")[1] == {"grants": []}
        with server.client(session["kernel"]["id"]) as kernel:
            assert kernel.run(READ).text.endswith("4\n")


def test_where_opening_does_nothing_a_kernel_is_told_what_to_do(start: Start) -> None:
    with start("--NbrucioApp.on_open=off") as server:
        path = put(server, "a.ipynb", declaring(dimuon=DIMUON))
        with server.kernel("a.ipynb") as kernel:
            stopped = kernel.run(READ).traceback
            assert "'dimuon' (sandbox:dimuon) is missing" in stopped[0]
            assert stopped[1] == f"Press Sync in the panel Data (Rucio), or run in a cell: !nbrucio sync {path}"


def session(identity: str, path: str, kernel: str, kind: str = "notebook") -> dict[str, Any]:
    """A session as Jupyter lists it."""
    return {"id": identity, "path": path, "type": kind, "kernel": {"id": kernel}}


def test_the_first_session_of_a_kernel_decides_as_long_as_it_has_it() -> None:
    listed = [session("1", "a.ipynb", "k"), session("2", "b.ipynb", "k"), session("3", "c", "k", "console")]
    said = notebooks_of(listed)
    assert said == {"k": [Said("1", "a.ipynb"), Said("2", "b.ipynb")]}
    assert chosen(said["k"], None) == Said("1", "a.ipynb")
    assert chosen(said["k"], NotebookPlace(Said("2", "old.ipynb"), "old.ipynb")) == Said("2", "b.ipynb")
    assert chosen(said["k"], NotebookPlace(Said("gone", "x.ipynb"), "x.ipynb")) == Said("1", "a.ipynb")
    assert chosen([], None) is None


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("a/n.ipynb", "b/n.ipynb"),
        ("a", "b"),
        ("ab/n.ipynb", "ab/n.ipynb"),
        ("x/a/n.ipynb", "x/a/n.ipynb"),
    ],
)
def test_a_renamed_folder_takes_what_is_below_it(path: str, after: str) -> None:
    assert moved(path, "a", "b") == after


def test_a_pointer_is_a_manifest_before_and_after_its_kernel_has_a_notebook(tmp_path: Path) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")}
    pointer, notebook = pointers.pointer_for("kernel-1", environ), tmp_path / "a.ipynb"
    pointers.begin(pointer)
    assert json.loads(pointer.read_bytes())["data"] == {}
    assert pointer.with_suffix(".tsv").read_text() == ""
    data = Data(environ={**environ, "NBRUCIO_MANIFEST": str(pointer)})
    assert data.awaits()
    pointers.lead(pointer, notebook)
    assert data.awaits()
    with pytest.raises(DataNotHere, match=f"nbrucio sync {notebook}"):
        data.manifest()
    write(of(notebook, local_entry(tmp_path, "muons", "x")), environ)
    assert not data.awaits()
    assert list(data) == ["muons"]
    assert pointer.with_suffix(".tsv").read_text().startswith("muons\tready\t")
    # Nothing that was said is lost when a second kernel begins.
    pointers.lead(pointers.pointer_for("kernel-2", environ), notebook)
    assert list(data) == ["muons"]
    pointers.end(pointer)
    assert path_for(notebook, environ).exists()
    assert not os.path.lexists(pointer)


def test_a_pointer_of_a_server_that_was_killed_is_swept_in_the_end(tmp_path: Path) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")}
    pointers.sweep(environ)  # no folder yet
    old, new = (pointers.pointer_for(f"kernel-{name}", environ) for name in ("old", "new"))
    write(of(tmp_path / "a.ipynb", ManifestEntry("muons", "s:muons", None, "syncing")), environ)
    for pointer in (old, new):
        pointers.begin(pointer)
        pointers.lead(pointer, tmp_path / "a.ipynb")
    for file in (old, old.with_suffix(".tsv")):
        os.utime(file, (1, 1), follow_symlinks=False)
    pointers.sweep(environ)
    assert sorted(new.parent.iterdir()) == [new, new.with_suffix(".tsv")]


def test_a_server_that_was_started_in_a_kernel_gives_its_kernels_their_own_pointer(start: Start) -> None:
    with start(NBRUCIO_MANIFEST="/nonexistent/of-another-kernel.json") as server:
        synced(server, "a.ipynb", dimuon=DIMUON)
        with server.kernel("a.ipynb") as kernel:
            assert kernel.run(PLAIN).text == "['dimuon']\n"
            kernel.restart()
            assert kernel.run(PLAIN).text == "['dimuon']\n"
