"""Job arrays and dask-jobqueue on a real Slurm with two nodes, each with a store of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell
from tests.support.access_log import new_requests
from tests.world.cluster.conftest import ENTRIES
from tests.world.cluster.slurm import NODES, slurm

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

TASK = """#!/bin/bash
#SBATCH --array=1-4
#SBATCH --output=task-%a.out
export NBRUCIO_STORE=$PWD/$OPTION/$SLURMD_NODENAME NBRUCIO_RUNTIME_DIR=$(mktemp -d) NBRUCIO_NOTEBOOK=$PWD/nb.ipynb
nbrucio sync --quiet --$OPTION --part "$SLURM_ARRAY_TASK_ID/4" nb.ipynb || exit
python analyse.py
"""
ANALYSE = """
import json, os, nbrucio, uproot
with open("node-" + os.environ["SLURM_ARRAY_TASK_ID"], "w") as file:
    file.write(os.environ["SLURMD_NODENAME"])
totals = [int(uproot.open(path)["Events"]["x"].array(library="np").sum()) for path in nbrucio.data["muons"]]
print(json.dumps(totals))
"""
JOBQUEUE = """
import json, os
from dask.distributed import Client
from dask_jobqueue import SLURMCluster
from nbrucio.runners.dask import SyncPlugin

def totals():
    import nbrucio, uproot
    found = [int(uproot.open(path)["Events"]["x"].array(library="np").sum()) for path in nbrucio.data["muons"]]
    return os.environ["SLURMD_NODENAME"], nbrucio.data["muons"][0], found

if __name__ == "__main__":
    here = os.getcwd()
    cluster = SLURMCluster(
        cores=1, processes=1, memory="1GB", interface="lo", local_directory=here + "/$SLURMD_NODENAME",
        scheduler_options={"dashboard_address": None}, log_directory=here,
    )
    with cluster, Client(cluster) as client:
        cluster.scale(jobs=2)
        client.wait_for_workers(2, timeout=300)
        client.register_plugin(SyncPlugin("nb.ipynb", store="data"))
        print(json.dumps(list(client.run(totals).values())))
"""
TOTALS = [sum(range(n * ENTRIES, (n + 1) * ENTRIES)) for n in range(4)]


@pytest.fixture
def scheduled(cluster: Shell, events: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The environment of a Slurm, and a notebook in the working folder whose lock has its file list."""
    notebook = cluster.notebook(events)
    assert cluster("nbrucio", "lock", notebook, "--pin").exit_code == 0
    with slurm(cluster) as env:
        yield env


def sent_files(requests: list[Any]) -> list[str]:
    """The files that the storage sent as a whole or in part, each as often as it did."""
    return sorted(request.path.rpartition("/")[2] for request in requests if request.method == "GET")


def test_the_tasks_of_a_job_array_download_each_file_once(
    cluster: Shell, scheduled: dict[str, str], sandbox: Sandbox
) -> None:
    (cluster.folder / "task.sh").write_text(TASK)
    (cluster.folder / "analyse.py").write_text(ANALYSE)
    contents = {}
    for option in ("frozen", "locked"):
        env = scheduled | {"OPTION": option}
        with new_requests(sandbox.storage_log) as sent, new_requests(sandbox.access_log) as asked:
            submit = ["sbatch", "--wait", "task.sh"]
            done = subprocess.run(submit, cwd=cluster.folder, env=env, capture_output=True, text=True, check=False)
        outputs = [(cluster.folder / f"task-{number}.out").read_text() for number in (1, 2, 3, 4)]
        assert done.returncode == 0, (done.stderr, outputs)
        assert sorted(total for output in outputs for total in json.loads(output)) == TOTALS
        assert {(cluster.folder / f"node-{n}").read_text() for n in (1, 2, 3, 4)} == {*NODES}
        files = sent_files(sent)
        assert len(files) == len(set(files)) == 4
        assert len([request for request in asked if request.path.startswith("/replicas/list")]) == 4, "for its own part"
        contents[option] = len([request for request in asked if request.path.startswith("/dids/")])
    assert contents == {"frozen": 0, "locked": 8}


def test_dask_jobqueue_downloads_each_file_to_each_node_once(
    cluster: Shell, scheduled: dict[str, str], sandbox: Sandbox
) -> None:
    script = cluster.folder / "script.py"
    script.write_text(JOBQUEUE)
    with new_requests(sandbox.storage_log) as requests:
        done = cluster("python", script, **scheduled)
    logs = [path.read_text() for path in cluster.folder.glob("slurm-*.out")]
    assert done.exit_code == 0, (done.told, logs)
    found = json.loads(done.out.splitlines()[-1])
    assert {node: totals for node, _, totals in found} == dict.fromkeys(NODES, TOTALS)
    assert all(Path(path).is_relative_to(cluster.folder / node) for node, path, _ in found)
    files = sent_files(requests)
    assert files == sorted(2 * list(set(files)))
    assert len(files) == 8
