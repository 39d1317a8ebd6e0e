"""Searches in a narrow panel by the keyboard: scopes are suggested, and what is wrong in a condition is marked."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import Browser
from tests.e2e.test_explore import explore, found
from tests.e2e.test_panel_lists import NARROW
from tests.support.panel import Panel

CONDITIONS, NAME = "Conditions on metadata", "Scope and name"


def described(panel: Panel) -> str:
    """The text that describes the field of the conditions."""
    name = panel.node.get_by_label(CONDITIONS).get_attribute("aria-describedby")
    return "" if name is None else str(panel.node.locator(f"#{name}").inner_text())


def test_scopes_are_suggested_and_conditions_are_marked(browser: Browser) -> None:
    panel, page = explore(browser), browser.page
    page.add_style_tag(content=NARROW)
    name = panel.node.get_by_role("combobox", name=NAME)
    name.focus()
    page.keyboard.type("box")
    scopes = panel.node.get_by_role("listbox", name="Scopes").get_by_role("option")
    expect(scopes).to_have_text(["sandbox", "user.sandbox"])
    expect(panel.node.get_by_text("2 scopes found")).to_be_attached()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(scopes.first).to_have_attribute("aria-selected", "true")
    active = name.get_attribute("aria-activedescendant")
    assert panel.node.locator(f"#{active}").inner_text() == "sandbox"
    assert panel.violations() == []
    panel.shot("explore-scopes", whole=False)
    page.keyboard.press("Enter")
    expect(name).to_have_value("sandbox:")
    expect(name).to_have_attribute("aria-expanded", "false")

    # The name is left out, so the conditions alone say what is searched.
    name.fill("")
    conditions = panel.node.get_by_label(CONDITIONS)
    conditions.fill("project = dimuon && bytes > 1 MB")
    page.keyboard.press("Enter")
    expect(conditions).to_have_attribute("aria-invalid", "true")
    expect(panel.node.locator("mark")).to_have_text("&&")
    assert described(panel).startswith("'&&' does not join conditions. Write 'and' instead")
    expect(panel.node.get_by_text("hits")).to_have_count(0)
    assert panel.violations() == []
    panel.shot("explore-condition", whole=False)
    page.keyboard.type("and")  # over the marked part, which is selected
    expect(conditions).to_have_value("project = dimuon and bytes > 1 MB")
    expect(conditions).to_have_attribute("aria-invalid", "false")
    page.keyboard.press("Enter")
    expect(panel.node.get_by_text("1 hit")).to_be_visible()
    assert found(panel) == ["sandbox:dimuon"]
    conditions.fill("bytes > 1 MB and")
    page.keyboard.press("Enter")
    expect(panel.node.locator("mark[data-missing]")).to_be_attached()
    name.fill("sandbox:gr")
    conditions.fill("bytes > 1 MB")
    page.keyboard.press("Enter")
    expect(panel.node.get_by_text("Nothing found. * matches anything")).to_be_visible()
    panel.node.get_by_role("button", name="sandbox:growing").click()
    expect(panel.node.get_by_label("Details of sandbox:growing")).to_be_visible()
    assert panel.violations() == []
