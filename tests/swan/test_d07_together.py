"""D7: the document lives on the server, where jupyter-collaboration or jupyter_server_documents edit and save it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from nbrucio.sandbox import Sandbox
from tests.e2e.conftest import Browser, chromium, page_at
from tests.e2e.test_collaboration import QUIET_S, rest, writes_during
from tests.e2e.test_lab import RUN_ALL, open_notebook, save
from tests.support.jupyter_server import declaring
from tests.support.panel import Panel
from tests.swan.packages import install, install_nbrucio, pip
from tests.swan.session import Session
from tests.swan.test_d12_browser import LAB, dialogs

__all__ = ["chromium"]  # a fixture
pytestmark = [pytest.mark.world, pytest.mark.timeout(1500)]

#: What SWAN's next image may install, at both ends of what it supports; and with SWAN's packages of which time.
KINDS = {
    "collaboration-4": ("jupyter-collaboration<5", True),
    "collaboration": ("jupyter-collaboration", False),
    "documents-0.2": ("jupyter_server_documents==0.2.5", True),
    "documents": ("jupyter_server_documents", False),
}
READ = "import nbrucio\nprint('read', len(nbrucio.data['dimuon']), 'files')"
USES = "nbrucio.data('sandbox:mounted')"
CELL = "text => window.jupyterapp.shell.currentWidget.content.model.cells.get(1).sharedModel.setSource(text)"


@pytest.fixture(scope="module", params=list(KINDS))
def together_python(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SWAN's environment with a package that edits documents on the server."""
    package, pinned = KINDS[request.param]
    python = install(tmp_path_factory.mktemp("together") / "venv", pinned=pinned)
    pip(python, package)
    install_nbrucio(python, wheel, libraries=True)
    return python


@pytest.fixture
def browser(together_python: Path, sandbox: Sandbox, tmp_path: Path, chromium: object) -> Iterator[Browser]:
    """A browser in a session whose documents live on the server."""
    session = Session(tmp_path / "session", together_python, sandbox)
    with session.running(*LAB) as server, page_at(chromium, server) as opened:
        yield opened
    # jupyter_server_documents logs errors of its own when it stops.
    assert "site-packages/nbrucio/" not in server.log.read_text()


def _declared(path: Path) -> list[tuple[str, str]]:
    found: dict[str, Any] = json.loads(path.read_text())["metadata"]["nbrucio"]
    return [(one["handle"], one["did"]) for one in found["requirements"]]


def test_d7_open_sync_edit_and_save_where_the_server_holds_the_document(browser: Browser) -> None:
    server, page, panel = browser.server, browser.page, Panel(browser)
    path = server.root / "a.ipynb"
    path.write_text(json.dumps(declaring(READ, "1", dimuon="sandbox:dimuon", growing="sandbox:growing")))
    open_notebook(browser)
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.collaborative")
    panel.open()
    panel.press("Fetch once")
    for handle in ("dimuon", "growing"):
        panel.await_state(handle, "ready")
    page.evaluate(RUN_ALL)
    # On the page, since jupyter_server_documents 0.2 has outputs in files of their own.
    expect(page.locator(".jp-OutputArea").first).to_contain_text("read 4 files", timeout=90_000)
    panel.unfold("growing")
    panel.row("growing").get_by_role("button", name="Remove").click()
    expect(panel.row("growing")).to_have_count(0)
    page.evaluate(CELL, USES)
    expect(panel.row("mounted")).to_be_visible()
    for _ in range(3):
        rest(path)
        save(browser)
        assert dialogs(page) == []
    rest(path)
    assert _declared(path) == [("dimuon", "sandbox:dimuon"), ("mounted", "sandbox:mounted")]
    assert "".join(json.loads(path.read_text())["cells"][1]["source"]) == USES
    assert writes_during(path, QUIET_S) == 0  # what a save adds must not make the server save again
    page.reload()
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.content?.model?.cells?.length === 2")
    for handle in ("dimuon", "mounted"):
        panel.await_state(handle, "ready")
    assert _declared(path) == [("dimuon", "sandbox:dimuon"), ("mounted", "sandbox:mounted")]
    assert dialogs(page) == []
