"""With jupyter-collaboration the server holds the open document and saves it by itself: data comes, saves are quiet."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.e2e.conftest import Browser
from tests.e2e.test_lab import DIMUON, MODEL, READ, RUN_ALL, dialogs, granted, open_notebook, save, wait_for_output
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import declaring

#: Longer than the room's own pause before it saves (1 s) and than its look at the file (1 s).
QUIET_S = 4.0


def writes_during(path: Path, seconds: float) -> int:
    """How often the file is replaced or written meanwhile."""
    stamps = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stamps.add(path.stat().st_mtime_ns)
        time.sleep(0.02)
    return len(stamps) - 1


def rest(path: Path) -> None:
    """Wait until the room has saved what was edited, as a person who saves does.

    Lab compares the file with what it last heard of it, so a save in the moment between the room's own save and the
    word of it brings a dialog.
    """
    end = time.monotonic() + 60
    while writes_during(path, 2.5):
        assert time.monotonic() < end, "the room saves without end"


def test_open_run_all_and_save_three_times(together: Browser) -> None:
    server = together.server
    granted(server)
    path = put(
        server, "a.ipynb", declaring(READ, "nbrucio.data('sandbox:more') if False else 'no more'", dimuon=DIMUON)
    )
    open_notebook(together)
    assert together.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.collaborative")
    together.page.evaluate(RUN_ALL)
    wait_for_output(together, "read 4 files")
    for _ in range(3):
        rest(path)
        save(together)
        assert dialogs(together) == 0
    rest(path)
    saved = json.loads(path.read_text())
    assert [r["did"] for r in saved["metadata"]["nbrucio"]["requirements"]] == [DIMUON, "sandbox:more"]
    assert saved["metadata"]["nbrucio"]["lock"]["dimuon"]["files"] == 4
    assert "read 4 files" in json.dumps(saved["cells"][0]["outputs"])
    in_room = together.page.evaluate(MODEL)["metadata"]["nbrucio"]
    assert [r["did"] for r in in_room["requirements"]] == [DIMUON, "sandbox:more"]
    # What the hook adds at a save must not make the room save again.
    assert writes_during(path, QUIET_S) == 0
    assert dialogs(together) == 0
    assert server.state("a.ipynb")["state"] == "done"
