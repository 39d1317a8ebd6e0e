"""Cells wait for their data, or are stopped with the reason: real kernels of a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError
from nbrucio.pipeline.manifest_files import write
from tests.jupyter.conftest import Start
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Kernel, Server, declaring
from tests.support.manifests import local_entry

DIMUON = "sandbox:dimuon"
READ = (
    "import nbrucio\n"
    "files = nbrucio.data['dimuon']\n"
    "print(len(files), all(open(p, 'rb').read(4) == b'root' for p in files))"
)


def tell(server: Server, notebook: Path, *entries: ManifestEntry) -> None:
    """Hand a manifest to the kernels of ``notebook`` as a sync does."""
    write(Manifest.of(notebook, entries), {"NBRUCIO_RUNTIME_DIR": str(server.folder / "runtime")})


def test_a_kernel_reads_the_data_of_its_notebook(server: Server) -> None:
    server.ask("nbrucio/grants", {"did": DIMUON})
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    with server.kernel("a.ipynb") as kernel:  # nobody opened it: the kernel's start is enough
        output = kernel.run(READ)
    assert output.status == "ok", output.traceback
    assert output.text.endswith("4 True\n")


def test_restart_and_run_all_reads_the_data_every_time(server: Server) -> None:
    server.ask("nbrucio/grants", {"did": DIMUON})
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    with server.kernel("a.ipynb") as kernel:
        for _ in range(7):
            kernel.restart()
            output = kernel.run(READ)
            assert output.status == "ok", output.traceback
            assert output.text.endswith("4 True\n")


def test_a_cell_waits_in_one_line_that_replaces_itself(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        ready = local_entry(server.root, "muons", "x", "y")
        threading.Timer(1.5, tell, (server, path, ready)).start()
        output = kernel.run("import nbrucio\nprint(len(nbrucio.data['muons']))")
    assert output.status == "ok", output.traceback
    shown, printed = output.texts
    assert shown.startswith("nbrucio: muons ready, 2 files (")
    assert printed == "2\n"


def test_a_cell_that_uses_no_data_runs_while_another_would_wait(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        assert kernel.run("print(1 + 1)", timeout_s=5).text == "2\n"


def test_a_use_that_no_tree_shows_waits_where_it_happens(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        kernel.run("import nbrucio\ndef read(name):\n    return len(nbrucio.data[name])")
        threading.Timer(1, tell, (server, path, local_entry(server.root, "muons", "x"))).start()
        output = kernel.run("print(read('mu' + 'ons'))")
    assert output.status == "ok", output.traceback
    assert output.texts[-1] == "1\n"


def test_a_cell_is_stopped_with_the_reason_and_what_to_type(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        error = ManifestError("offline", "rucio.example.org does not answer.", next_command="nbrucio sync a.ipynb")
        tell(server, path, ManifestEntry("muons", "s:muons", None, "failed", error=error))
        output = kernel.run("print('ran')\nimport nbrucio\nnbrucio.data['muons']")
        assert output.status == "error"
        assert output.text == ""
        assert output.traceback == [
            "\x1b[31mDataNotReady\x1b[39m: 'muons' (s:muons) is missing: rucio.example.org does not answer.",
            "Press Sync in the panel Data (Rucio), or run in a cell: !nbrucio sync a.ipynb",
            "The cell was not run.",
        ]
        magic = kernel.run("%%time\nimport nbrucio\nprint('ran', nbrucio.data['muons'])")
        assert (magic.status, "ran" in magic.text) == ("error", False)
        assert kernel.run("print('alive')").text == "alive\n"


def test_an_undeclared_handle_is_an_error_of_two_lines(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        output = kernel.run("import nbrucio\nnbrucio.data['jets']")
    assert output.traceback == [
        "\x1b[31mDataNotHere\x1b[39m: This notebook declares no data as 'jets'. It declares muons.",
        f"Add it in Explore of the panel Data (Rucio), or run in a cell: !nbrucio add {path} SCOPE:NAME --as jets",
    ]


def test_an_interrupt_ends_the_waiting(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        threading.Timer(1, server.ask, (f"api/kernels/{kernel.identity}/interrupt", {})).start()
        output = kernel.run("import nbrucio\nnbrucio.data['muons']", timeout_s=20)
        assert output.status == "error"
        assert "Waiting for the data of this cell was interrupted." in output.traceback[0]
        assert kernel.run("print('alive')").text == "alive\n"


def test_a_handle_becomes_a_variable_only_where_the_declaration_asks(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        asked = local_entry(server.root, "muons", "x")
        tell(
            server,
            path,
            *(
                ManifestEntry(handle, f"s:{handle}", None, "ready", asked.files, bind=bind)
                for handle, bind in (("muons", True), ("jets", False), ("print", True), ("_x", True), ("mine", True))
            ),
        )
        assert kernel.run("print(len(muons))").texts[-1] == "1\n"
        assert kernel.run("jets").status == "error"
        assert kernel.run("_x.did").status == "error"
        kernel.run("mine = 'untouched'")
        assert kernel.run("print(mine)").text == "untouched\n"


def test_hostile_handles_change_nothing_and_are_told_in_plain_text(server: Server) -> None:
    handles = ["__import__", "print", "<b>x</b>", "\x1b[31mred", "😀", "a b", "class", "x;import os", "get_ipython"]
    requirements = [{"did": DIMUON, "handle": handle, "bind": True} for handle in handles]
    content = declaring()
    content["metadata"]["nbrucio"]["requirements"] = requirements
    put(server, "a.ipynb", content)
    server.sync("a.ipynb")
    report = server.ask(f"nbrucio/status?path={server.api('a.ipynb')}")[1]
    told = "\n".join(fault["message"] for fault in report["faults"])
    for shown in ("__import__", "<b>x</b>", "\\x1b[31mred", "a b", "class", "x;import os"):
        assert shown in told
    assert "\x1b" not in told
    # These two are names like any other: data["print"] is theirs, the function stays what it is.
    assert sorted(server.state("a.ipynb")["requirements"]) == ["get_ipython", "print"]
    with server.kernel("a.ipynb") as kernel:
        output = kernel.run("print(__import__('os').sep, get_ipython().__class__.__name__)")
        assert output.text == "/ ZMQInteractiveShell\n"
        odd = kernel.run("import nbrucio\nnbrucio.data['\\x1b[31mred']")
        assert "\x1b[31mred" not in "".join(odd.traceback)


def test_a_cell_says_which_instance_is_not_configured_here(server: Server) -> None:
    content = declaring(far="s:far")
    content["metadata"]["nbrucio"]["requirements"][0]["instance"] = "nowhere.example.org"
    put(server, "a.ipynb", content)
    with server.kernel("a.ipynb") as kernel:
        server.settled("a.ipynb")
        shown = kernel.run("import nbrucio\nnbrucio.data['far']").traceback
    assert "'far' (s:far) is missing: " in shown[0]
    assert "nowhere.example.org" in shown[0]
    assert "under Settings in the panel" in shown[1]


def test_the_magic_gives_the_files_of_a_did(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other=DIMUON))
    with waiting_kernel(server, path) as kernel:
        tell(server, path, local_entry(server.root, "muons", "x", "y"))
        assert kernel.run("f = %rucio s:muons\nprint(len(f))").text == "2\n"


def test_the_gate_is_loaded_once_and_the_users_configuration_is_kept(start: Start, tmp_path: Path) -> None:
    profile = tmp_path / "home" / ".ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c.InteractiveShellApp.exec_lines = ['mine = 1']\nc.InteractiveShellApp.extensions = ['storemagic']\n"
    )
    with start() as server:
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        with server.kernel("a.ipynb") as kernel:
            kernel.run("%load_ext nbrucio\n%load_ext nbrucio")
            output = kernel.run(
                "import os, sys\n"
                "print(mine, [type(t).__name__ for t in get_ipython().ast_transformers])\n"
                "print(os.environ.get('PYTHONPATH'), [p for p in sys.path if p.endswith('kernel/path')])\n"
                "print('store' in get_ipython().magics_manager.magics['line'])"
            )
    assert output.text == "1 ['Gate']\nNone []\nTrue\n"


def test_without_the_gate_kernels_still_find_their_data(start: Start) -> None:
    with start("--NbrucioApp.gate_kernels=False") as server:
        server.ask("nbrucio/grants", {"did": DIMUON})
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.open("a.ipynb")
        server.settled("a.ipynb")
        with server.kernel("a.ipynb") as kernel:
            assert kernel.run("print(get_ipython().ast_transformers)").text == "[]\n"
            assert kernel.run(READ).text == "4 True\n"


@contextmanager
def waiting_kernel(server: Server, path: Path) -> Iterator[Kernel]:
    """A kernel whose notebook has a manifest of the test's own, in which ``muons`` is on its way."""
    with server.kernel(path.name) as kernel:
        server.settled(path.name)
        tell(server, path, ManifestEntry("muons", "s:muons", None, "syncing"))
        yield kernel
