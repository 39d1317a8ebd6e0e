"""JupyterLab in a real browser: Debian's Chromium, driven by playwright."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test what its browser shows, before that is closed."""
    report = yield
    if report.when == "call" and report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Browser):
                report.sections.append((f"page of {name}", value.described()))
    return report


class Browser:
    """A page of a server, which keeps what the page says and what fails in it."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page = page
        self.server = server
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("requestfailed", lambda request: self.said.append(f"failed: {request.method} {request.url}"))
        page.on("websocket", lambda socket: self.said.append(f"socket: {socket.url}"))

    def go(self, path: str) -> None:
        """Open a page of the server, logged in, without what other tests left open."""
        self.page.goto(f"{self.server.url}{path}?token={TOKEN}&reset")

    def described(self) -> str:
        """What a failed test needs to be understood: what the page shows and says, and what the server knows."""
        parts = [f"sessions: {json.dumps(self.server.ask('api/sessions')[1])[-4000:]}"]
        with suppress(Error):  # a page that crashed
            parts += [f"url: {self.page.url}", f"text: {self.page.inner_text('body', timeout=5000)[-3000:]}"]
        parts += ["console:", *self.said[-60:], "server:", self.server.log.read_text(errors="replace")[-6000:]]
        return "\n".join(parts)


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
    opened = Browser(page, server)
    try:
        yield opened
    finally:
        context.close()
        # As many kernels as tests would be left running.
        for session in server.ask("api/sessions")[1]:
            server.ask(f"api/sessions/{session['id']}", method="DELETE")


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
