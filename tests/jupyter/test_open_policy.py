"""Opening a notebook at a real server brings its data, as far as that was agreed to."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from nbrucio.kernel import Data
from nbrucio.kernel.manifest import writer_is_gone
from nbrucio.pipeline.manifest_files import path_for
from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.support.jupyter_server import Server, declaring, notebook

DIMUON = "sandbox:dimuon"


def put(server: Server, name: str, content: dict[str, Any]) -> Path:
    """A notebook in the server's folder, not brought there by the server."""
    path = server.root / name
    path.write_text(json.dumps(content))
    return path


def requests(sandbox: Sandbox) -> int:
    """How many requests Rucio has answered."""
    return len(sandbox.access_log.read_text().splitlines())


def questions(sandbox: Sandbox) -> int:
    """How often Rucio was asked for the files of the dataset."""
    return sandbox.access_log.read_text().count(" /dids/sandbox/dimuon/files")


def manifest_of(server: Server, name: str) -> Data:
    """What a kernel of this notebook sees."""
    runtime = server.folder / "runtime"
    return Data(server.root / name, {"NBRUCIO_RUNTIME_DIR": str(runtime)})


def test_nothing_is_downloaded_before_somebody_agreed(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.open("a.ipynb")
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "missing"}
    error = manifest_of(server, "a.ipynb").manifest().entries["dimuon"].error
    assert error is not None
    assert error["code"] == "consent-needed"
    assert "needs your consent" in error["message"]
    assert error["next_command"] == f"nbrucio sync {server.root / 'a.ipynb'}"
    assert not list((server.folder / "store").glob("objects/*/*/*"))


def test_an_explicit_sync_is_consent_also_for_the_next_opening(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    assert server.sync("a.ipynb")["requirements"] == {"dimuon": "ready"}
    assert len(manifest_of(server, "a.ipynb")["dimuon"]) == 4
    (grant,) = server.ask("nbrucio/grants")[1]["grants"]
    assert grant["did"] == DIMUON
    assert (server.folder / "grants.json").stat().st_mode & 0o777 == 0o600
    # Another notebook with the same data, which is gone meanwhile: opening is enough.
    for file in (server.folder / "store").glob("objects/*/*/*"):
        file.unlink()
    put(server, "b.ipynb", declaring(again=DIMUON))
    server.open("b.ipynb")
    assert server.settled("b.ipynb")["requirements"] == {"again": "ready"}


def test_opening_what_is_here_already_writes_nothing(start: Start) -> None:
    with start() as server:
        path = put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.sync("a.ipynb")
    with start() as server:  # a new one, which remembers nothing
        manifest = next((server.folder / "runtime").glob("*.json"))
        before = manifest.stat()
        server.open("a.ipynb")
        assert server.settled("a.ipynb")["requirements"] == {"dimuon": "ready"}
        assert manifest.stat().st_ino == before.st_ino
    path.write_text(json.dumps(declaring(renamed=DIMUON)))
    with start() as server:
        server.open("a.ipynb")
        assert server.settled("a.ipynb")["requirements"] == {"renamed": "ready"}
        assert list(manifest_of(server, "a.ipynb")) == ["renamed"]


def test_kernels_are_told_again_after_a_reboot_and_nobody_is_asked(server: Server, sandbox: Sandbox) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.sync("a.ipynb")
    for file in (server.folder / "runtime").iterdir():
        file.unlink()
    before, storage = requests(sandbox), sandbox.storage_log.read_text()
    server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb", "open": True, "again": True})
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "ready"}
    assert len(manifest_of(server, "a.ipynb")["dimuon"]) == 4
    assert (requests(sandbox), sandbox.storage_log.read_text()) == (before, storage)
    # What was resolved is known to the save that follows, though no sync ran.
    saved = server.save("a.ipynb", declaring(dimuon=DIMUON))
    assert saved["metadata"]["nbrucio"]["lock"]["dimuon"]["files"] == 4
    server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb", "open": True, "again": True})
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "ready"}


def test_a_grant_can_be_given_and_taken_back(server: Server) -> None:
    status, grant = server.ask("nbrucio/grants", {"did": "sandbox:dimuon*", "max_bytes": 10})
    assert (status, grant["max_bytes"]) == (201, 10)
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.open("a.ipynb")  # the files are larger than the grant
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "missing"}
    server.ask("nbrucio/grants", {"did": "sandbox:dimuon*"}, "DELETE")
    assert server.ask("nbrucio/grants")[1] == {"grants": []}


