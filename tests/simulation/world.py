"""One seed, one world: a user's machine, Rucio and storage, of which every event follows from one number.

The product's own code of `pipeline`, `store`, `state`, `transfer`, `operations` and `kernel` runs in it. Simulated are
the clock, the disk's faults, processes and locks, threads, Rucio and storage. A world is a list of steps of a user,
each of them a process. While a step runs, the seed may let something happen at its n-th call: the process is killed,
another one runs, a replica moves, a token ends, the disk fills up, the clock is set, a file is damaged.

The trace has one line for each call and event. The same seed gives the same trace.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from nbrucio.catalogue import rucio
from nbrucio.config import Config, Instance, Policy
from nbrucio.pipeline import reread
from nbrucio.transfer import fetch, registry
from tests.simulation.clock import Clock, VirtualTime, virtual_datetime
from tests.simulation.disk import Disk
from tests.simulation.grid import Grid, catalogues, storage
from tests.simulation.machine import Machine, SequentialPool, VirtualThreading
from tests.simulation.model import Book, Consent, StoreFiles
from tests.simulation.transfers import pool

if TYPE_CHECKING:
    from tests.simulation.expectations import Ended

_ROOMS = ("core", "disk", "http", "kernel", "notebook", "config", "catalogue", "store", "state", "transfer", "pipeline")
_STEPS = 18
#: Events are earlier calls more often than later ones; a step has some hundred.
_MEAN_CALLS = 45


class World:
    """A world in ``folder``, which is empty.

    Attributes:
        disturbed: whether something happened within the present step.
        running: the steps that run: one, and another one within it.
        consent: what the user agreed to download.
        fetched: names of the files that each process asked storage for.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = random.Random(seed)
        self.trace: list[str] = []
        self.clock = Clock()
        self.machine = Machine(self.clock, self.trace.append)
        self.machine.locking = self.chance.choice(("honest", "honest", "lying", "absent"))
        self.disk = Disk(self.machine, str(folder))
        self.grid = Grid(self.chance, self._outside_call, self.clock.monotonic_s)
        self.folder = folder
        self.store = StoreFiles(folder / "store", self.grid)
        (folder / "work").mkdir()
        self.books = [Book(folder / "work" / f"{name}.ipynb") for name in "abc"]
        self.disturbed = False
        self.consent = Consent()
        self.running: list[Ended] = []
        self.fetched: dict[int, set[str]] = {}
        instance = Instance("sim", "rucio.example", "https://rucio.example", "https://rucio.example", "userpass")
        self.unlimited = Policy(keep_free_bytes=0, traces=False)
        limits = self.chance.choice(
            ({}, {}, {"max_store_bytes": 6000, "evict": True}, {"max_store_bytes": 3000}, {"max_download_bytes": 6000})
        )
        policy = self.unlimited._replace(**limits)
        self.config = Config((instance._replace(traces=False),), instance, folder / "store", policy)

    def run(self) -> None:
        """Run the steps, then mend everything and see whether each notebook gets its data.

        Raises:
            Wrong: the product broke a promise.
        """
        from tests.simulation.steps import Steps

        with ExitStack() as stack:
            for patch in self._patches():
                stack.enter_context(patch)
            steps = Steps(self)
            steps.first()
            for number in range(_STEPS):
                self.trace.append(f"step {number}")
                steps.any()
                self.store.check()
            self.trace.append("end")
            steps.last()

    def _patches(self) -> list[Any]:
        environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        folders = {"HOME": "home", "NBRUCIO_RUNTIME_DIR": "runtime", "NBRUCIO_GRANTS": "home/grants.json"}
        (self.folder / "home").mkdir()
        environ |= {name: str(self.folder / place) for name, place in folders.items()}
        return [
            mock.patch.dict(os.environ, environ, clear=True),
            *self._modules(),
            *self.machine.patches(),
            mock.patch.object(rucio, "Catalogues", catalogues(self.grid)),
            mock.patch.object(registry, "Http", storage(self.grid)),
            mock.patch.object(fetch, "WorkerPool", pool(self.chance, self.machine)),
            mock.patch.object(reread, "ThreadPoolExecutor", SequentialPool),
            *self.disk.patches(),
        ]

    def _modules(self) -> list[Any]:
        """Return what replaces modules of the standard library in the product's modules."""
        ours = {
            time: VirtualTime(self.clock),
            random: random.Random(self.chance.random()),
            threading: VirtualThreading(self.machine),
            datetime: virtual_datetime(self.clock),
        }
        return [mock.patch.object(module, name, ours[value]) for module, name, value in _uses()]

    def _outside_call(self, words: str) -> None:
        current = self.machine.current
        if current is not None and words.startswith("get "):
            self.fetched.setdefault(current.pid, set()).add(words.split()[1])
        self.machine.call(words)

    # What the seed chooses.

    def events(self) -> dict[int, Callable[[], None]]:
        """Choose what happens at which call of the next step."""
        from tests.simulation.events import EVENTS

        pending: dict[int, Callable[[], None]] = {}
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            name = self.chance.choice(sorted(EVENTS))
            pending[1 + int(self.chance.expovariate(1 / _MEAN_CALLS))] = self._event(name, EVENTS[name])
        return pending

    def _event(self, name: str, act: Callable[[World], object]) -> Callable[[], None]:
        def happens() -> None:
            self.disturbed = True
            self.trace.append(f"-- {name}")
            act(self)

        return happens


@cache
def _uses() -> list[tuple[Any, str, Any]]:
    """Return each module of the product that uses one of the replaced modules, under which name."""
    for room in _ROOMS:
        package = importlib.import_module(f"nbrucio.{room}")
        for found in pkgutil.iter_modules(package.__path__, f"nbrucio.{room}."):
            if not found.ispkg:
                importlib.import_module(found.name)
    from nbrucio.jupyter import consent  # noqa: F401
    from nbrucio.operations import adding, edit, grants, store_care, verify  # noqa: F401

    replaced = (time, random, threading, datetime)
    return [
        (module, name, value)
        for key, module in sorted(sys.modules.items())
        if key.startswith("nbrucio.")
        for name, value in list(vars(module).items())
        if any(value is one for one in replaced)
    ]
