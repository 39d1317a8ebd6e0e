"""The panel with long names in a narrow side bar, and with very many requirements."""

from __future__ import annotations

from playwright.sync_api import expect

from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import add_dataset
from tests.e2e.conftest import Browser
from tests.e2e.test_lab import DIMUON, open_notebook
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import declaring
from tests.support.panel import Panel

#: Names as those of experiments: equal but for their ends.
STEM = "mc16_13TeV.361107.PowhegPythia8EvtGen_AZNLOCTEQ6L1_Zmumu.deriv.DAOD_PHYSLITE.e3601_s3126_r9364_"
NARROW = "#nbrucio-panel { width: 250px !important; min-width: 0 !important; }"
#: Names whose last characters are outside the panel or covered, and what is wider than its place.
CUT = """() => {
  const panel = document.querySelector('#nbrucio-panel').getBoundingClientRect();
  const wrong = [];
  for (const name of document.querySelectorAll('#nbrucio-panel .nbrucio-long-name')) {
    const end = name.lastElementChild.getBoundingClientRect();
    if (end.width && (end.right > panel.right || end.left < panel.left)) wrong.push(name.textContent);
    if (name.title !== name.textContent) wrong.push(`title ${name.title}`);
  }
  for (const section of document.querySelectorAll('#nbrucio-panel .nbrucio-section')) {
    if (section.scrollWidth > section.clientWidth) wrong.push(`${section.id} scrolls sideways`);
  }
  return wrong;
}"""
#: Tabs whose words touch, in pixels between one and the next on a line.
TABS = """() => {
  const words = [...document.querySelectorAll('#nbrucio-panel .nbrucio-tab')].map(tab => {
    const range = document.createRange();
    range.selectNodeContents(tab);
    return range.getBoundingClientRect();
  });
  return words.slice(1).map((word, at) => (word.top > words[at].bottom ? 99 : word.left - words[at].right));
}"""
#: Placeholders that are wider than their fields.
PLACEHOLDERS = """() => {
  const context = document.createElement('canvas').getContext('2d');
  return [...document.querySelectorAll('#nbrucio-panel input[placeholder]')].filter(input => {
    const style = getComputedStyle(input);
    context.font = style.font;
    const room = input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return input.clientWidth && context.measureText(input.placeholder).width > room;
  }).map(input => input.placeholder);
}"""
NODES = "() => document.querySelectorAll('#nbrucio-panel *').length"


def test_long_names_show_their_ends_in_a_narrow_panel(browser: Browser, sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        for end in ("p3714", "p3715"):
            add_dataset(client, "sandbox", STEM + end, [])
    handle = "zmumu_physlite_p3714"
    content = declaring("1", **{handle: f"sandbox:{STEM}p3714", "other": f"sandbox:{STEM}p3715", STEM[:6] * 9: DIMUON})
    put(browser.server, "a.ipynb", content)
    open_notebook(browser)
    page, panel = browser.page, Panel(browser).open()
    page.add_style_tag(content=NARROW)
    expect(panel.row(handle).locator(".nbrucio-did")).to_have_text(f"sandbox:{STEM}p3714")
    assert page.evaluate(CUT) == []
    # The handle has its whole width, whatever the state says.
    name = panel.row(handle).locator(".nbrucio-handle > :first-child")
    assert name.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert min(page.evaluate(TABS)) >= 4
    panel.shot("long-names", whole=False)
    assert panel.violations() == []
    panel.tab("Explore")
    panel.node.get_by_label("Scope and name").fill(f"sandbox:{STEM}")
    panel.press("Search")
    expect(panel.node.locator(".nbrucio-hit[data-did]")).to_have_count(2)
    assert page.evaluate(CUT) == []
    assert page.evaluate(PLACEHOLDERS) == []
    assert panel.violations() == []


def test_of_many_requirements_only_the_visible_ones_are_drawn(browser: Browser) -> None:
    put(browser.server, "a.ipynb", declaring("1", **{f"of_{n}": DIMUON for n in range(10_000)}))
    open_notebook(browser)
    page, panel = browser.page, Panel(browser)
    expect(page.locator(".nbrucio-chip")).to_contain_text("of 10,000 ready")
    assert page.evaluate(NODES) < 50  # nothing is drawn while the panel is hidden
    panel.open()
    expect(panel.row("of_0")).to_be_visible()
    assert page.evaluate(NODES) < 300
    panel.node.get_by_label("Filter by handle").fill("of_9999")
    expect(panel.node.get_by_text("1 of 10,000 shown")).to_be_visible()
    expect(panel.row("of_9999")).to_be_visible()
    panel.node.get_by_label("Filter by handle").fill("")
    expect(panel.row("of_0")).to_be_visible()
    panel.node.locator("#nbrucio-section-notebook").evaluate("node => node.scrollTo(0, node.scrollHeight)")
    expect(panel.row("of_9999")).to_be_visible()
    assert page.evaluate(NODES) < 300


def test_equal_failures_are_one_and_first_and_a_file_counts_once(browser: Browser) -> None:
    many = {f"of_{n}": DIMUON for n in range(20)}
    put(browser.server, "a.ipynb", declaring("1", **many, gone="sandbox:not-there", lost="sandbox:not-there-either"))
    open_notebook(browser)
    panel = Panel(browser).open()
    failures = panel.node.get_by_label("Problems of several requirements")
    expect(failures).to_contain_text("2 requirements failed.")
    expect(panel.node.get_by_role("button", name="Try again")).to_have_count(1)
    assert panel.node.locator(".nbrucio-row").first.get_attribute("data-handle") == "gone"
    expect(panel.node.locator(".nbrucio-facts").first).to_have_text("0 of 22 ready · 4 files · 9.3 MB")
    panel.node.get_by_label("Failed first").uncheck()
    expect(panel.node.locator(".nbrucio-row").first).to_have_attribute("data-handle", "of_0")
    assert panel.violations() == []
