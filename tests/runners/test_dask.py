"""Data on a Dask cluster: real workers in processes of their own."""

from __future__ import annotations

from typing import Any

from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.accesslog import new_requests
from tests.runners.conftest import Shell

HEAD = """
import logging, os, sys
from dask.distributed import Client, LocalCluster, Nanny, Scheduler, SpecCluster
from nbrucio.runners.dask import SyncPlugin

def read(path):
    with open(path, 'rb') as file:
        return len(file.read())

def own(number):
    import nbrucio
    return [(path, read(path)) for path in nbrucio.data['small']]

if __name__ == '__main__':
    os.environ['NBRUCIO_NOTEBOOK'] = os.path.abspath('nb.ipynb')
"""
SHARED = """
    import nbrucio
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        files = nbrucio.data['small']
        print(sum(client.gather(client.map(read, files))))
        print(client.submit(lambda files: (type(files).__name__, len(files)), files).result())
        far = client.submit(lambda files: sorted({pfn.partition(':')[0] for pfn in files}), nbrucio.data['far'])
        print(far.result())
"""
NODES = """
    def node(name):
        return {'cls': Nanny, 'options': {'local_directory': os.path.abspath(name), 'nthreads': 1}}
    workers = {'a1': node('a'), 'a2': node('a'), 'b1': node('b')}
    scheduler = {'cls': Scheduler, 'options': {'dashboard_address': None}}
    with SpecCluster(workers, scheduler) as cluster, Client(cluster) as client:
        client.register_plugin(SyncPlugin('nb.ipynb', store='data'))
        found = client.run(own, 1)
        print(sorted({path.split(os.sep + 'objects')[0] for files in found.values() for path, _ in files}))
        print([sum(size for _, size in files) for files in found.values()])
"""
REFUSED = """
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        try:
            client.register_plugin(SyncPlugin('nb.ipynb'))
        except Exception as error:
            print(type(error).__name__, error)
"""


def run(shell: Shell, body: str) -> list[str]:
    script = shell.folder / "script.py"
    script.write_text(HEAD + body)
    done = shell("python", script)
    assert done.exit_code == 0, done.told
    return done.out.splitlines()


def test_what_data_gives_travels_as_paths_and_what_is_streamed_as_pfns(
    shell: Shell, small: dict[str, Any], other: str
) -> None:
    far = {"did": other, "handle": "far", "access": "stream"}
    assert shell("nbrucio", "sync", shell.notebook(small, far)).exit_code == 0
    assert run(shell, SHARED) == ["15000", "('tuple', 3)", "['https']"]


def test_the_plugin_brings_each_file_to_each_node_once(shell: Shell, small: dict[str, Any], sandbox: Sandbox) -> None:
    shell.notebook(small)
    with new_requests(sandbox.storage_log) as requests:
        stores, sizes = run(shell, NODES)
    nodes = [str(shell.folder / name / "dask-scratch-space" / "data") for name in ("a", "b")]
    assert (stores, sizes) == (str(nodes), "[15000, 15000, 15000]")
    assert sum(request.size_bytes for request in requests if request.method == "GET") == 2 * 15_000
    assert not shell.store.exists()


def test_a_node_that_cannot_have_the_data_says_so(shell: Shell) -> None:
    shell.notebook({"did": "sandbox:deleted.since", "handle": "small"})
    assert "DidNotFound sandbox knows no DID 'sandbox:deleted.since'" in "\n".join(run(shell, REFUSED))
