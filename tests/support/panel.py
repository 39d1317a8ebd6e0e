"""The data panel as a person uses it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Browser

#: Where screenshots go: CI keeps this folder.
SHOTS = Path(os.environ.get("NBRUCIO_SCREENSHOTS", "build/screenshots"))
AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
#: Writes down each value that a progress bar takes, since a sync may be over before a test looks.
RECORD = """() => {
  window.nbrucioSeen = [];
  const look = () => {
    for (const bar of document.querySelectorAll('#nbrucio-panel [role=progressbar]')) {
      const now = bar.getAttribute('aria-valuenow');
      const chip = document.querySelector('.nbrucio-chip')?.innerText;
      window.nbrucioSeen.push([bar.getAttribute('aria-label'), now, bar.getAttribute('aria-valuetext'), chip]);
    }
    requestAnimationFrame(look);
  };
  look();
}"""


class Panel:
    """The panel of a page that shows JupyterLab or Notebook 7."""

    def __init__(self, browser: Browser) -> None:
        self.page: Any = browser.page
        self.node = self.page.locator("#nbrucio-panel")

    def open(self, section: str = "Notebook") -> Panel:
        """Bring it to the front as a person does: by its icon in the side bar, then by a tab."""
        if not self.node.is_visible():
            self.page.locator('.jp-SideBar [data-id="nbrucio-panel"]').click()
        self.tab(section)
        return self

    def tab(self, section: str) -> None:
        """Choose a section."""
        self.node.get_by_role("tab", name=section, exact=True).click()

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self.node.get_by_role("button", name=name, exact=True).click()

    def row(self, handle: str) -> Any:
        """The row of a requirement."""
        return self.node.locator(f'[data-handle="{handle}"]')

    def await_state(self, handle: str, state: str) -> None:
        """Wait until a requirement is in a state."""
        self.node.locator(f'[data-handle="{handle}"][data-state="{state}"]').wait_for()

    def unfold(self, handle: str) -> None:
        """Show the details of a requirement."""
        self.row(handle).locator(".nbrucio-row-title").click()

    def seen(self, label: str) -> list[tuple[int, str, str]]:
        """The values that a bar took since `RECORD`: percent, its words, and the chip's at that moment."""
        values = self.page.evaluate("() => window.nbrucioSeen")
        return [(int(now), words, chip) for of, now, words, chip in values if of == label and now is not None]

    def violations(self) -> list[str]:
        """What axe finds wrong with the panel."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("async () => (await axe.run('#nbrucio-panel')).violations")
        return [f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']])}" for one in found]

    def shot(self, name: str, whole: bool = True) -> None:
        """Keep a picture of the page, or of the panel only."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        target = self.page if whole else self.node
        target.screenshot(path=str(SHOTS / f"{name}.png"))
