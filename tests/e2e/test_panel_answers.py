"""Each act in the panel says what it did, beside its button and to screen readers, and repairs what is invalid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Browser
from tests.e2e.test_lab import DIMUON, READ, dialogs, open_notebook, outputs, wait_for_output
from tests.e2e.test_panel import CLEAN, UNDO, saved
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import declaring, notebook
from tests.support.panel import Panel

expect.set_options(timeout=30_000)
RUN = "() => { void window.jupyterapp.commands.execute('notebook:run-cell') }"
RESTART = "() => { void window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart() }"
SHUTDOWN = "() => { void window.jupyterapp.shell.currentWidget.sessionContext.shutdown() }"
SOURCES = "() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => cell.sharedModel.source)"
#: Marks the element of the live region, which readers announce only if it is not replaced.
MARK = "node => { node.dataset.mark = 'same' }"


def _declared(*entries: object, **more: object) -> dict[str, Any]:
    return notebook("import nbrucio", metadata={"nbrucio": {"version": 1, "requirements": list(entries), **more}})


def test_verbs_say_what_they_did_and_are_repeated_after_an_error(browser: Browser) -> None:
    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON, gone="sandbox:no-such-thing"))
    open_notebook(browser)
    panel = Panel(browser).open()
    outcome = panel.node.locator(".nbrucio-outcome")
    expect(outcome).to_have_role("status")
    outcome.evaluate(MARK)
    panel.press("Check for changes")
    expect(outcome).to_contain_text("Nothing has changed since ")
    expect(outcome).to_contain_text("; 1 could not be checked.")
    expect(panel.row("gone")).to_contain_text("does not exist")
    # In place of `nbrucio search`, which is the next action on the command line.
    expect(panel.row("gone").get_by_role("button", name="Find it in Rucio")).to_be_visible()
    assert "nbrucio search" not in panel.node.inner_html()
    browser.page.route("**/nbrucio/lock*", lambda route: route.abort(), times=1)
    panel.press("Lock")
    panel.node.get_by_label("Problems of the notebook").get_by_role("button", name="Try again").click()
    expect(outcome).to_contain_text("Locked 1; 1 could not be resolved: 'sandbox:no-such-thing' does not exist in")
    expect(outcome.get_by_role("button", name="Undo")).to_be_visible()
    panel.press("Plan")
    expect(outcome).to_have_text("The plan is below; nothing was started.")
    panel.press("Close")
    panel.press("Sync 9.3 MB")
    expect(outcome).to_contain_text("Downloaded 9.3 MB; 1 of 2 ready.")
    panel.unfold("dimuon")
    panel.row("dimuon").get_by_role("button", name="Insert code").click()
    expect(outcome).to_have_text("Inserted code that reads dimuon.")
    panel.row("dimuon").get_by_role("button", name="Copy code").click()
    expect(outcome).to_have_text("Copied.")
    panel.row("gone").get_by_role("button", name="Remove").click()
    expect(outcome).to_contain_text("gone is no longer declared")
    panel.press("Sync")
    expect(outcome).to_have_text("Nothing to download.")
    expect(outcome).to_have_attribute("data-mark", "same")


def test_invalid_requirements_show_their_reason_and_are_edited_or_removed(browser: Browser) -> None:
    content = _declared(
        {"did": DIMUON, "handle": "dimuon"},
        {"did": "no colon", "handle": "bad", "note": "kept"},
        {"handle": "nothing"},
        {"did": "sandbox:growing", "handle": "dimuon"},
        {"did": "sandbox:mounted", "handle": "mounted", "acces": "mount"},
    )
    put(browser.server, "a.ipynb", content)
    open_notebook(browser)
    panel = Panel(browser).open()
    invalid = panel.node.locator('.nbrucio-row[data-state="invalid"]')
    expect(invalid).to_have_count(3)
    expect(invalid.nth(0)).to_contain_text("'no colon' is not a DID: the scope is missing.")
    expect(invalid.nth(1)).to_contain_text("'did' is missing")
    expect(invalid.nth(2)).to_contain_text("another requirement has the handle 'dimuon'")
    expect(panel.node.get_by_label("Unknown keys")).to_contain_text("Did you mean 'access'?")
    expect(panel.node.get_by_label("Problems of the notebook")).to_have_count(0)
    assert panel.violations() == []
    panel.shot("invalid", whole=False)

    outcome = panel.node.locator(".nbrucio-outcome")
    invalid.nth(2).get_by_role("button", name="Edit").click()
    form = panel.node.get_by_role("form", name="Edit dimuon")
    expect(form.get_by_role("alert")).to_have_text("Another requirement has this handle.")
    form.get_by_label("Handle").fill("growing")
    form.get_by_role("button", name="Apply").click()
    expect(outcome).to_contain_text("Renamed to growing.")
    expect(panel.row("growing")).to_be_visible()
    invalid.nth(0).get_by_role("button", name="Edit").click()
    form = panel.node.get_by_role("form", name="Edit bad")
    expect(form.get_by_role("button", name="Apply")).to_be_disabled()
    form.get_by_label("DID").fill("sandbox:mounted")
    form.get_by_role("button", name="Apply").click()
    expect(outcome).to_contain_text("Changed bad.")
    invalid.nth(0).get_by_role("button", name="Remove").click()
    expect(outcome).to_contain_text("nothing is no longer declared")
    expect(invalid).to_have_count(0)
    assert saved(browser)["requirements"] == [
        {"did": DIMUON, "handle": "dimuon"},
        {"did": "sandbox:mounted", "handle": "bad", "note": "kept"},
        {"did": "sandbox:growing", "handle": "growing"},
        {"did": "sandbox:mounted", "handle": "mounted", "acces": "mount"},
    ]
    panel.press("Undo")
    expect(invalid).to_have_count(1)
    assert dialogs(browser) == 0


@pytest.mark.parametrize("face", ["lab/tree/", "notebooks/"])
def test_adding_saves_the_cell_and_adding_again_adds_nothing(browser: Browser, face: str) -> None:
    put(browser.server, "a.ipynb", notebook("1 + 1"))
    open_notebook(browser, face)
    page = browser.page
    page.locator(".nbrucio-chip button").click()
    panel = Panel(browser)
    panel.tab("Explore")
    panel.node.get_by_label("Scope and name").fill("sandbox:dimuon")
    panel.press("Search")
    hit = panel.node.locator(f'[data-did="{DIMUON}"]')
    # Twice, before the first has an answer.
    hit.get_by_role("button", name="Add").dblclick()
    said = panel.node.locator(".nbrucio-explore-state")
    expect(said).to_have_text(f"{DIMUON} is in the notebook already, as dimuon.")
    page.wait_for_function(CLEAN)
    assert [one["handle"] for one in saved(browser)["requirements"]] == ["dimuon"]
    on_disk = json.loads((browser.server.root / "a.ipynb").read_text())
    assert ['nbrucio.data["dimuon"]' in "".join(cell["source"]) for cell in on_disk["cells"]] == [False, True]
    panel.tab("Notebook")
    panel.await_state("dimuon", "ready")
    expect(panel.node.locator(".nbrucio-outcome")).to_have_text("The notebook declares this data already, as dimuon.")
    # The cell is a part of the edit, and so of its undo.
    page.evaluate(UNDO)
    expect(panel.row("dimuon")).to_have_count(0)
    assert page.evaluate(SOURCES) == ["1 + 1"]


def test_waiting_outputs_go_with_their_kernel(browser: Browser) -> None:
    content = declaring(READ, "1", dimuon=DIMUON)
    stale = {"text/plain": "nbrucio: waiting for dimuon, 3 s", "text/html": "<small>nbrucio: waiting</small>"}
    content["cells"][1]["outputs"] = [
        {"output_type": "display_data", "data": stale, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": "stays"},
    ]
    put(browser.server, "a.ipynb", content)
    open_notebook(browser)
    page = browser.page
    page.wait_for_function("() => !document.querySelector('.jp-NotebookPanel').innerText.includes('waiting')")
    assert "stays" in outputs(browser)
    question = page.locator(".nbrucio-question")
    for end in (RESTART, SHUTDOWN):
        page.evaluate(RUN)
        expect(question.get_by_label("Consent")).to_be_visible()
        page.evaluate(end)
        expect(question).to_have_count(0)
        assert "this cell waits" not in outputs(browser)
    wait_for_output(browser, "stays")
