"""The data panel as a person uses it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Browser

#: Where screenshots go: CI keeps this folder.
SHOTS = Path(os.environ.get("NBRUCIO_SCREENSHOTS", "build/screenshots"))


class Panel:
    """The panel of a page that shows JupyterLab or Notebook 7."""

    def __init__(self, browser: Browser) -> None:
        self.page: Any = browser.page
        self.node = self.page.locator("#nbrucio-panel")

    def open(self, section: str = "Notebook") -> None:
        """Bring it to the front as a person does: by its icon in the side bar, then by a tab."""
        if not self.node.is_visible():
            self.page.locator('.jp-SideBar [data-id="nbrucio-panel"]').click()
        self.tab(section)

    def tab(self, section: str) -> None:
        """Choose a section."""
        self.node.get_by_role("tab", name=section, exact=True).click()

    def shot(self, name: str, whole: bool = True) -> None:
        """Keep a picture of the page, or of the panel only."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        target = self.page if whole else self.node
        target.screenshot(path=str(SHOTS / f"{name}.png"))
