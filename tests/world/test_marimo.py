"""marimo's notebooks have the data that their header declares, in every way in which marimo runs them."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.runners.conftest import Shell
from tests.world.test_other_programs import LIMIT_S, running, until, url_in

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

NOTEBOOK = """import marimo

app = marimo.App()


@app.cell
def _():
    import nbrucio

    with open("found", "w") as file:
        print(len(nbrucio.data["small"]), len(nbrucio.data("{did}")), file=file)
    return


if __name__ == "__main__":
    app.run()
"""
#: Opens the notebook as a browser does, and waits until its cells were run.
BROWSER = """
import asyncio, json, re, sys, urllib.request
import websockets

async def open_page(url, edits):
    html = urllib.request.urlopen(url).read().decode()
    async with websockets.connect(url.replace("http", "ws", 1) + "/ws?session_id=s_000001", max_size=None) as socket:
        if edits:
            token = re.search(r'"serverToken": ?"([^"]+)"', html)
            headers = {"Content-Type": "application/json", "Marimo-Session-Id": "s_000001"}
            headers["Marimo-Server-Token"] = token.group(1) if token else ""
            body = json.dumps({"objectIds": [], "values": [], "autoRun": True}).encode()
            request = urllib.request.Request(url + "/api/kernel/instantiate", body, headers)
            await asyncio.to_thread(urllib.request.urlopen, request)
        async for message in socket:
            if json.loads(message).get("op") == "completed-run":
                return

asyncio.run(asyncio.wait_for(open_page(sys.argv[1], sys.argv[2] == "edit"), 100))
"""


@pytest.fixture
def world(world: Shell, small: dict[str, Any]) -> Shell:
    """A folder with a notebook that was synced, and another synced one beside it."""
    (world.folder / "nb.py").write_text(NOTEBOOK.replace("{did}", small["did"]))
    beside = world.notebook(small, name="beside.ipynb")
    assert world("nbrucio", "add", "nb.py", small["did"], "--as", "small").exit_code == 0
    assert world("nbrucio", "sync", "nb.py", beside).exit_code == 0
    return world


def found(world: Shell) -> str | None:
    """What the notebook wrote."""
    file = world.folder / "found"
    return file.read_text() if file.exists() else None


@pytest.mark.parametrize(
    "words", [("python", "nb.py"), ("marimo", "export", "html", "nb.py", "-o", "nb.html")], ids=lambda words: words[0]
)
def test_a_program_that_runs_it_to_its_end(world: Shell, words: tuple[str, ...]) -> None:
    done = world(*words)
    assert (done.exit_code, found(world)) == (0, "3 3\n"), done.told


@pytest.mark.parametrize("mode", ["run", "edit"])
def test_in_a_browser(world: Shell, mode: str) -> None:
    log = world.folder.parent / "marimo.log"
    with running(world, log, "marimo", mode, "nb.py", "--headless", "--no-token"):
        subprocess.run([world.bin / "python", "-c", BROWSER, url_in(log), mode], check=True, timeout=LIMIT_S)
        assert until(lambda: found(world)) == "3 3\n"


def test_without_a_sync_it_shows_what_to_do(world: Shell) -> None:
    (world.folder / "nb.py").rename(world.folder / "new.py")
    done = world("python", "new.py")
    assert f"Run: nbrucio sync {world.folder}/new.py" in done.told
    assert not found(world)


def test_marimo_keeps_the_declaration_when_it_writes_the_file(world: Shell) -> None:
    before = (world.folder / "nb.py").read_text().partition("import marimo")[0]
    assert "[tool.nbrucio]" in before
    assert world("marimo", "check", "--fix", "nb.py").exit_code == 0
    after = (world.folder / "nb.py").read_text()
    assert after.partition("import marimo")[0] == before
    assert "__generated_with" in after
