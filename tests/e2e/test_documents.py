"""The data panel beside Lab's own doings with a document: two views, another version on disk, read-only."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import Browser
from tests.e2e.test_lab import DIMUON, dialogs, open_notebook
from tests.e2e.test_panel import REDO, SAVE, UNDO, saved
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import declaring
from tests.support.panel import Panel

GROWING = "sandbox:growing"
CLONE = "() => window.jupyterapp.commands.execute('docmanager:clone')"
EDIT = "() => window.jupyterapp.shell.currentWidget.content.model.cells.get(0).sharedModel.setSource('print(2)')"


@pytest.fixture
def synced(browser: Browser) -> Panel:
    """The panel of a notebook whose two datasets are ready."""
    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON, growing=GROWING))
    assert browser.server.sync("a.ipynb")["state"] == "done"
    open_notebook(browser)
    panel = Panel(browser).open()
    panel.await_state("dimuon", "ready")
    return panel


def declared(browser: Browser) -> dict[str, object]:
    """The selection of each requirement that is declared on disk, by its handle."""
    return {one["handle"]: one.get("select") for one in saved(browser)["requirements"]}


def test_two_views_of_a_notebook_share_edits_and_notifications(browser: Browser) -> None:
    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON, growing=GROWING))
    open_notebook(browser)
    page, panel = browser.page, Panel(browser)
    toasts = page.locator(".jp-toast-message").get_by_text("wants to download")
    expect(toasts).to_have_count(1)
    page.evaluate(CLONE)
    expect(page.locator(".jp-NotebookPanel")).to_have_count(2)
    page.wait_for_timeout(1000)  # as long as a second notification would take
    expect(toasts).to_have_count(1)
    panel.open()
    panel.unfold("growing")
    panel.row("growing").get_by_role("button", name="Remove").click()
    expect(panel.row("growing")).to_have_count(0)
    page.locator(".lm-TabBar-tab", has_text="a.ipynb").first.click()
    panel.unfold("dimuon")
    panel.row("dimuon").get_by_role("button", name="Change").click()
    form = panel.node.get_by_role("form", name="Change dimuon")
    form.get_by_label("Only the first").fill("2")
    form.get_by_role("button", name="Apply").click()
    outcome = panel.node.locator(".nbrucio-outcome")
    expect(outcome).to_contain_text("Changed dimuon.")
    assert declared(browser) == {"dimuon": {"first": 2}}
    for act, word, left in (
        (UNDO, "Undone.", {"dimuon": None}),
        (UNDO, "Undone.", {"dimuon": None, "growing": None}),
        (REDO, "Redone.", {"dimuon": None}),
    ):
        page.evaluate(act)
        page.wait_for_function(
            "word => document.querySelector('.nbrucio-outcome')?.textContent.startsWith(word)", arg=word
        )
        page.wait_for_timeout(1000)
        assert declared(browser) == left
    assert dialogs(browser) == 0


def test_the_panel_works_after_a_save_was_cancelled(browser: Browser, synced: Panel) -> None:
    page = browser.page
    content = declaring("3", dimuon=DIMUON, growing=GROWING)
    put(browser.server, "a.ipynb", content)
    page.evaluate(EDIT)
    page.evaluate(SAVE)
    cancel = page.locator(".jp-Dialog").get_by_role("button", name="Cancel")
    cancel.click()
    for press in ("Check for changes", "Try again"):
        synced.press(press)
        cancel.click()
        expect(synced.node.get_by_label("Problems of the notebook")).to_contain_text(
            "a.ipynb was not saved: it has changed on disk. Save it, and choose which version to keep."
        )
    synced.press("Try again")
    page.locator(".jp-Dialog").get_by_role("button", name="Overwrite").click()
    expect(synced.node.locator(".nbrucio-outcome")).to_be_visible()
    assert "print(2)" in (browser.server.root / "a.ipynb").read_text()


def test_a_notebook_that_may_not_be_written_is_synced_after_its_cells_ran(browser: Browser) -> None:
    def read_only(route: Route) -> None:
        if route.request.method != "GET":
            route.fulfill(status=403, json={"message": "Permission denied"})
            return
        response = route.fetch()
        route.fulfill(response=response, body=json.dumps({**response.json(), "writable": False}))

    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON))
    browser.page.route("**/api/contents/**/a.ipynb*", read_only)
    open_notebook(browser)
    browser.page.evaluate(EDIT)
    panel = Panel(browser).open()
    panel.press("Sync 9.3 MB")
    panel.await_state("dimuon", "ready")
    expect(panel.node.get_by_role("button", name="Lock", exact=True)).to_be_disabled()
    assert dialogs(browser) == 0
