"""Data on a Dask cluster: real workers in processes of their own."""

from __future__ import annotations

import socket
from typing import Any

from nbrucio.core.did import Did
from nbrucio.runners.dask import SyncPlugin
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.runners.conftest import Shell
from tests.support.access_log import new_requests

HEAD = """
import logging, os, sys, time
from dask.distributed import Client, LocalCluster, Nanny, Scheduler, SpecCluster
from nbrucio.runners.dask import SyncPlugin

def read(path):
    with open(path, 'rb') as file:
        return len(file.read())

def attempt(handle):
    import nbrucio
    try:
        return nbrucio.data[handle].did
    except Exception as error:
        return repr(str(error))

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
SUCCEEDING = """
    def did(_):
        import nbrucio
        return nbrucio.data['small'].did

    def told():
        return client.submit(did, 0, pure=False).result()

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        first, second = SyncPlugin('a/nb.ipynb'), SyncPlugin('b/nb.ipynb')
        for plugin in (first, second, second, first, SyncPlugin('b/nb.ipynb')):
            client.register_plugin(plugin)
            print(told())
        client.unregister_worker_plugin(second.name)
        print(told())
        client.register_plugin(second)
        cluster.scale(3)
        client.wait_for_workers(3)
        print(sorted(set(client.run(did, 0).values())), len(client.run(did, 0)))
        for handle in ('gone', 'small'):
            client.register_plugin(first)
            try:
                client.register_plugin(SyncPlugin(f'{handle}.ipynb'))
            except Exception as error:
                print(type(error).__name__)
            print(client.submit(attempt, handle, pure=False).result())
"""
TOGETHER = """
    from nbrucio.runners.dask import data_of

    def count(name):
        try:
            return sorted(len(data_of(name)[handle]) for handle in ('small', 'big') if handle in data_of(name))
        except Exception as error:
            return str(error)

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        old, other = SyncPlugin('nb.ipynb'), SyncPlugin('b.ipynb')
        client.register_plugin(old)
        client.register_plugin(other)
        print([client.submit(count, plugin.name, pure=False).result() for plugin in (old, other)])
        os.replace('edited.ipynb', 'nb.ipynb')
        new = SyncPlugin('nb.ipynb')
        client.register_plugin(new)
        cluster.scale(2)
        client.wait_for_workers(2)
        for plugin in (new, other, old):
            values = sorted(map(str, client.run(count, plugin.name).values()))
            while plugin is not old and len(set(values)) > 1:  # the set-up of the new worker may still run
                time.sleep(0.1)
                values = sorted(map(str, client.run(count, plugin.name).values()))
            print(values)
"""
LOCKED = """
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.register_plugin(SyncPlugin('nb.ipynb', store='data'))
        print(len(client.submit(own, 1).result()))
