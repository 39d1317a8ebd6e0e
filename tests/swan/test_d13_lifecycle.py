"""D13: a server that is killed in the middle of a sync leaves nothing half, and the next one continues."""

from __future__ import annotations

import json
import os
import time

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox, seed
from tests.support.jupyter_server import declaring
from tests.swan.session import Session

pytestmark = [pytest.mark.world, pytest.mark.parametrize("swan_python", ["pinned"], indirect=True)]

FILES = [seed.NewFile(Did("sandbox", f"killed/{number}"), os.urandom(2_000_000)) for number in range(40)]
CELL = "import nbrucio\nprint(len(nbrucio.data['killed']), 'files')"


@pytest.fixture
def dataset(sandbox: Sandbox) -> str:
    """A dataset whose download takes long enough to be interrupted."""
    with sandbox.admin() as client:
        seed.add_files(client, FILES, ["SANDBOX_HTTPS"])
        seed.add_dataset(client, "sandbox", "killed.set", [file.did for file in FILES], closed=True)
    return "sandbox:killed.set"


def test_d13_the_next_server_continues_what_a_killed_one_began(session: Session, dataset: str) -> None:
    with session.running() as server:
        (server.root / "a.ipynb").write_text(json.dumps(declaring(CELL, killed=dataset)))
        assert server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb"})[0] == 202
        end = time.monotonic() + 60
        objects = session.folder / "tmp"
        while not (complete := set(objects.rglob("objects/*/*/[0-9]*"))) and time.monotonic() < end:
            time.sleep(0.005)
        server.process.kill()
        server.process.wait()
    complete = set(objects.rglob("objects/*/*/[0-9]*"))
    assert complete
    contents = {file.did.name.rpartition("/")[2]: file.data for file in FILES}
    assert all(path.read_bytes() == contents[path.name] for path in complete)
    inodes = {path: path.stat().st_ino for path in complete}
    for manifest in objects.rglob("nbrucio-*/*.json"):
        json.loads(manifest.read_text())  # whole, or not there
    with session.running() as server:
        server.open("a.ipynb")
        assert server.settled("a.ipynb")["requirements"] == {"killed": "ready"}
        with server.kernel("a.ipynb") as kernel:
            assert kernel.run(CELL).text == "40 files\n"
    assert all(path.stat().st_ino == inode for path, inode in inodes.items())
    assert "Traceback" not in server.log.read_text()


def test_d13_a_folder_of_notebooks_that_is_read_only_still_gets_its_data(session: Session) -> None:
    with session.running() as server:
        (server.root / "a.ipynb").write_text(json.dumps(declaring(CELL, mounted="sandbox:mounted")))
        (server.root / "a.ipynb").chmod(0o444)
        server.root.chmod(0o555)
        try:
            server.open("a.ipynb")
            assert server.settled("a.ipynb")["requirements"] == {"mounted": "ready"}
        finally:
            server.root.chmod(0o755)
    assert "Traceback" not in server.log.read_text()
