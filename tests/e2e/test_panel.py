"""The data panel in JupyterLab and Notebook 7: what is declared, what it costs, how far it is, what is wrong."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from playwright.sync_api import expect

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files, attach
from tests.e2e.conftest import Browser
from tests.e2e.test_lab import DIMUON, dialogs, open_notebook, save
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import declaring, notebook
from tests.support.panel import RECORD, Panel

#: Large enough that a person, or a test, sees it come.
FILES, FILE_BYTES = 96, 8_000_000
expect.set_options(timeout=30_000)
#: Something to look at in the pictures.
CODE = (
    'import nbrucio, uproot\n\nevents = uproot.concatenate([f"{path}:Events" for path in nbrucio.data["dimuon"]])',
    'events["Muon_pt"]',
)
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
CLEAN = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
UNDO = "() => window.jupyterapp.commands.execute('notebook:undo-cell-action')"
REDO = "() => window.jupyterapp.commands.execute('notebook:redo-cell-action')"
FIRST_CELL = "() => window.jupyterapp.shell.currentWidget.content.model.cells.get(0).sharedModel.source"
SAVE = "() => { void window.jupyterapp.commands.execute('docmanager:save') }"


@pytest.fixture(scope="module")
def large(sandbox: Sandbox) -> str:
    """A dataset that takes seconds to come."""
    content = os.urandom(FILE_BYTES)
    files = [NewFile(Did("sandbox", f"large/{n:02}.dat"), content) for n in range(FILES)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        return str(add_dataset(client, "sandbox", "large", [file.did for file in files], closed=True))


def saved(browser: Browser) -> Any:
    """What is declared on disk."""
    return json.loads((browser.server.root / "a.ipynb").read_text())["metadata"].get("nbrucio")


@pytest.mark.parametrize("face", ["lab/tree/", "notebooks/"])
def test_the_panel_shows_what_the_notebook_declares(browser: Browser, face: str) -> None:
    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON))
    open_notebook(browser, face)
    browser.page.locator(".nbrucio-chip button").click()
    panel = Panel(browser)
    expect(panel.node.get_by_text(DIMUON)).to_be_visible()
    assert panel.node.get_by_role("tab").all_inner_texts() == ["Notebook", "Explore", "Upload", "Settings"]
    panel.shot(f"panel-{face.partition('/')[0]}")


def test_consent_progress_and_errors(browser: Browser, large: str) -> None:
    content = declaring(*CODE, dimuon=DIMUON, large=large, gone="sandbox:no-such-thing", mounted="sandbox:mounted")
    put(browser.server, "a.ipynb", content)
    open_notebook(browser)
    page, panel = browser.page, Panel(browser)
    toast = page.locator(".jp-toast-message").get_by_text("wants to download 100 files")
    expect(toast).to_be_visible()
    page.locator(".nbrucio-chip button").click()
    expect(toast).to_be_hidden()
    expect(panel.node.get_by_label("Consent")).to_contain_text("100 files · 777.")
    panel.shot("consent")
    assert panel.violations() == []
    page.evaluate(RECORD)
    panel.press("Fetch once")
    # In each frame: on a quick machine it is over before the next look of an expectation.
    page.wait_for_function("() => document.querySelector('.nbrucio-status')?.textContent.includes('/s')")
    panel.shot("progress")
    panel.await_state("large", "ready")
    expect(page.locator(".nbrucio-status")).to_have_text("3 of 4 ready · needs attention")
    for label in ("Progress of the sync", "Progress of large"):
        values = panel.seen(label)
        percents = [percent for percent, _, _ in values]
        assert percents == sorted(percents), label
        assert len(set(percents)) > 3, label
        assert f"of {768.0 if 'large' in label else 777.3} MB" in values[-1][1]
    words = [words for _, words, _ in panel.seen("Progress of the sync")]
    assert any("/s · " in each and " left" in each for each in words)
    assert any("/s" in chip for _, _, chip in panel.seen("Progress of the sync"))
    gone = panel.row("gone")
    expect(gone).to_contain_text("does not exist in")
    expect(gone.get_by_role("button", name="Remove")).to_be_visible()
    panel.shot("error")
    page.evaluate(THEME, "JupyterLab Dark")
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    expect(page.locator(".jp-Splash")).to_have_count(0)
    panel.shot("dark")
    assert panel.violations() == []
    page.evaluate(THEME, "JupyterLab Light")
    assert browser.server.ask("nbrucio/grants")[1]["grants"] == []  # it was once


def test_a_plan_tells_the_cost_and_a_sync_can_be_cancelled(browser: Browser, large: str) -> None:
    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON, large=large))
    open_notebook(browser)
    panel = Panel(browser).open()
    panel.press("Not now")
    expect(panel.node.get_by_label("Consent")).to_have_count(0)
    panel.press("Plan")
    plan = panel.node.get_by_label("Plan", exact=True)
    expect(plan).to_contain_text("A sync would download 100 files · 777.")
    assert browser.server.state("a.ipynb")["state"] == "done"  # that of opening it; the plan started none
    panel.shot("plan")
    plan.get_by_role("button", name="Sync").click()
    panel.press("Cancel")
    expect(panel.node.get_by_label("Problems of the notebook")).to_contain_text(
        "The downloads were stopped before they were complete."
    )
    assert panel.row("large").get_attribute("data-state") in ("partial", "missing")
    panel.press("Try again")
    panel.await_state("large", "ready")
    (grants,) = [browser.server.ask("nbrucio/grants")[1]["grants"]]
    assert sorted(grant["did"] for grant in grants) == [DIMUON, large]


def test_handles_selection_and_removal_go_through_the_open_document(browser: Browser) -> None:
    code = "import nbrucio\nprint(len(nbrucio.data['dimuon']))"
    put(browser.server, "a.ipynb", declaring(code, dimuon=DIMUON, growing="sandbox:growing"))
    assert browser.server.sync("a.ipynb")["state"] == "done"
    declared = saved(browser)
    open_notebook(browser)
    page, panel = browser.page, Panel(browser).open()
    panel.await_state("dimuon", "ready")
    panel.unfold("dimuon")
    panel.row("dimuon").get_by_role("button", name="Change").click()
    form = panel.node.get_by_role("form", name="Change dimuon")
    form.get_by_label("Handle").fill("class")
    expect(form.get_by_role("alert")).to_have_text("This is not a valid handle: it must be a Python identifier.")
    form.get_by_label("Handle").fill("muons")
    form.get_by_label("Only the first").fill("2")
    form.get_by_role("button", name="Apply").click()
    outcome = panel.node.locator(".nbrucio-outcome")
    expect(outcome).to_contain_text("Renamed to muons, also in 1 cell.")
    panel.await_state("muons", "ready")
    expect(panel.row("muons")).to_contain_text("2 files")
    (first, _) = saved(browser)["requirements"]
    assert (first["did"], first["handle"], first["select"]) == (DIMUON, "muons", {"first": 2})
    assert "nbrucio.data['muons']" in page.evaluate(FIRST_CELL)
    # The first edit since opening is one entry of the notebook's undo: handle, selection and code.
    page.evaluate(UNDO)
    expect(outcome).to_contain_text("Undone.")
    panel.await_state("dimuon", "ready")
    assert saved(browser)["requirements"] == declared["requirements"]
    assert page.evaluate(FIRST_CELL) == code
    outcome.get_by_role("button", name="Redo").click()
    expect(outcome).to_contain_text("Redone.")
    panel.await_state("muons", "ready")
    assert saved(browser)["requirements"][0] == first
    assert "nbrucio.data['muons']" in page.evaluate(FIRST_CELL)
    panel.unfold("growing")
    panel.row("growing").get_by_role("button", name="Remove").click()
    expect(outcome).to_contain_text("growing is no longer declared; its files stay cached.")
    expect(panel.row("growing")).to_have_count(0)
    panel.press("Undo")
    panel.await_state("growing", "ready")
    expect(outcome).to_contain_text("Undone.")
    assert len(saved(browser)["requirements"]) == 2
    assert dialogs(browser) == 0


def test_drift_is_told_in_words_and_locked_by_a_click(browser: Browser, sandbox: Sandbox) -> None:
    files = [NewFile(Did("sandbox", f"changing/{n}.dat"), b"file") for n in range(2)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        did = str(add_dataset(client, "sandbox", "changing", [files[0].did]))
    put(browser.server, "a.ipynb", declaring("1", changing=did))
    open_notebook(browser)
    panel = Panel(browser).open()
    panel.press("Lock")
    expect(panel.node.get_by_role("button", name="Lock", exact=True)).to_be_enabled()  # it was "Locking…" meanwhile
    expect(panel.node.locator(".nbrucio-outcome")).to_contain_text("Locked 1.")
    panel.unfold("changing")
    locked = panel.row("changing").locator("dt", has_text="Locked").locator("+ dd")
    expect(locked).to_contain_text("1 file · 4 B")
    panel.press("Check for changes")
    expect(panel.node.locator(".nbrucio-outcome")).to_contain_text("Nothing has changed since ")
    with sandbox.admin() as client:
        attach(client, "sandbox", "changing", [files[1].did])
    panel.press("Check for changes")
    expect(panel.row("changing")).to_contain_text("gained 1 file, 4 B since the lock")
    panel.press("Lock the present files")
    expect(panel.row("changing").get_by_label("Changed")).to_have_count(0)
    outcome = panel.node.locator(".nbrucio-outcome")
    expect(outcome).to_contain_text("Locked 1.")
    assert saved(browser)["lock"]["changing"]["files"] == 2
    outcome.get_by_role("button", name="Undo").click()
    expect(outcome).to_contain_text("Undone.")
    assert saved(browser)["lock"]["changing"]["files"] == 1
    browser.page.evaluate(REDO)
    expect(outcome).to_contain_text("Redone.")
    assert saved(browser)["lock"]["changing"]["files"] == 2
    assert dialogs(browser) == 0


def test_what_the_code_names_is_in_the_document_when_it_is_saved(browser: Browser) -> None:
    put(browser.server, "a.ipynb", notebook("import nbrucio\nname = 'sandbox:' + 'growing'", "1"))
    open_notebook(browser)
    page, panel = browser.page, Panel(browser).open()
    expect(panel.node).to_contain_text("This notebook declares no data.")
    page.evaluate(
        "text => window.jupyterapp.shell.currentWidget.content.model.cells.get(1).sharedModel.setSource(text)",
        "nbrucio.data('sandbox:dimuon'); nbrucio.data(name)",
    )
    page.evaluate(SAVE)
    # The server finds both at the save, also the second, which hangs on a constant.
    expect(panel.row("dimuon")).to_be_visible()
    expect(panel.row("growing")).to_be_visible()
    page.wait_for_function(CLEAN)
    assert {one["did"]: one["source"] for one in saved(browser)["requirements"]} == {
        DIMUON: "code",
        "sandbox:growing": "code",
    }
    before = (browser.server.root / "a.ipynb").read_bytes()
    page.evaluate(SAVE)
    page.wait_for_timeout(1500)
    assert dialogs(browser) == 0
    assert json.loads(before)["metadata"]["nbrucio"] == saved(browser)


def test_it_is_the_same_where_people_edit_together(together: Browser) -> None:
    put(together.server, "a.ipynb", declaring("import nbrucio", "1", growing="sandbox:growing"))
    open_notebook(together)
    page, panel = together.page, Panel(together).open()
    page.evaluate(
        "text => window.jupyterapp.shell.currentWidget.content.model.cells.get(1).sharedModel.setSource(text)",
        "nbrucio.data('sandbox:dimuon')",
    )
    expect(panel.row("dimuon")).to_be_visible()  # a moment after the edit: here the server saves
    panel.unfold("growing")
    panel.row("growing").get_by_role("button", name="Remove").click()
    expect(panel.row("growing")).to_have_count(0)
    panel.press("Undo")
    expect(panel.row("growing")).to_be_visible()
    panel.press("Always for these")
    panel.await_state("growing", "ready")
    panel.await_state("dimuon", "ready")
    granted = {grant["did"] for grant in together.server.ask("nbrucio/grants")[1]["grants"]}
    assert granted  # of what the question named, which a save may have extended
    assert granted <= {DIMUON, "sandbox:growing"}
    assert {one["handle"] for one in saved(together)["requirements"]} == {"growing", "dimuon"}
    assert dialogs(together) == 0


def test_old_attachments_are_shown_at_once_and_only_the_button_imports_them(browser: Browser) -> None:
    attached = [{"did": DIMUON, "type": "collection", "variableName": "ds"}]
    code = "import nbrucio\nnbrucio.data('sandbox:growing')"
    put(browser.server, "a.ipynb", notebook(code, metadata={"rucio_attachments": attached}))
    open_notebook(browser)
    panel = Panel(browser).open()
    card = panel.node.get_by_label("Attached by rucio-jupyterlab")
    expect(card).to_contain_text(DIMUON)
    panel.shot("import", whole=False)

    def metadata() -> dict[str, Any]:
        found: dict[str, Any] = json.loads((browser.server.root / "a.ipynb").read_text())["metadata"]
        return found

    save(browser)
    used = {"did": "sandbox:growing", "type": "collection", "variableName": "growing"}
    assert (metadata()["rucio_attachments"], metadata().get("nbrucio")) == ([*attached, used], None)
    card.get_by_role("button", name="Import").click()
    expect(panel.row("ds")).to_be_visible()
    expect(card).to_have_count(0)
    browser.page.wait_for_function(CLEAN)
    assert [one["handle"] for one in metadata()["nbrucio"]["requirements"]] == ["ds", "growing"]
    assert metadata()["rucio_attachments"] == [*attached, used]


def test_everything_is_reached_by_the_keyboard(browser: Browser) -> None:
    put(browser.server, "a.ipynb", declaring("1", dimuon=DIMUON))
    open_notebook(browser)
    page, panel = browser.page, Panel(browser)
    expect(page.locator(".nbrucio-chip")).to_contain_text("needs attention")  # a plan waits for no sync
    page.keyboard.press("Control+Alt+r")
    page.keyboard.press("p")
    expect(panel.node.get_by_label("Plan", exact=True)).to_contain_text("A sync would download 4 files")
    tab = panel.node.get_by_role("tab", name="Notebook")
    tab.focus()
    page.keyboard.press("ArrowRight")
    expect(panel.node.get_by_role("tab", name="Explore")).to_be_focused()
    expect(panel.node.get_by_role("tabpanel", name="Explore")).to_be_visible()
    page.keyboard.press("Home")
    expect(tab).to_be_focused()
    page.keyboard.press("Tab")
    expect(panel.node.get_by_role("button", name="Sync 9.3 MB")).to_be_focused()
    page.keyboard.press("Enter")
    panel.await_state("dimuon", "ready")
    page.keyboard.press("Control+Shift+c")
    page.get_by_role("textbox", name="SEARCH").fill("rucio")
    shown = page.locator(".lm-CommandPalette-itemLabel").all_inner_texts()
    assert {"Sync Data", "Lock Data", "Check Data for Changes", "Find Data in Rucio"} <= set(shown)
