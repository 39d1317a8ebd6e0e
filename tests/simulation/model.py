"""The expectations of the simulated user, known without the product: what each notebook and the store may hold."""

from __future__ import annotations

import json
from pathlib import Path

from tests.simulation.grid import SCOPE, Grid, State

DAY_NS = 86_400 * 10**9


class Wrong(AssertionError):
    """The product broke a promise."""


class Book:
    """One notebook with at most one requirement, ``data``.

    Attributes:
        dataset: what it declares; None without a requirement.
        is_locked: whether the notebook has its lock.
        may: the lists of files that its cells may get; any version of a list counts as another one.
        former: what `may` was for each dataset that it declared before: the store may remember that.
        lock: those among them that the notebook's lock may be.
        since: while a step may change `may`, the number of states that its dataset had before; else None.
        is_remembered: whether a sync has certainly saved the list of a notebook without a lock.
        needs: names of the files that its last whole sync needed; empty when that is not certain.
        needs_of: the dataset that they are of.
        synced_ns: when that was.
        is_pinned: whether the store must keep its files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.former: dict[str, set[State]] = {}
        self.may: set[State] = set()
        self.dataset: str | None = None
        self.create()

    def create(self) -> None:
        """Write a new notebook."""
        self.exists = True
        self.is_pinned = False
        self.dataset = None
        self.forget()
        self.cells = ["print(1)"]
        value = {"cells": [_cell("print(1)")], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        self.path.write_text(json.dumps(value))

    def edit(self) -> None:
        """Add a cell, and save, as another program does."""
        value = json.loads(self.path.read_bytes())
        self.cells.append(f"print({len(self.cells) + 1})")
        value["cells"].append(_cell(self.cells[-1]))
        self.path.write_text(json.dumps(value))

    def forget(self) -> None:
        """Become a notebook without a requirement."""
        if self.dataset is not None:
            self.former.setdefault(self.dataset, set()).update(self.may)
        self.dataset = None
        self.is_locked = False
        self.may = set()
        self.lock: set[State] = set()
        self.since: int | None = None
        self.is_remembered = False
        self.needs: set[str] = set()
        self.needs_of: str | None = None
        self.synced_ns = 0

    def forget_but_needs(self) -> None:
        """Become a notebook without a requirement, of which the store is told by the next sync."""
        needs = self.needs, self.needs_of, self.synced_ns
        self.forget()
        self.needs, self.needs_of, self.synced_ns = needs

    def needs_now(self) -> set[str]:
        """Return the names of the files that must stay: a sync that runs gives up those of an earlier declaration."""
        return self.needs if self.since is None or self.needs_of == self.dataset else set()

    def declare(self, dataset: str) -> None:
        """Declare a dataset without a lock, as a user does in an editor."""
        value = json.loads(self.path.read_bytes())
        value["metadata"]["nbrucio"] = {"version": 1, "requirements": [{"did": f"{SCOPE}:{dataset}", "handle": "data"}]}
        self.path.write_text(json.dumps(value))
        self.forget_but_needs()
        self.dataset = dataset
        self.may = set(self.former.get(dataset, ()))

    def allowed(self, grid: Grid) -> set[State]:
        """Return the lists that a cell may get now."""
        if self.since is None or self.dataset is None:
            return self.may
        return self.may | set(grid.history[self.dataset][self.since :])

    def raw(self) -> dict[str, object]:
        """Return our key in the file, after a check that all else is as the user wrote it."""
        try:
            value = json.loads(self.path.read_bytes())
        except ValueError as error:
            raise Wrong(f"{self.path.name} is half-written") from error
        if [cell["source"] for cell in value["cells"]] != self.cells:
            raise Wrong(f"{self.path.name} lost its cells")
        found = value["metadata"].get("nbrucio", {})
        assert isinstance(found, dict)
        return found


def _cell(source: str) -> dict[str, object]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}


class Consent:
    """The downloads that the user agreed to: for 180 days, by a clock that may be corrected by a day."""

    def __init__(self) -> None:
        self._given: dict[str, list[tuple[int, int]]] = {}

    def give(self, dataset: str, size_bytes: int, now_ns: int) -> None:
        """Agree to ``size_bytes`` of a dataset, and to what was agreed to before, from now on."""
        given = self._given.setdefault(dataset, [])
        given.append((max([size_bytes, *(size for size, _ in given)]), now_ns))

    def allowed(self, dataset: str | None, now_ns: int) -> int:
        """Return the bytes of a dataset that may be downloaded now."""
        given = self._given.get(dataset or "", [])
        # Consent of the future was given while the clock was ahead: it would last longer than the user agreed to.
        return max((size for size, at_ns in given if at_ns - DAY_NS <= now_ns < at_ns + 180 * DAY_NS), default=0)


class StoreFiles:
    """The files under final names, as the world knows them.

    Attributes:
        damaged: files that the world damaged, by path, with their time.
        rotten: those among them whose time and size did not change.
    """

    def __init__(self, root: Path, grid: Grid) -> None:
        self._root = root
        self._grid = grid
        self.damaged: dict[str, int] = {}
        self.rotten: dict[str, int] = {}

    def paths(self) -> list[Path]:
        """Return the files, sorted."""
        return sorted(path for path in (self._root / "objects").glob("??/*/*") if path.is_file())

    def names(self) -> set[str]:
        """Return the names of the files."""
        return {path.name for path in self.paths()}

    def is_damaged(self, path: Path, *, rotten: bool = False) -> bool:
        """Whether the file is as the world damaged it; with ``rotten``, in a way that only reading it shows."""
        known = (self.rotten if rotten else self.damaged).get(str(path))
        return known is not None and path.exists() and path.lstat().st_mtime_ns == known

    def check(self) -> None:
        """Fail if anything that the world did not damage is half-written or wrong."""
        for path in self.paths():
            if self._grid.version_of(path.name, path.read_bytes()) is None and not self.is_damaged(path):
                raise Wrong(f"{path.name} is wrong under its final name")