def test_a_grant_for_data_of_unknown_size_is_for_the_opening_budget(server: Server) -> None:
    status, grant = server.ask("nbrucio/grants", {"did": "sandbox:sizeless", "max_bytes": None})
    budget = server.ask("nbrucio/opening")[1]["allowed"]["budget_bytes"]
    assert (status, grant["max_bytes"]) == (201, budget)
    server.ask("nbrucio/grants", {"did": "sandbox:sizeless"}, "DELETE")


def test_listing_a_folder_and_looking_without_content_start_nothing(server: Server) -> None:
    for number in range(5):
        put(server, f"{number}.ipynb", declaring(dimuon=DIMUON))
    assert server.ask(f"api/contents/{server.api('')}?content=1")[0] == 200
    assert server.ask(f"api/contents/{server.api('0.ipynb')}?content=0")[0] == 200
    time.sleep(0.3)
    assert [server.state(f"{number}.ipynb") for number in range(5)] == [None] * 5


def test_a_notebook_without_declaration_starts_nothing(server: Server) -> None:
    put(server, "a.ipynb", notebook("1 + 1"))
    server.open("a.ipynb")
    time.sleep(0.2)
    assert server.state("a.ipynb") is None


def test_reopening_soon_asks_rucio_nothing(server: Server, sandbox: Sandbox) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.open("a.ipynb")
    server.settled("a.ipynb")
    before = requests(sandbox)
    for _ in range(5):
        server.open("a.ipynb")
    time.sleep(0.3)
    assert server.state("a.ipynb")["state"] == "done"
    assert requests(sandbox) == before


def test_two_notebooks_that_open_at_once_share_one_download(server: Server, sandbox: Sandbox) -> None:
    server.ask("nbrucio/grants", {"did": DIMUON})
    before = len(sandbox.storage_log.read_text().splitlines())
    for name in ("a.ipynb", "b.ipynb"):
        put(server, name, declaring(dimuon=DIMUON))
    for name in ("a.ipynb", "b.ipynb"):
        server.open(name)
    for name in ("a.ipynb", "b.ipynb"):
        assert server.settled(name)["requirements"] == {"dimuon": "ready"}
    fetched = [line for line in sandbox.storage_log.read_text().splitlines()[before:] if "GET" in line]
    assert len(fetched) <= 4, fetched


def test_a_change_of_the_declaration_is_met_by_the_next_sync(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.sync("a.ipynb")
    path.write_text(json.dumps(declaring(mu=DIMUON, gone="sandbox:no-such-thing")))
    assert server.sync("a.ipynb")["requirements"] == {"mu": "ready", "gone": "failed"}


def test_two_tabs_share_one_sync(server: Server, sandbox: Sandbox) -> None:
    server.ask("nbrucio/grants", {"did": DIMUON})
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    asked, fetched = questions(sandbox), sandbox.storage_log.read_text().count("GET")
    for _ in range(3):  # the third says what a front end of ours says beside it
        server.open("a.ipynb")
    server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb", "open": True})
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "ready"}
    assert sandbox.storage_log.read_text().count("GET") - fetched <= 4  # some are had by another protocol
    assert questions(sandbox) - asked == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_in_mid_sync_leaves_no_half_file_and_the_next_one_resumes(
    start: Start, how: signal.Signals
) -> None:
    with start() as server:
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.ask("nbrucio/sync", {"path": "a.ipynb"})
        store = server.folder / "store"
        end = time.monotonic() + 20
        while not list(store.glob("partial/*")) and not list(store.glob("objects/*/*/*")) and time.monotonic() < end:
            time.sleep(0.005)
        os.kill(server.process.pid, how)
        server.process.wait()
        for file in store.glob("objects/*/*/*"):
            assert file.read_bytes()[:4] == b"root"
            assert file.stat().st_mode & 0o222 == 0
        # Kernels that were told to wait see that nobody is coming.
        manifest = manifest_of(server, "a.ipynb").manifest()
        assert manifest.state != "syncing" or writer_is_gone(manifest)
    with start() as server:
        assert server.sync("a.ipynb")["requirements"] == {"dimuon": "ready"}
        assert len(manifest_of(server, "a.ipynb")["dimuon"]) == 4


