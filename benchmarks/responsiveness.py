"""How late the event loop of a real Jupyter server is while nbrucio works, beside the same server without nbrucio."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbrucio.sandbox import Sandbox
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, base_environment, declaring, serve
from tests.support.slow_rucio import slow_rucio

DELAY_S = 10.0
NAMES = "abcdef"
#: Prints how late it woke up at most, in ms, once its input ends.
_SLEEP = """
import select, sys, time
late = 0.0
while True:
    began = time.perf_counter()
    if select.select([sys.stdin], [], [], 0.002)[0]:
        break
    late = max(late, time.perf_counter() - began - 0.002)
print(1000 * late)
"""
Step = tuple[str, Callable[[Server], object], float]


def responsiveness(folder: Path) -> None:
    """Print a table: what is done, and the longest that a request would have had to wait."""
    sandbox = Sandbox(folder / "slow" / "sandbox", tied=True)
    sandbox.start()
    try:
        with slow_rucio(sandbox, folder, DELAY_S) as config:
            with_us, alone = (_measure(folder / name, sandbox, config, name == "with") for name in ("with", "without"))
    finally:
        sandbox.stop()
    print("event loop of the server late by at most, in ms:      with nbrucio   without   a process that only sleeps")
    for what, (late, idle) in with_us.items():
        other = f"{alone[what][0]:.0f}" if what in alone else "-"
        print(f"  {what:52}{late:10.0f}{other:>10}{idle:12.0f}")


def _measure(folder: Path, sandbox: Sandbox, config: Path, ours: bool) -> Mapping[str, tuple[float, float]]:
    folder.mkdir()
    environment = base_environment(folder) | dict(sandbox.env()) | {"NBRUCIO_CONFIG": str(config)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    with serve(folder, environment, extensions={"tests.support.event_loop_lag": True, "nbrucio": ours}) as server:
        return {what: _late(server, act, seconds) for what, act, seconds in _steps(ours)}


def _steps(ours: bool) -> list[Step]:
    long = declaring("1", **{f"h{n}": f"s:{n}" for n in range(10_000)})
    for requirement in long["metadata"]["nbrucio"]["requirements"]:
        requirement["instance"] = "nowhere.example.org"
    large = declaring("1", dimuon="sandbox:dimuon")
    large["metadata"]["other"] = ["0123456789" * 100] * 100_000
    steps: list[Step] = [
        ("nothing", lambda _: None, 2),
        (f"6 notebooks open, Rucio takes {DELAY_S:.0f} s to answer", _open_six, DELAY_S + 5),
        ("a kernel starts", _start_kernel, 2),
        ("a save", lambda server: server.save("a.ipynb", declaring("nbrucio.data('a:b')", d="sandbox:dimuon")), 1),
        ("10,000 requirements open", lambda server: _put_and_open(server, long), 8),
        ("10,000 requirements are saved", lambda server: server.save("z.ipynb", long), 1),
        ("100 MB of metadata open", lambda server: _put_and_open(server, large), 8),
        ("100 MB of metadata are saved", lambda server: server.save("z.ipynb", large), 1),
    ]
    if ours:
        steps[2:2] = [("6 searches, 6 syncs and 60 looks at their status", _ask_much, DELAY_S + 5)]
    return steps


def _open_six(server: Server) -> None:
    for name in NAMES:
        put(server, f"{name}.ipynb", declaring("1", dimuon="sandbox:dimuon"))
        server.open(f"{name}.ipynb")


def _ask_much(server: Server) -> None:
    for _ in NAMES:
        threading.Thread(target=_search, args=(server,), daemon=True).start()
    for name in NAMES:
        server.ask("nbrucio/sync", {"path": f"{name}.ipynb"})
    for name in NAMES * 10:
        server.state(f"{name}.ipynb")


def _search(server: Server) -> None:
    with suppress(OSError):
        server.ask("nbrucio/find?pattern=sandbox:*")


def _start_kernel(server: Server) -> None:
    with server.kernel("a.ipynb"):
        pass


def _put_and_open(server: Server, content: dict[str, Any]) -> None:
    put(server, "z.ipynb", content)
    server.open("z.ipynb")


def _late(server: Server, act: Callable[[Server], object], at_least_s: float) -> tuple[float, float]:
    """How late the server's loop was, and at the same time a process that has nothing to do."""
    server.ask("lag")
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", _SLEEP], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sleeper:
        act(server)
        time.sleep(max(0.0, at_least_s - (time.monotonic() - began)))
        idle_ms, _ = sleeper.communicate()
    return server.ask("lag")[1]["late_ms"], float(idle_ms)
