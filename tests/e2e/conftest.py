"""JupyterLab in a real browser: Debian's Chromium, driven by playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import TOKEN, Server, base_environment, serve
from tests.support.programs import need

#: So that a test can ask the application for its documents and commands.
EXPOSED = ("--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[Server]:
    """A server with JupyterLab, Notebook 7 and nbclassic beside the sandbox."""
    folder = tmp_path_factory.mktemp("lab")
    environment = base_environment(folder) | dict(sandbox.env())
    settings = folder / "jupyter-config/lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    # Lab asks in a toast whether it may fetch news, over whatever is behind.
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    with serve(folder, environment, *EXPOSED, faces=True) as running:
        yield running


@pytest.fixture(scope="session")
def collaborative_lab(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[Server]:
    """A server as `lab`, whose documents live in rooms of jupyter-collaboration."""
    folder = tmp_path_factory.mktemp("collaboration")
    environment = base_environment(folder) | dict(sandbox.env())
    with serve(folder, environment, *EXPOSED, faces=True, collaboration=True) as running:
        yield running


class Browser:
    """A page of a server."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page = page
        self.server = server

    def go(self, path: str) -> None:
        """Open a page of the server, logged in, without what other tests left open."""
        self.page.goto(f"{self.server.url}{path}?token={TOKEN}&reset")


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """One browser for all tests of a module; each page has a context, and so cookies and storage, of its own.

    Not of the session: as long as playwright runs, no other test can use an event loop.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=need("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        yield started
        started.close()


@contextmanager
def page_at(chromium: Any, server: Server) -> Iterator[Browser]:
    """A fresh page of ``server``."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(90_000)
    yield Browser(page, server)
    context.close()


@pytest.fixture
def browser(chromium: object, lab: Server, tmp_path: Path) -> Iterator[Browser]:
    """A browser at a fresh folder of the shared server."""
    with page_at(chromium, lab.fresh(tmp_path.name)) as opened:
        yield opened


@pytest.fixture
def together(chromium: object, collaborative_lab: Server, tmp_path: Path) -> Iterator[Browser]:
    """A browser at a fresh folder of the shared server with jupyter-collaboration."""
    with page_at(chromium, collaborative_lab.fresh(tmp_path.name)) as opened:
        yield opened
