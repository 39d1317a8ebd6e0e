"""One notebook with data in the store, on a mount, to download and to stream: what the plan says is what happens."""

from __future__ import annotations

import json

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell, printed, value_of
from tests.support.access_log import new_requests

STORED = {"did": "sandbox:growing.1.root", "handle": "stored"}
MOUNTED = {"did": "sandbox:mounted", "handle": "mounted"}
BROUGHT = {"did": "sandbox:growing.2.root", "handle": "brought"}
STREAMED = {"did": "sandbox:dimuon.1.root", "handle": "streamed", "access": "stream"}
LOCAL = """
import nbrucio
for handle in ("stored", "mounted", "brought"):
    print(handle, sum(len(open(path, "rb").read()) for path in nbrucio.data[handle]))
"""
REMOTE = """
import uproot
streamed = nbrucio.data["streamed"]
with uproot.open(streamed[0], **streamed.storage_options) as file:
    print("streamed", len(file["Events"]["mu1_pt"].array(entry_stop=10, library="np")))
"""


def test_a_notebook_runs_on_data_had_in_four_ways_and_the_servers_saw_the_plan(shell: Shell, sandbox: Sandbox) -> None:
    assert shell("nbrucio", "sync", shell.notebook(STORED, name="earlier.ipynb")).exit_code == 0
    path = shell.notebook(STORED, MOUNTED, BROUGHT, STREAMED, code=(LOCAL, REMOTE))
    plan = json.loads(shell("nbrucio", "plan", path, "--json").out)
    ways = {way: amount["files"] for way, amount in plan["access"].items()}
    assert ways == {"store": 1, "mount": 2, "download": 1, "stream": 1}
    with new_requests(sandbox.storage_log) as requests:
        done = shell("papermill", "--engine", "nbrucio", "--no-progress-bar", path, "out.ipynb")
    assert done.exit_code == 0, done.err
    sizes = {way: amount["bytes"] for way, amount in plan["access"].items()}
    assert printed(shell.folder / "out.ipynb").split() == [
        *("stored", str(sizes["store"])),
        *("mounted", str(sizes["mount"])),
        *("brought", str(sizes["download"])),
        *("streamed", "10"),
    ]
    seen = {
        name: sum(r.size_bytes for r in requests if r.method == "GET" and name in r.path)
        for name in ("growing.1.root", "mounted", "growing.2.root", "dimuon.1.root")
    }
    assert seen["growing.2.root"] == plan["download"]["bytes"] == sizes["download"]
    assert 0 < seen["dimuon.1.root"] < sizes["stream"], "the cell read a part of it where it is"
    assert (seen["growing.1.root"], seen["mounted"]) == (0, 0)
    assert sum(r.size_bytes for r in requests if r.method == "GET") == sum(seen.values()), "and nothing else was read"
    read = value_of(shell.folder / "out.ipynb")["read"]["data"]
    assert {handle: facts["access"] for handle, facts in read.items()} == {
        "stored": {"store": 1},
        "mounted": {"mount": 2},
        "brought": {"download": 1},
        "streamed": {"stream": 1},
    }