@pytest.mark.parametrize(
    ("level", "expected"),
    [("off", None), ("read", {"dimuon": "failed"}), ("look", {"dimuon": "missing"}), ("fetch", {"dimuon": "ready"})],
)
def test_the_level_of_opening_is_kept(
    start: Start, sandbox: Sandbox, level: str, expected: dict[str, str] | None
) -> None:
    with start(f"--NbrucioApp.on_open={level}") as server:
        server.ask("nbrucio/grants", {"did": DIMUON})
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        before = requests(sandbox)
        server.open("a.ipynb")
        if expected is None:
            time.sleep(0.2)
            assert server.state("a.ipynb") is None
        else:
            assert server.settled("a.ipynb")["requirements"] == expected
        assert (requests(sandbox) > before) == (level in ("look", "fetch"))


def test_what_is_over_the_budget_of_opening_is_not_brought(start: Start) -> None:
    with start("--NbrucioApp.open_budget_bytes=1000") as server:
        server.ask("nbrucio/grants", {"did": DIMUON})
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.open("a.ipynb")
        assert server.settled("a.ipynb")["requirements"] == {"dimuon": "missing"}
        error = manifest_of(server, "a.ipynb").manifest().entries["dimuon"].error
        assert error is not None
        assert error["next_command"] == f"nbrucio sync {server.root / 'a.ipynb'}"
        assert server.sync("a.ipynb")["requirements"] == {"dimuon": "ready"}  # asked for, so no such limit


def test_a_path_outside_of_the_servers_folder_is_refused(server: Server) -> None:
    outside = server.folder / "outside.ipynb"
    outside.write_text(json.dumps(declaring(dimuon=DIMUON)))
    for path in ("../outside.ipynb", str(outside), "/../outside.ipynb"):
        status, answer = server.ask(f"nbrucio/status?path={quote(path)}")
        assert (status, answer["error"]["code"]) == (400, "bad-notebook")


READ = "import nbrucio\nprint(nbrucio.data, len(nbrucio.data['dimuon']))"


def test_a_notebook_that_is_renamed_while_open_keeps_its_data(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.sync("a.ipynb")
    with server.kernel("a.ipynb") as kernel:
        assert kernel.run(READ).text == "<nbrucio.data: dimuon (ready)> 4\n"
        rename(server, "a.ipynb", "b.ipynb")
        assert kernel.run(READ).text == "<nbrucio.data: dimuon (ready)> 4\n"
        # What the new name brings reaches the kernel that was started under the old one, and the next one too.
        server.save("b.ipynb", declaring(dimuon=DIMUON, odd="sandbox:odd.names"))
        server.sync("b.ipynb")
        assert kernel.run(READ).text == "<nbrucio.data: dimuon (ready), odd (ready)> 4\n"
        missing = kernel.run("nbrucio.data['jets']")
        assert missing.traceback[1].startswith(
            f"Add it in Explore of the panel Data (Rucio), or run in a cell: !nbrucio add {server.root / 'b.ipynb'} "
        )
        kernel.restart()
        assert kernel.run(READ).text == "<nbrucio.data: dimuon (ready), odd (ready)> 4\n"
    # Another notebook under the old name has nothing to do with it.
    put(server, "a.ipynb", declaring(mine=DIMUON))
    server.sync("a.ipynb")
    assert list(manifest_of(server, "a.ipynb")) == ["mine"]
    assert list(manifest_of(server, "b.ipynb")) == ["dimuon", "odd"]


def rename(server: Server, old: str, new: str) -> None:
    """What a browser does to rename an open notebook."""
    status, _ = server.ask(f"api/contents/{server.api(old)}", {"path": server.prefix + new}, "PATCH")
    assert status == 200
    (session,) = (one for one in server.ask("api/sessions")[1] if one["path"] == server.prefix + old)
    server.patch(session["id"], server.prefix + new)
    end = time.monotonic() + 20
    while not path_for(server.root / new, {"NBRUCIO_RUNTIME_DIR": str(server.folder / "runtime")}).exists():
        assert time.monotonic() < end
        time.sleep(0.05)