"""


def run(shell: Shell, body: str) -> list[str]:
    script = shell.folder / "script.py"
    script.write_text(HEAD + body)
    done = shell("python", script)
    assert done.exit_code == 0, done.told
    return done.out.splitlines()


def test_values_travel_as_paths_and_streamed_ones_as_urls(shell: Shell, small: dict[str, Any], other: str) -> None:
    far = {"did": other, "handle": "far", "access": "stream"}
    assert shell("nbrucio", "sync", shell.notebook(small, far)).exit_code == 0
    assert run(shell, SHARED) == ["15000", "('SentFiles', 3)", "['https']"]


def test_the_plugin_brings_each_file_to_each_node_once(shell: Shell, small: dict[str, Any], sandbox: Sandbox) -> None:
    shell.notebook(small)
    with new_requests(sandbox.storage_log) as requests, new_requests(sandbox.access_log) as asked:
        stores, sizes = run(shell, NODES)
    nodes = [str(shell.folder / name / "dask-scratch-space" / "data") for name in ("a", "b")]
    assert (stores, sizes) == (str(nodes), "[15000, 15000, 15000]")
    assert sum(request.size_bytes for request in requests if request.method == "GET") == 2 * 15_000
    assert sum("/replicas/list" in request.path for request in asked) == 2, "the first worker of each node asks"
    assert not shell.store.exists()


def test_the_client_gets_the_node_and_the_next_action_of_a_failed_set_up(shell: Shell) -> None:
    shell.notebook({"did": "sandbox:deleted.since", "handle": "small"})
    (line,) = run(shell, REFUSED)
    assert line.startswith(f"DidNotFound On {socket.gethostname()}: 'sandbox:deleted.since' does not exist in sandbox")
    assert " Next: " in line


def test_plugins_of_several_notebooks_work_at_once_and_an_edited_notebook_replaces_its_own(
    shell: Shell, small: dict[str, Any], other: str
) -> None:
    shell.notebook(small)
    shell.notebook({"did": other, "handle": "big"}, name="b.ipynb")
    shell.notebook({**small, "select": {"first": 2}}, name="edited.ipynb")
    lines = run(shell, TOGETHER)
    assert lines[:3] == ["[[3], [1]]", "['[2]', '[2]']", "['[1]', '[1]']"]
    assert lines[3].count("is not registered on ") == 1, "a worker that joins later gets no former data"


def test_tasks_read_the_data_of_the_plugin_that_was_registered_last(
    shell: Shell, small: dict[str, Any], other: str, sandbox: Sandbox
) -> None:
    for folder, did in (("a", small["did"]), ("b", other)):
        shell.notebook({"did": did, "handle": "small"}, name=f"{folder}/nb.ipynb")
    shell.notebook({"did": "sandbox:deleted.since", "handle": "small"}, name="small.ipynb")
    shell.notebook({"did": "sandbox:deleted.since", "handle": "gone"}, name="gone.ipynb")
    a, b = small["did"], other
    with new_requests(sandbox.storage_log) as requests:
        lines = run(shell, SUCCEEDING)
    assert lines[:7] == [a, b, b, a, b, a, f"['{b}'] 3"]
    for kind, words in (lines[7:9], lines[9:11]):
        assert (kind, "sandbox:deleted.since" in words) == ("DidNotFound", True), "not what was registered before"
    assert sum(request.size_bytes for request in requests if request.method == "GET") == 15_000 + 700


def test_a_plugin_is_called_by_what_decides_its_data(shell: Shell, small: dict[str, Any], other: str) -> None:
    lock = {"type": "DATASET", "files": 0, "bytes": 0, "open": False, "digest": f"sha256:{64 * '0'}", "did": other}
    parameter = {"parameter": "year", "choices": {"1": small["did"], "2": other}, "default": "1"}
    declarations: list[dict[str, Any]] = [
        {"requirements": [small]},
        {"requirements": [{**small, "did": other}]},
        {"requirements": [{**small, "select": {"first": 1}}]},
        {"requirements": [{**small, "instance": "elsewhere.example"}]},
        {"requirements": [small], "lock": {"small": {**lock, "locked": "2026-11-23T10:00:00Z", "did": small["did"]}}},
        {"requirements": [{**small, "did": parameter}]},
    ]
    paths = [shell.notebook(name=f"{number}/nb.ipynb", nbrucio=value) for number, value in enumerate(declarations)]
    plugins = [SyncPlugin(path) for path in paths]
    plugins += [SyncPlugin(paths[-1], {"year": "2"}), SyncPlugin(paths[0], store="data")]
    assert len({plugin.name for plugin in plugins}) == len(plugins)
    copied = shell.notebook(name="copy/nb.ipynb", nbrucio=declarations[0], code=("1 + 1",))
    assert SyncPlugin(copied).name == plugins[0].name


def test_a_list_that_is_pinned_beside_the_notebook_holds_on_the_nodes(shell: Shell, sandbox: Sandbox) -> None:
    files = [NewFile(Did("sandbox", f"runners/pinned.{number:02}"), bytes([number])) for number in range(66)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        did = add_dataset(client, "sandbox", "runners.pinned", [file.did for file in files[:-1]])
        notebook = shell.notebook({"did": str(did), "handle": "small"})
        assert shell("nbrucio", "lock", notebook).exit_code == 0
        last = files[-1].did
        client.attach_dids(did.scope, did.name, [{"scope": last.scope, "name": last.name}])
    assert run(shell, LOCKED) == ["65"]
