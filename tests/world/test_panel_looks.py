"""The panel as people with other eyes and screens have it: forced colours, zoom, a narrow side bar, the keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import add_dataset
from tests.e2e.conftest import Browser, browser, chromium, lab
from tests.e2e.test_lab import DIMUON, open_notebook
from tests.e2e.test_panel_lists import CUT, NARROW, PLACEHOLDERS, STEM, TABS
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import notebook
from tests.support.panel import Panel

__all__ = ["browser", "chromium", "lab"]  # fixtures of the browser's tests
pytestmark = [pytest.mark.world, pytest.mark.timeout(600)]
expect.set_options(timeout=60_000)
SECTIONS = ("Notebook", "Explore", "Upload", "Settings")
#: Marks of a state that its colour alone would tell: each has words beside it.
WORDLESS = """() => [...document.querySelectorAll('#nbrucio-panel [data-state]')].filter(row =>
  !row.querySelector('.nbrucio-state')?.textContent.trim()).map(row => row.outerHTML.slice(0, 100))"""
#: Buttons that the Tab key does not reach although they can be pressed.
UNREACHABLE = """() => ['button', 'input', 'select']
  .flatMap(name => [...document.querySelectorAll(`#nbrucio-panel ${name}`)])
  .filter(one => one.checkVisibility() && !one.disabled && one.tabIndex < 0
    && one.getAttribute('role') !== 'tab' && !one.closest('[role=tree]')).map(one => one.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def long_name(sandbox: Sandbox) -> str:
    """A dataset with a name as those of experiments."""
    with sandbox.admin() as client:
        return str(add_dataset(client, "sandbox", STEM + "looks", []))


@pytest.fixture
def every_state(browser: Browser, long_name: str) -> Panel:
    """A notebook with requirements that wait for consent, have failed, are ready or partial, and are invalid."""
    requirements: list[Any] = [
        {"did": DIMUON, "handle": "dimuon"},
        {"did": "sandbox:no-such-thing", "handle": "gone"},
        {"did": long_name, "handle": "zmumu_physlite_p3714"},
        {"did": "sandbox:mounted", "handle": "mounted", "acces": "mount"},
        {"did": "nonsense", "handle": "invalid"},
    ]
    put(browser.server, "a.ipynb", notebook("1", metadata={"nbrucio": {"version": 1, "requirements": requirements}}))
    open_notebook(browser)
    panel = Panel(browser).open()
    panel.row("gone").wait_for()
    expect(panel.node.get_by_label("Consent")).to_be_visible()
    return panel


@pytest.mark.parametrize("look", ["forced-colours", "zoom-200", "narrow", "dark"])
def test_every_state_is_readable_and_reached(every_state: Panel, look: str) -> None:
    panel, page = every_state, every_state.page
    if look == "forced-colours":
        page.emulate_media(forced_colors="active")
    elif look == "zoom-200":
        page.set_viewport_size({"width": 640, "height": 360})  # what a window of 1280 has at 200 %
    elif look == "narrow":
        page.add_style_tag(content=NARROW)
    else:
        theme = "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
        page.evaluate(theme)
        page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
        expect(page.locator(".jp-Splash")).to_have_count(0)
    panel.press("Plan")
    expect(panel.node.get_by_label("Plan", exact=True)).to_be_visible()
    panel.shot(f"look-{look}-plan", whole=False)
    assert panel.violations() == []
    panel.press("Close")
    panel.press("Fetch once")
    panel.await_state("dimuon", "ready")
    panel.unfold("dimuon")
    panel.row("dimuon").get_by_role("button", name="Change").click()
    panel.shot(f"look-{look}", whole=False)
    for section in SECTIONS:
        panel.tab(section)
        # Their requests have ended: what they show is what is looked at.
        expect(panel.node.get_by_text("Loading…")).to_have_count(0)
        assert panel.violations() == [], section
        assert page.evaluate(CUT) == [], section
        assert page.evaluate(WORDLESS) == []
        assert page.evaluate(UNREACHABLE) == []
        assert page.evaluate(PLACEHOLDERS) == [], section
    assert min(page.evaluate(TABS)) >= 4
