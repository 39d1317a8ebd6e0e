"""``examples/cluster.ipynb``, unchanged, on each engine that it names. Each node has a store of its own."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell
from tests.support.access_log import new_requests
from tests.world.cluster.conftest import ROOT
from tests.world.cluster.slurm import NODES, slurm
from tests.world.cluster.spark import standalone

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

EXAMPLE = ROOT / "examples" / "cluster.ipynb"
#: Within two: how a single-precision mass at the edge of a bin is rounded depends on the processor.
PAIRS = 353_789
#: What a site configures: jobs of all nodes run on this machine, and each node has a folder of its own.
JOBQUEUE = """
jobqueue:
  slurm:
    cores: 1
    processes: 1
    memory: 1GB
    interface: lo
    log-directory: {folder}
    local-directory: {folder}/$SLURMD_NODENAME
    job-script-prologue: ["export NBRUCIO_STORE={folder}/$SLURMD_NODENAME/store"]
    scheduler-options: {{dashboard_address: null}}
"""
SPARK = """
spark.master {master}
spark.executor.memory 512m
spark.ui.enabled false
spark.ui.showConsoleProgress false
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
"""


@pytest.fixture
def site(cluster: Shell) -> Shell:
    """Prefers the storage whose log is counted."""
    config = cluster.folder / "nbrucio.toml"
    config.write_text(Path(cluster.env["NBRUCIO_CONFIG"]).read_text() + '\n[policy]\nprefer_rses = ["SANDBOX_HTTPS"]\n')
    return replace(cluster, env=cluster.env | {"NBRUCIO_CONFIG": str(config)})


@pytest.fixture(scope="session")
def sizes(sandbox: Sandbox) -> dict[str, int]:
    """The files that the notebook declares, with their bytes."""
    with sandbox.admin() as client:
        return {file["name"]: file["bytes"] for file in client.list_files("sandbox", "dimuon")}


def executed(cluster: Shell, engine: str, **env: str) -> list[str]:
    """Run the notebook on this engine; return the place of each file, in order."""
    notebook = cluster.folder / "cluster.ipynb"
    shutil.copyfile(EXAMPLE, notebook)
    done = cluster("nbrucio", "run", "cluster.ipynb", ENGINE=engine, **env)
    assert done.exit_code == 0, (done.told, [log.read_text() for log in cluster.folder.glob("slurm-*.out")])
    assert notebook.read_bytes() == EXAMPLE.read_bytes()
    *places, pairs = stdout(cluster.folder / "cluster.out.ipynb").splitlines()
    number, _, words = pairs.partition(" ")
    assert words == "muon pairs"
    assert abs(int(number.replace(",", "")) - PAIRS) <= 2
    assert len(places) == 4
    return places


def stdout(notebook: Path) -> str:
    """Everything that its code printed; Spark's words are on stderr."""
    outputs = [output for cell in json.loads(notebook.read_text())["cells"] for output in cell.get("outputs", ())]
    return "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")


@contextmanager
def sent_bytes(sandbox: Sandbox) -> Iterator[Counter[str]]:
    """Count the bytes of each file that the storage sends during the block; complete after it."""
    counted: Counter[str] = Counter()
    with new_requests(sandbox.storage_log) as requests:
        yield counted
    for request in requests:
        if request.method == "GET":
            counted[request.path.rpartition("/")[2]] += request.size_bytes


def unseen(folder: Path) -> list[str]:
    """Begin a command that cannot see what is in ``folder``, like a process on another node."""
    folder.mkdir(exist_ok=True)
    return ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', str(folder)]


@pytest.mark.parametrize("engine", ["laptop", "dask"])
def test_on_one_machine_every_process_reads_the_one_copy(
    site: Shell, sandbox: Sandbox, sizes: dict[str, int], engine: str
) -> None:
    with sent_bytes(sandbox) as sent:
        places = executed(site, engine)
    assert all(place.startswith(f"{site.store}/objects/") for place in places)
    assert sent == sizes


def test_jobs_of_slurm_read_the_copy_of_their_node(site: Shell, sandbox: Sandbox, sizes: dict[str, int]) -> None:
    (site.folder / "jobqueue.yaml").write_text(JOBQUEUE.format(folder=site.folder))
    with slurm(site, unseen(site.store)) as env, sent_bytes(sandbox) as sent:
        places = executed(site, "slurm", **env, DASK_CONFIG=str(site.folder))
    stores = [site.folder / node / "store" for node in NODES]
    assert all(place.startswith(tuple(f"{store}/objects/" for store in stores)) for place in places)
    synced = sum((store / "objects").is_dir() for store in (site.store, *stores))
    assert sent == {name: synced * size for name, size in sizes.items()}, "once a node"


def test_executors_of_spark_read_the_copy_of_their_node_or_stream(
    site: Shell, sandbox: Sandbox, sizes: dict[str, int]
) -> None:
    nodes = [site.folder.parent / f"node-{number}" for number in range(2)]
    with standalone(site, [{"NBRUCIO_STORE": str(node)} for node in nodes], unseen(site.store)) as master:
        (site.folder / "spark-defaults.conf").write_text(SPARK.format(master=master))
        program = {"SPARK_CONF_DIR": str(site.folder), "PYSPARK_PYTHON": str(site.bin / "python")}
        with sent_bytes(sandbox) as streamed:
            places = executed(site, "spark", **program)
        assert {place.partition(":")[0] for place in places} == {"https"}
        for name, size in sizes.items():
            assert size < streamed[name] <= 2 * size, "once by the notebook's node, and once to an executor"
        for node in nodes:
            elsewhere = {"NBRUCIO_STORE": str(node), "NBRUCIO_RUNTIME_DIR": str(node / "run")}
            assert site("nbrucio", "sync", "cluster.ipynb", **elsewhere).exit_code == 0
        with sent_bytes(sandbox) as sent:
            places = executed(site, "spark", **program)
        assert all(place.startswith(tuple(f"{node}/objects/" for node in nodes)) for place in places)
        assert not sent
