"""What the browser tells of a notebook's kernel is enough for a kernel without our gate to find its data."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Browser
from tests.e2e.test_lab import RUN_ALL, open_notebook, wait_for_output
from tests.jupyter.test_open_policy import DIMUON, put
from tests.support.jupyter_server import declaring

#: As R or C++ read: the variable, and the file that it names.
PLAIN = (
    "import json, os, time; manifest = json.load(open(os.environ['NBRUCIO_MANIFEST']))\n"
    "print(os.path.basename(manifest['notebook']), {k: len(v['files']) for k, v in manifest['data'].items()})"
)
#: Lab tells the server of the new name after the file has it.
SESSION_AT = "(path) => window.jupyterapp.shell.currentWidget.sessionContext.session.path.endsWith(path)"
RENAME = "async ([old, to]) => { await window.jupyterapp.serviceManager.contents.rename(old, to) }"


@pytest.mark.parametrize("face", ["lab/tree/", "notebooks/"])
def test_a_kernel_has_its_data_from_its_first_cell_on_and_over_renames(browser: Browser, face: str) -> None:
    server = browser.server
    put(server, "a.ipynb", declaring(PLAIN, dimuon=DIMUON))
    server.sync("a.ipynb")
    posted: list[str] = []
    browser.page.on("request", lambda sent: posted.append(sent.post_data) if sent.method == "POST" else None)
    open_notebook(browser, face)
    (session,) = (json.loads(body) for body in posted if body and '"kernel"' in body)
    assert not session["path"].endswith("a.ipynb")  # else this tests less than it says
    browser.page.evaluate(RUN_ALL)
    wait_for_output(browser, "a.ipynb {'dimuon': 4}")
    folder = server.root / "sub"
    folder.mkdir()
    for old, new, path in (
        ("a.ipynb", "b.ipynb", "b.ipynb"),
        ("b.ipynb", "sub/c.ipynb", "sub/c.ipynb"),
        ("sub", "moved", "moved/c.ipynb"),
    ):
        browser.page.evaluate(RENAME, [server.prefix + old, server.prefix + new])
        browser.page.wait_for_function(SESSION_AT, arg=path)
        browser.page.evaluate(RUN_ALL)
        wait_for_output(browser, f"{path.rpartition('/')[2]} {{'dimuon': 4}}")
