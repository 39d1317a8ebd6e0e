"""What a person sees in the browser: the notebook opens, its data comes, "Run all" works, saves are quiet."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from typing import Any

import pytest

from tests.e2e.conftest import Browser
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, declaring

DIMUON = "sandbox:dimuon"
READ = "import nbrucio\nprint('read', len(nbrucio.data['dimuon']), 'files')"
RUN_ALL = """async () => {
  const app = window.jupyterapp;
  await app.commands.execute('notebook:run-all-cells');
}"""
RESTART_AND_RUN_ALL = "() => { void window.jupyterapp.commands.execute('notebook:restart-run-all') }"
IDLE = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
MODEL = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON()"
CLASSIC_IDLE = "() => window.Jupyter?.notebook?.kernel?.is_connected() && !Jupyter.notebook.kernel_busy"
CLASSIC_MODEL = "() => Jupyter.notebook.toJSON()"
CLASSIC_RESTART_AND_RUN_ALL = (
    "() => { Jupyter.actions.call('jupyter-notebook:confirm-restart-kernel-and-run-all-cells') }"
)


def outputs(browser: Browser, model: str = MODEL) -> str:
    """The text of all outputs in the model."""
    content: dict[str, Any] = browser.page.evaluate(model)
    found = [output for cell in content["cells"] for output in cell.get("outputs", [])]
    return json.dumps(found)


def wait_for_output(
    browser: Browser, text: str, seen: Collection[str] = (), timeout_s: float = 90, *, model: str = MODEL
) -> str:
    """The outputs once they hold ``text`` and are none of ``seen``."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        shown = outputs(browser, model)
        if text in shown and shown not in seen:
            return shown
        browser.page.wait_for_timeout(200)
    raise AssertionError(f"no new {text!r} in {shown}")


def open_notebook(browser: Browser, face: str = "lab/tree/") -> None:
    """Open ``a.ipynb`` and wait until its kernel is there."""
    browser.go(f"{face}{browser.server.prefix}a.ipynb")
    browser.page.wait_for_function(IDLE)
    browser.page.wait_for_timeout(1000)  # as quick as a person


def save(browser: Browser) -> None:
    """Save, and wait as long as a dialog would take to come."""
    # Not awaited: a dialog would keep it waiting for ever.
    browser.page.evaluate("() => { void window.jupyterapp.commands.execute('docmanager:save') }")
    browser.page.wait_for_timeout(1500)


def dialogs(browser: Browser) -> int:
    """How many dialogs are open."""
    return int(browser.page.locator(".jp-Dialog").count())


def granted(server: Server) -> None:
    """Agree to the download beforehand, as the panel or the command line would."""
    assert server.ask("nbrucio/grants", {"did": DIMUON})[0] == 201


def test_open_run_all_and_save_three_times_in_lab(browser: Browser) -> None:
    server = browser.server
    granted(server)
    put(server, "a.ipynb", declaring(READ, "nbrucio.data('sandbox:more') if False else 'no more'", dimuon=DIMUON))
    open_notebook(browser)
    browser.page.evaluate(RUN_ALL)
    wait_for_output(browser, "read 4 files")
    for _ in range(3):
        save(browser)
        assert dialogs(browser) == 0
    saved = json.loads((server.root / "a.ipynb").read_text())
    assert [r["did"] for r in saved["metadata"]["nbrucio"]["requirements"]] == [DIMUON, "sandbox:more"]
    assert saved["metadata"]["nbrucio"]["lock"]["dimuon"]["files"] == 4
    assert "read 4 files" in json.dumps(saved["cells"][0]["outputs"])


@pytest.mark.parametrize("face", ["lab/tree/", "notebooks/"])
def test_restart_kernel_and_run_all_reads_its_data_every_time(browser: Browser, face: str) -> None:
    server = browser.server
    granted(server)
    put(server, "a.ipynb", declaring("import time; print('cell', time.time_ns())", READ, dimuon=DIMUON))
    open_notebook(browser, face)
    seen: set[str] = set()
    for _ in range(7):
        browser.page.wait_for_function(IDLE)
        browser.page.evaluate(RESTART_AND_RUN_ALL)
        browser.page.locator(".jp-Dialog .jp-mod-accept").click()
        shown = wait_for_output(browser, "read 4 files", seen)
        assert "NameError" not in shown
        assert "DataNot" not in shown
        seen.add(shown)
    assert len(seen) == 7  # each run made outputs of its own


def test_restart_and_run_all_reads_its_data_every_time_in_nbclassic(browser: Browser) -> None:
    server = browser.server
    granted(server)
    put(server, "a.ipynb", declaring("import time; print('cell', time.time_ns())", READ, dimuon=DIMUON))
    browser.go(f"nbclassic/notebooks/{server.prefix}a.ipynb")
    seen: set[str] = set()
    for _ in range(7):
        browser.page.wait_for_function(CLASSIC_IDLE)
        browser.page.evaluate(CLASSIC_RESTART_AND_RUN_ALL)
        browser.page.locator(".modal .btn-danger").click()
        shown = wait_for_output(browser, "read 4 files", seen, model=CLASSIC_MODEL)
        browser.page.locator(".modal").wait_for(state="detached")
        assert "NameError" not in shown
        assert "DataNot" not in shown
        seen.add(shown)
    assert len(seen) == 7
