"""Workers that Dask adds while a notebook is in use, and removes while they download."""

from __future__ import annotations

from typing import Any

import pytest

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell
from tests.runners.test_dask import run
from tests.support.access_log import new_requests

pytestmark = [pytest.mark.world, pytest.mark.timeout(600)]

#: Each worker's sync waits for the file `go`, unless it is stopped.
SLOW = """
import pathlib
from nbrucio.runners import dask

if dask.sync.__name__ == "sync":
    run = dask.sync
    def slow(*words, **named):
        pathlib.Path("syncing").touch()
        while not pathlib.Path("go").exists() and not named["cancel"].wait(0.05):
            pass
        return run(*words, **named)
    dask.sync = slow
"""
HEAD = f"""
    SLOW = {SLOW!r}
    DEATH_S = 12

    def until(happened):
        end = time.monotonic() + 100
        while not happened():
            assert time.monotonic() < end
            time.sleep(0.05)

    def scale(count):
        cluster.scale(count)
        until(lambda: len(client.scheduler_info()['workers']) == len(cluster.workers) == count)

    options = dict(nthreads=2, death_timeout=DEATH_S, local_directory=os.path.abspath('node'), preload=[SLOW])
    nanny, scheduler = dict(cls=Nanny, options=options), dict(cls=Scheduler, options=dict(dashboard_address=None))
    with SpecCluster(worker=nanny, scheduler=scheduler) as cluster, Client(cluster) as client:
        client.register_plugin(SyncPlugin('nb.ipynb', store='data'))
        scale(1)
"""
JOINING = """
        tasks = client.map(own, range(3))
        until(lambda: os.path.exists('syncing'))
        time.sleep(DEATH_S + 1)
        print(len(client.scheduler_info()['workers']), sorted({task.status for task in tasks}))
        open('go', 'w').close()
        print([sum(size for _, size in files) for files in client.gather(tasks)])
        import nbrucio
        path = nbrucio.data['small'][0]
        os.rename(os.environ['NBRUCIO_STORE'], 'away')  # on a cluster, no worker has the client's paths
        found = client.submit(str, path).result()
        print(os.path.relpath(found).partition('/objects')[0])
"""
RETIRED = """
        until(lambda: os.path.exists('syncing'))
        begun = time.monotonic()
        scale(0)
        print(time.monotonic() - begun < 30)
        open('go', 'w').close()
        scale(1)
        print([sum(size for _, size in files) for files in client.gather(client.map(own, range(3)))])
"""
ADAPTIVE = """
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.register_plugin(SyncPlugin('nb.ipynb', store='data'))

        def task(number):
            time.sleep(0.3)
            return os.getpid(), sum(size for _, size in own(number))

        cluster.adapt(minimum=1, maximum=3, interval='100ms', target_duration='1s')
        found = client.gather(client.map(task, range(60)))
        print(len({pid for pid, _ in found}) > 1, {size for _, size in found}, len(found))
        until = time.monotonic() + 100
        while len(client.scheduler_info()['workers']) > 1 and time.monotonic() < until:
            time.sleep(0.1)
        print(client.submit(task, 1).result()[1])
"""


def sent_bytes(shell: Shell, sandbox: Sandbox, body: str) -> tuple[list[str], int]:
    """The lines that a program prints, and the bytes that the storage sent to it."""
    with new_requests(sandbox.storage_log) as requests:
        lines = run(shell, body)
    return lines, sum(request.size_bytes for request in requests if request.method == "GET")


def test_a_worker_that_joins_starts_before_a_long_sync_ends_and_its_tasks_wait(
    shell: Shell, small: dict[str, Any], sandbox: Sandbox
) -> None:
    assert shell("nbrucio", "sync", shell.notebook(small)).exit_code == 0
    lines, sent = sent_bytes(shell, sandbox, HEAD + JOINING)
    assert lines == ["1 ['pending']", "[15000, 15000, 15000]", "node/dask-scratch-space/data"]
    assert sent == 15_000


def test_a_worker_that_is_retired_while_it_syncs_ends_and_leaves_nothing_locked(
    shell: Shell, small: dict[str, Any], sandbox: Sandbox
) -> None:
    shell.notebook(small)
    lines, sent = sent_bytes(shell, sandbox, HEAD + RETIRED)
    assert lines == ["True", "[15000, 15000, 15000]"]
    assert sent == 15_000


def test_workers_of_adaptive_scaling_find_the_data_of_their_node(
    shell: Shell, small: dict[str, Any], sandbox: Sandbox
) -> None:
    shell.notebook(small)
    lines, sent = sent_bytes(shell, sandbox, ADAPTIVE)
    assert lines == ["True {15000} 60", "15000"]
    assert sent == 15_000
