"""The panel in JupyterLab 4.2, the oldest that it is for: opened, synced, and the data read in a cell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.e2e.conftest import EXPOSED, chromium, page_at
from tests.e2e.test_lab import DIMUON, READ, RUN_ALL, open_notebook, wait_for_output
from tests.jupyter.test_open_policy import put
from tests.support.clients import pip
from tests.support.jupyter_server import Server, base_environment, declaring, serve
from tests.support.panel import Panel

__all__ = ["chromium"]  # a fixture of the browser's tests
pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def oldest_lab(tmp_path: Path, sandbox: Sandbox) -> Iterator[Server]:
    """A server of an environment that has JupyterLab 4.2, and nbrucio with the built panel of this checkout."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    pip(python, "install", "--editable", f"{ROOT}[jupyter]", "jupyterlab==4.2.*", "ipykernel")
    panels = environment / "share/jupyter/labextensions"
    panels.mkdir(parents=True, exist_ok=True)
    (panels / "nbrucio").symlink_to(ROOT / "nbrucio/labextension")  # as `make frontend` does
    folder = tmp_path / "server"
    settings = folder / "jupyter-config/lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    variables = base_environment(folder) | dict(sandbox.env())
    with serve(folder, variables, EXPOSED[0], faces=True, python=python) as running:
        yield running


def test_the_panel_works_in_jupyterlab_4_2(chromium: object, oldest_lab: Server) -> None:
    put(oldest_lab, "a.ipynb", declaring(READ, dimuon=DIMUON))
    errors: list[str] = []
    with page_at(chromium, oldest_lab) as browser:
        page = browser.page
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        open_notebook(browser)
        assert page.evaluate("() => window.jupyterapp.version").startswith("4.2.")
        panel = Panel(browser).open()
        panel.await_state("dimuon", "consent")
        panel.press("Fetch once")
        panel.await_state("dimuon", "ready")
        page.evaluate(RUN_ALL)
        wait_for_output(browser, "read 4 files")
        for section in ("Explore", "Upload", "Settings"):
            panel.tab(section)
        assert panel.violations() == []
        panel.shot("lab-4.2")
    assert [error for error in errors if "nbrucio" in error.lower()] == []
