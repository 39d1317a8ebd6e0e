"""Cells that iterate over data that is still being downloaded: real kernels of a real server."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.chaos import Chaos
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.jupyter.test_gate import tell, waiting_kernel
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, declaring
from tests.support.manifests import local_entry

#: At the 256 kB/s of the slow storage, the last of these files comes seconds after the others.
SIZES = {"arrive.a": 1_300_000, "arrive.b": 3_000, "arrive.c": 2_000}
#: The page's programs; the first one also prints whether the sync still runs.
PAGE = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs/arrivals.md").read_text("utf-8"), re.DOTALL
)
ITERATE = PAGE[0].replace('bytes read"', 'bytes read, {nbrucio.data.manifest().state}"')
UNTIL_SYNCING = "import nbrucio, time\nwhile nbrucio.data.manifest().state != 'syncing':\n    time.sleep(0.05)"


@pytest.fixture
def slow_dataset(sandbox: Sandbox) -> Iterator[str]:
    """Files of different sizes at a slow https storage."""
    files = [NewFile(Did("sandbox", name), b"x" * size) for name, size in SIZES.items()]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        did = str(add_dataset(client, "sandbox", "arrive", [file.did for file in files], closed=True))
    sandbox.cause(Chaos({"slow": 1.0}))
    yield did
    sandbox.cause(Chaos())


def test_a_cell_reads_files_while_others_are_still_downloaded(server: Server, slow_dataset: str) -> None:
    put(server, "a.ipynb", declaring(muons=slow_dataset))
    with server.kernel("a.ipynb") as kernel:
        server.settled("a.ipynb")  # it may not download before it is asked
        assert server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb"})[0] == 202
        assert kernel.run(UNTIL_SYNCING).status == "ok"
        output = kernel.run(ITERATE)
        assert output.status == "ok", output.traceback
        lines = output.text.splitlines()
        assert lines[0] in ("2000 bytes read, syncing", "3000 bytes read, syncing")
        assert lines[1] == "5000 bytes read, syncing"
        assert [line.split(",")[0] for line in lines[2:]] == ["1305000 bytes read"]
        server.settled("a.ipynb")
        again = kernel.run(ITERATE).text.splitlines()
        assert again == [f"{size} bytes read, ready" for size in (1300000, 1303000, 1305000)], "the order of the list"
        files = kernel.run("print(*nbrucio.data['muons'], sep='\\n')")
        assert kernel.run(PAGE[1]).text == files.text


def test_every_form_begins_at_once_and_other_uses_wait(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other="sandbox:dimuon"))
    forms = (
        "import nbrucio\nprint(next(nbrucio.data['muons'].as_completed()))",
        "import nbrucio as n\nprint(next(n.data('s:muons').as_completed()))",
        "import nbrucio\ndef get(name):\n    return next(nbrucio.data[name].as_completed())\nprint(get('muons'))",
        "%%capture shown\nfrom nbrucio import data\nfirst = next(data['muons'].as_completed())\n",
        "from nbrucio import data\nprint(next(data.as_completed('muons')))",
    )
    with waiting_kernel(server, path) as kernel:
        entry = local_entry(server.root, "muons", "x", "y")
        coming = entry._replace(state="syncing", files=entry.files[:1], folder=None)
        tell(server, path, coming)
        for form in forms:
            output = kernel.run(form)
            assert output.status == "ok", output.traceback
        assert kernel.run("print(first)").text == output.text == f"{server.root / 'x'}\n"
        threading.Timer(1, tell, (server, path, entry)).start()
        output = kernel.run(
            "from nbrucio import data\nprint(len(list(data['muons'].as_completed())), len(data['muons']))"
        )
        assert output.texts[-1] == "2 2\n"
        assert output.texts[0].startswith("nbrucio: muons ready, 2 files (")


def test_an_interrupt_ends_the_loop_and_not_the_sync(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(other="sandbox:dimuon"))
    with waiting_kernel(server, path) as kernel:
        threading.Timer(1, server.ask, (f"api/kernels/{kernel.identity}/interrupt", {})).start()
        output = kernel.run("import nbrucio\nfor path in nbrucio.data['muons'].as_completed():\n    print(path)")
        assert (output.status, output.text) == ("error", "")
        assert "KeyboardInterrupt" in output.traceback[-1]
        assert kernel.run("print(nbrucio.data.manifest().state)").text == "syncing\n"


def test_without_a_sync_the_loop_gets_what_is_here_and_then_the_reason(server: Server) -> None:
    path: Path = put(server, "a.ipynb", declaring(other="sandbox:dimuon"))
    with waiting_kernel(server, path) as kernel:
        entry = local_entry(server.root, "muons", "x", "y")
        tell(server, path, entry._replace(state="failed", files=entry.files[:1], folder=None))
        output = kernel.run("import nbrucio\nfor path in nbrucio.data['muons'].as_completed():\n    print(path)")
    assert output.text == f"{server.root / 'x'}\n"
    assert output.traceback[0] == "\x1b[31mDataNotHere\x1b[39m: 'muons' (s:muons) is missing: the last sync failed."
