"""Values of ``nbrucio.data`` on a standalone Spark cluster: a master and two workers with stores of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell
from tests.support.access_log import new_requests
from tests.world.cluster.conftest import ENTRIES
from tests.world.cluster.spark import standalone

pytestmark = [pytest.mark.world, pytest.mark.timeout(600)]

SCRIPT = """
import json, os, sys, time, nbrucio
from pyspark import SparkConf, SparkContext

NODES = os.path.abspath("nodes")

def total(path):
    import uproot
    open(os.path.join(NODES, os.path.basename(os.environ["NBRUCIO_STORE"])), "w").close()
    end = time.monotonic() + 120
    while len(os.listdir(NODES)) < 2 and time.monotonic() < end:  # both nodes take tasks
        time.sleep(0.05)
    with uproot.open(path, **path.storage_options) as file:
        return os.environ["NBRUCIO_STORE"], str(path), int(file["Events"]["x"].array(library="np").sum())

if __name__ == "__main__":
    conf = SparkConf().setMaster(sys.argv[1]).set("spark.executor.memory", "512m").set("spark.ui.enabled", "false")
    conf = conf.set("spark.driver.host", "127.0.0.1").set("spark.driver.bindAddress", "127.0.0.1")
    sc = SparkContext(conf=conf)
    tasks = sc.parallelize(nbrucio.data["muons"], 4)
    os.rename(os.environ["NBRUCIO_STORE"], "away")  # on a cluster, no worker has the driver's paths
    print(json.dumps(tasks.map(total).collect()))
    sc.stop()
"""


def test_parallelize_takes_a_value_and_each_worker_opens_its_own_copy(
    cluster: Shell, events: dict[str, Any], sandbox: Sandbox
) -> None:
    notebook = cluster.notebook(events)
    nodes = [str(cluster.folder.parent / f"node-{number}") for number in range(2)]
    runtime = {"NBRUCIO_RUNTIME_DIR": str(cluster.folder.parent / "elsewhere")}
    assert cluster("nbrucio", "sync", notebook).exit_code == 0
    assert cluster("nbrucio", "sync", notebook, NBRUCIO_STORE=nodes[0], **runtime).exit_code == 0
    (cluster.folder / "nodes").mkdir()
    (cluster.folder / "script.py").write_text(SCRIPT)
    driver = {"NBRUCIO_NOTEBOOK": str(notebook), "PYSPARK_PYTHON": str(cluster.bin / "python")}
    with (
        standalone(cluster, [{"NBRUCIO_STORE": node} for node in nodes]) as master,
        new_requests(sandbox.storage_log) as requests,
    ):
        done = cluster("python", "script.py", master, **driver)
    assert done.exit_code == 0, done.told
    found = json.loads(done.out.splitlines()[-1])
    assert [total for _, _, total in found] == [sum(range(n * ENTRIES, (n + 1) * ENTRIES)) for n in range(4)]
    assert {store for store, _, _ in found} == {*nodes}
    for store, place, _ in found:
        assert place.startswith(f"{store}/" if store == nodes[0] else "https://")
    streamed = {place.rpartition("/")[2] for store, place, _ in found if store == nodes[1]}
    assert {request.path.rpartition("/")[2] for request in requests} == streamed
