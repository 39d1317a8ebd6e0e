"""Processes of one node that start at once; `tests/world/cluster/test_scale.py` has more of them, and two nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.support.access_log import new_requests


def test_they_make_two_requests_for_a_locked_dataset_also_where_nothing_is_stored(
    connected: Cli, notebook: Callable[..., Path], sandbox: Sandbox
) -> None:
    streamed = notebook({"did": "sandbox:dimuon", "handle": "dimuon", "access": "stream"})
    assert connected("lock", streamed).exit_code == 0

    def sync(number: int) -> int:
        runtime = str(connected.folder / f"run{number}")
        store = str(connected.folder / "node")
        return connected("sync", streamed, NBRUCIO_STORE=store, NBRUCIO_RUNTIME_DIR=runtime).exit_code

    with new_requests(sandbox.access_log) as asked, ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(sync, range(6)))
    assert codes == [0] * 6
    assert Counter(request.path for request in asked) == {"/dids/sandbox/dimuon/files": 1, "/replicas/list": 1}
