"""Filesets in the libraries that take them: coffea, uproot.dask with dask-awkward, ROOT."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.runners.conftest import Shell
from tests.world.cluster.conftest import ENTRIES

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

COFFEA = """
import json, sys, warnings
warnings.simplefilter("ignore")
import nbrucio
from coffea import dataset_tools, processor
from coffea.nanoevents import BaseSchema

class Sum(processor.ProcessorABC):
    def process(self, events):
        return {events.metadata["did"]: {"entries": int(len(events)), "sum": int(sum(events.x))}}
    def postprocess(self, accumulator):
        return accumulator

if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        filesets = json.load(file)
    assert filesets == nbrucio.filesets(tree="Events")
    options = nbrucio.data["far"].storage_options
    available, updated = dataset_tools.preprocess(filesets, uproot_options=options, scheduler="sync")
    steps = {name: [one["steps"] for one in found["files"].values()] for name, found in available.items()}
    run = processor.Runner(processor.IterativeExecutor(status=False), schema=BaseSchema)
    pool = processor.Runner(processor.FuturesExecutor(workers=2, status=False), schema=BaseSchema)
    found = [one(filesets, Sum(), uproot_options=options) for one in (run, pool)]
    print(json.dumps([steps, *found]))
"""
UPROOT = """
import json, sys, uproot, nbrucio, dask_awkward
if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        files = json.load(file)
    array = uproot.dask(files, **nbrucio.data["far"].storage_options)
    assert isinstance(array, dask_awkward.Array)
    muons = uproot.dask(nbrucio.data["muons"].fileset("Events")["muons"]["files"])
    mapped = dask_awkward.from_map(lambda path: uproot.open({path: "Events"}).arrays(), list(nbrucio.data["muons"]))
    print(json.dumps([int(dask_awkward.sum(one.x).compute(scheduler=kind))
                      for one in (array, muons, mapped) for kind in ("sync", "processes")]))
"""
ROOT = """
import json, sys, warnings
warnings.simplefilter("ignore")
import ROOT, nbrucio
if __name__ == "__main__":
    from_spec = ROOT.RDF.Experimental.FromSpec(sys.argv[1])
    paths = ROOT.RDataFrame("Events", list(nbrucio.data["muons"]))
    print(json.dumps([int(frame.Sum("x").GetValue()) for frame in (from_spec, paths)]))
"""
#: Of the four files of `events`, and of the one file of the others.
ALL, ONE = sum(range(4 * ENTRIES)), sum(range(ENTRIES))


def printed(cluster: Shell, code: str, form: str, *handles: str) -> Any:
    """The last line of a program that reads the fileset in this format."""
    fileset = cluster.folder / "fileset.json"
    listed = cluster("nbrucio", "paths", "nb.ipynb", *handles, "--format", form, "--tree", "Events")
    assert listed.exit_code == 0, listed.told
    fileset.write_text(listed.out)
    (cluster.folder / "script.py").write_text(code)
    done = cluster("python", "script.py", fileset)
    assert done.exit_code == 0, done.told
    return json.loads(done.out.splitlines()[-1])


@pytest.fixture
def synced(cluster: Shell, events: dict[str, Any], mounted: dict[str, Any], streamed: dict[str, Any]) -> Shell:
    """A notebook with cached, mounted and streamed data."""
    cluster.notebook(events, mounted, streamed)
    done = cluster("nbrucio", "sync", "nb.ipynb")
    assert done.exit_code == 0, done.told
    return cluster


def test_coffea_preprocesses_and_runs_a_fileset_of_paths_mounts_and_urls(synced: Shell) -> None:
    steps, here, pool = printed(synced, COFFEA, "coffea")
    assert steps == {"muons": [[[0, ENTRIES]]] * 4, "near": [[[0, ENTRIES]]], "far": [[[0, ENTRIES]]]}
    one = {"entries": ENTRIES, "sum": ONE}
    expected = {
        "sandbox:events": {"entries": 4 * ENTRIES, "sum": ALL},
        "sandbox:events/near.root": one,
        "sandbox:events/far.root": one,
    }
    assert here == pool == expected


def test_uproot_dask_makes_dask_awkward_arrays_of_a_fileset(synced: Shell) -> None:
    assert printed(synced, UPROOT, "uproot") == [ALL + 2 * ONE] * 2 + [ALL] * 4


def test_root_reads_a_specification_and_the_paths(synced: Shell) -> None:
    # ROOT's wheel has no protocol for https, so this specification is of files on this machine.
    assert printed(synced, ROOT, "rdataframe", "muons", "near") == [ALL + ONE, ALL]


def test_the_programs_of_the_page_for_root_and_coffea_run(cluster: Shell) -> None:
    page = (Path(__file__).parents[3] / "docs/frameworks.md").read_text("utf-8")
    root, coffea = re.findall(r"^```py\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    cluster.notebook({"did": "sandbox:dimuon", "handle": "muons"})
    assert cluster("nbrucio", "sync", "nb.ipynb").exit_code == 0
    for code, last in ((root, "True"), (coffea, "400000")):
        (cluster.folder / "script.py").write_text(code)
        done = cluster("python", "script.py")
        assert (done.exit_code, done.out.splitlines()[-1:]) == (0, [last]), done.told
