"""Many processes that start at once: each node asks Rucio twice for a locked dataset, for its files and their replicas.

This was seen to fail: with 17 requests for replicas while answers served only runs that had begun before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell
from tests.support.access_log import new_requests

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

PROCESSES = 64


def test_64_processes_of_two_nodes_make_two_requests_a_node_for_a_lock(
    shell: Shell, small: dict[str, Any], sandbox: Sandbox, record_property: Callable[[str, object], None]
) -> None:
    notebook = shell.notebook(small)
    assert shell("nbrucio", "lock", notebook).exit_code == 0
    nodes = [{"NBRUCIO_STORE": str(shell.folder / f"node{n}"), "XDG_CACHE_HOME": str(shell.folder)} for n in range(2)]
    with new_requests(sandbox.access_log) as asked, new_requests(sandbox.storage_log) as sent:
        started = [
            shell.start("nbrucio", "sync", notebook, NBRUCIO_RUNTIME_DIR=str(shell.folder / f"run{n}"), **nodes[n % 2])
            for n in range(PROCESSES)
        ]
        errors = [process.communicate(timeout=600)[1] for process in started]
    assert [process.returncode for process in started] == [0] * PROCESSES, errors
    counts = Counter(request.path.partition("?")[0].strip("/") for request in asked)
    # The figures of docs/scale.md, which --junitxml writes.
    record_property("rucio", dict(counts))
    record_property("storage", dict(Counter(request.method for request in sent)))
    lists = counts[f"dids/{small['did'].replace(':', '/')}/files"]
    assert lists + counts["replicas/list"] <= 2 * len(nodes), counts
    assert not [path for path in counts if path.startswith("dids/") and not path.endswith("/files")], counts
    assert counts["auth/userpass"] == 1, "they share a home"
    assert sum(request.size_bytes for request in sent if request.method == "GET") == len(nodes) * 15_000
