"""A cell asks for consent in its own output, goes on by itself, and a saved output asks nothing."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Browser
from tests.e2e.test_lab import DIMUON, READ, open_notebook, wait_for_output
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import declaring
from tests.support.panel import AXE, Panel

expect.set_options(timeout=30_000)
RUN = "() => { void window.jupyterapp.commands.execute('notebook:run-cell') }"
MIME = "application/vnd.nbrucio.consent+json"


def _with_saved_question() -> dict[str, Any]:
    """A notebook whose saved output names a question and pretends to know more."""
    content = declaring(READ, dimuon=DIMUON)
    data = {MIME: {"id": "0" * 32, "files": 1, "bytes": 1}, "text/plain": "nbrucio: this cell waits"}
    content["cells"][0]["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    return content


def test_a_cell_asks_in_its_output_and_goes_on_after_the_answer(browser: Browser) -> None:
    put(browser.server, "a.ipynb", _with_saved_question())
    open_notebook(browser)
    page = browser.page
    output = page.locator(".nbrucio-question")
    expect(output).to_have_text("This cell asked for consent to a download.")
    expect(output.get_by_role("button")).to_have_count(0)

    page.evaluate(RUN)
    question = output.get_by_label("Consent")
    expect(question).to_contain_text("4 files · 9.")
    Panel(browser).shot("consent-in-cell")
    page.evaluate(AXE.read_text())
    assert page.evaluate("async () => (await axe.run('.nbrucio-question')).violations.map(one => one.id)") == []
    question.get_by_role("button", name="Not now").click()
    wait_for_output(browser, "DataNotReady")

    page.evaluate(RUN)
    question.get_by_role("button", name="Fetch once").click()
    assert MIME not in wait_for_output(browser, "read 4 files")
    assert browser.server.ask("nbrucio/grants")[1]["grants"] == []


def test_the_notification_of_a_notebook_fetches_its_data(browser: Browser) -> None:
    put(browser.server, "a.ipynb", declaring(READ, dimuon=DIMUON))
    open_notebook(browser)
    page = browser.page
    page.locator(".Toastify").get_by_role("button", name="Fetch").click()
    expect(page.locator(".nbrucio-status")).to_have_text("1 of 1 ready")
    assert json.loads((browser.server.root / "a.ipynb").read_text())["metadata"]["nbrucio"]
