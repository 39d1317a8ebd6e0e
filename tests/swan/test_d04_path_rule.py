"""D4: a mount computes the same paths as rucio-jupyterlab."""

from __future__ import annotations

import json
import subprocess
from itertools import product
from pathlib import Path

import pytest

from nbrucio.config.mount import Mount

PFNS = (
    "root://eos.example//eos/pilot/tier1/x.root",
    "root://eos.example:1094//eos/pilot/tier1/sub/x.root",
    "davs://dav.example:443/webdav/atlas/rucio/mc/ab/cd/x.root",
    "https://dav.example/webdav/x.root",
    "file:///rse/data/x.root",
    "file://localhost/rse/data/x.root",
    "https://dav.example/a/b/c/d/e/f/x y.root",
    "root://eos.example//eos/x.root?eos.space=default",
)
CASES = list(product(PFNS, range(7)))
#: rucio-jupyterlab's own method, on an object that has what it reads.
_THEIRS = """
import json, sys
from types import SimpleNamespace
from rucio_jupyterlab.mode_handlers.replica import ReplicaModeHandler as Theirs

def path(pfn, begins_at):
    config = {"rse_mount_path": "/mnt/rse", "path_begins_at": begins_at}
    handler = SimpleNamespace(rucio=SimpleNamespace(instance_config=config))
    handler.get_path_after_nth_slash = lambda path, nth: Theirs.get_path_after_nth_slash(handler, path, nth)
    return Theirs.translate_pfn_to_path(handler, pfn)

print(json.dumps([path(*case) for case in json.load(sys.stdin)]))
"""


def _ours(pfn: str, begins_at: int) -> str | None:
    path = Mount("RSE", Path("/mnt/rse"), begins_at).local_path(pfn)
    return None if path is None else str(path)


def test_d4_the_rule_is_the_last_part_after_so_many_components() -> None:
    for pfn, begins_at in CASES:
        path = pfn.partition("://")[2].partition("/")[2].partition("?")[0]
        last = path.strip("/").split("/", begins_at)[-1]
        assert _ours(pfn, begins_at) == f"/mnt/rse/{last}", pfn


@pytest.mark.world
def test_d4_it_gives_the_paths_of_rucio_jupyterlab(swan_python: Path) -> None:
    done = subprocess.run(
        [swan_python, "-I", "-c", _THEIRS], input=json.dumps(CASES), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [_ours(*case) for case in CASES]
