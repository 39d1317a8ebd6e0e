"""The data panel in JupyterLab and Notebook 7."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Browser
from tests.e2e.panel import Panel
from tests.e2e.test_lab import DIMUON, open_notebook
from tests.jupyter.servers import declaring
from tests.jupyter.test_opening import put


@pytest.mark.parametrize("face", ["lab/tree/", "notebooks/"])
def test_the_panel_shows_what_the_notebook_declares(browser: Browser, face: str) -> None:
    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON))
    open_notebook(browser, face)
    browser.page.evaluate("() => window.jupyterapp.shell.activateById('nbrucio-panel')")
    panel = Panel(browser)
    assert panel.node.get_by_text(DIMUON).is_visible()
    assert panel.node.get_by_role("tab").all_inner_texts() == ["Notebook", "Explore", "Upload", "Settings"]
