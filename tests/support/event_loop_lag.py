"""A server extension of tests and benchmarks: how late the server's event loop is. ``GET /lag`` tells, and starts anew.

A loop that has nothing to do wakes up when it asked to. What keeps it from that (work on the loop, a thread that holds
the interpreter's lock, a machine that runs something else) makes it late, and requests wait as long.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

STEP_S = 0.002


class Sampler:
    """Sleeps and looks at the clock, for as long as the server lives."""

    def __init__(self) -> None:
        self._late_s = 0.0
        self._busy_s = 0.0

    async def run(self) -> None:
        """Never ends."""
        while True:
            began, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(STEP_S)
            self._late_s = max(self._late_s, time.perf_counter() - began - STEP_S)
            self._busy_s = max(self._busy_s, time.thread_time() - worked)

    def take(self) -> dict[str, float]:
        """The longest delay, and the longest work of the loop's own thread at a stretch, since the last call."""
        taken = {"late_ms": 1000 * self._late_s, "busy_ms": 1000 * self._busy_s}
        self._late_s = self._busy_s = 0.0
        return taken


class LagHandler(JupyterHandler):
    """Tells what the sampler saw."""

    def initialize(self, sampler: Sampler) -> None:
        """Called by tornado with what the route holds."""
        self.sampler = sampler

    @authenticated
    def get(self) -> None:
        """No arguments."""
        self.finish(json.dumps(self.sampler.take()))


def _load_jupyter_server_extension(serverapp: Any) -> None:
    sampler = Sampler()
    route = url_path_join(serverapp.base_url, "lag")
    serverapp.web_app.add_handlers(".*$", [(route, LagHandler, {"sampler": sampler})])
    serverapp.io_loop.add_callback(sampler.run)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]
