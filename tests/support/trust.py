"""Suites that count their own cases: a few in `make test`, as many as fit a time in `make trust`.

A test marked ``trust("K")`` belongs to suite K. It gives its cases to the fixture ``rounds``, which runs and counts
them. A marked test without ``rounds`` is one case. ``--trust-log`` appends the counts as lines of JSON, from which
``tools/trust.py`` writes the table in ``docs/reliability.md``. Nothing else puts a number there.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

#: A test that found so many wrong cases ends.
_MOST_FOUND = 12
#: Seconds that one case may take beyond its test's share of time.
_LAST_CASE_S = 600.0


@dataclass
class Tally:
    """What one test of a suite did.

    Attributes:
        done: number of cases that ran.
        cases: number of all cases; None when each number is another case.
        found: for each wrong case its number, its words and the command that repeats it.
    """

    suite: str
    test: str
    done: int = 0
    cases: int | None = None
    found: list[dict[str, str]] = field(default_factory=list)
    elapsed_s: float = 0.0

    def append_to(self, log: str | None) -> None:
        """Append this tally to the file ``log``. Several processes may do so at once."""
        if log is not None:
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self)) + "\n")


class Rounds:
    """The cases of one test. A case is a call of the test's own check; it is wrong when the check raises.

    Args:
        budget_s: seconds for this test; None runs the quick form.
        only: run this case alone.
        folder: each case gets a folder of its own in it, which goes when the case was right.
    """

    def __init__(self, tally: Tally, folder: Path, budget_s: float | None = None, only: int | None = None) -> None:
        self._tally = tally
        self._folder = folder
        self._budget_s = budget_s
        self._only = only

    @property
    def long(self) -> bool:
        """Whether this is `make trust`."""
        return self._budget_s is not None

    def seeds(self, check: Callable[[int, Path], int | None], quick: int) -> None:
        """Call ``check(seed, folder)`` for the seeds 0, 1, 2 …: ``quick`` of them, or as many as fit the time.

        A check may return how many cases it tried; without that it is one.
        """
        self._run(check, itertools.count() if self.long else range(quick))

    def each(self, check: Callable[[T, Path], int | None], cases: Sequence[T], quick: int | None = None) -> None:
        """Call ``check(case, folder)`` for each of ``cases``, in a mixed order, until the time ends.

        ``quick`` of them in `make test`, by default all.
        """
        order = random.Random(1).sample(range(len(cases)), len(cases))
        self._tally.cases = len(cases)
        self._run(lambda number, folder: check(cases[number], folder), order if self.long else order[:quick])

    def _run(self, check: Callable[[int, Path], int | None], numbers: Iterable[int]) -> None:
        began, errors = time.monotonic(), list[Exception]()
        for number in numbers if self._only is None else (self._only,):
            if self._budget_s is not None and time.monotonic() - began > self._budget_s:
                break
            folder = self._folder / f"case{number}"
            folder.mkdir()
            try:
                tried = check(number, folder)
            except Exception as error:  # noqa: BLE001 - whatever a check raises is what it found
                self._tally.done += 1
                self._note(number, error)
                errors.append(error)
                if not self.long or len(errors) == _MOST_FOUND:
                    break
            else:
                self._tally.done += 1 if tried is None else tried
                shutil.rmtree(folder, ignore_errors=True)
        if errors:
            raise AssertionError("\n".join(each["repeat"] for each in self._tally.found)) from errors[0]
        assert self._tally.done, "no case was run"

    def _note(self, number: int, error: Exception) -> None:
        repeat = f".venv/bin/python -m pytest -m '' '{self._tally.test}' --trust-case {number}"
        repeat += " --trust-minutes 1" if self.long else ""  # the long form of a case may be another one
        words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        self._tally.found.append({"case": str(number), "words": words, "repeat": repeat})


def add_options(parser: pytest.Parser) -> None:
    """Declare the options of `make trust`."""
    group = parser.getgroup("trust")
    group.addoption("--trust-minutes", type=float, help="run the long form of the suites, for so long altogether")
    group.addoption("--trust-log", help="append the number of cases of each test to this file")
    group.addoption("--trust-suite", help="run only the tests of this suite")
    group.addoption("--trust-case", type=int, help="run only the case of this number")


def suite_of(item: pytest.Item) -> str | None:
    """Return the letter of the suite that a test belongs to."""
    mark = item.get_closest_marker("trust")
    return None if mark is None else str(mark.args[0])


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only the tests of the suite that ``--trust-suite`` names."""
    letter = config.getoption("--trust-suite")
    if letter is not None:
        others = [item for item in items if suite_of(item) != letter]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if suite_of(item) == letter]


def share_time(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Give each suite the same time, and each test with ``rounds`` in it the same part of that."""
    minutes = config.getoption("--trust-minutes")
    if minutes is None:
        return
    counting = [item for item in items if suite_of(item) and "rounds" in getattr(item, "fixturenames", ())]
    suites = [suite_of(item) for item in counting]
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    for item in counting:
        budget_s = minutes * 60 * processes / len(set(suites)) / suites.count(suite_of(item))
        item.stash[_BUDGET] = budget_s
        item.add_marker(pytest.mark.timeout(budget_s + _LAST_CASE_S))


_BUDGET = pytest.StashKey[float]()


def rounds_of(request: pytest.FixtureRequest, folder: Path) -> Iterable[Rounds]:
    """Yield the rounds of the test of ``request``; log what they counted."""
    item = request.node
    suite = suite_of(item)
    assert suite is not None, "a test that counts its cases is marked with its suite"
    tally = Tally(suite, item.nodeid)
    began = time.monotonic()
    yield Rounds(tally, folder, item.stash.get(_BUDGET, None), request.config.getoption("--trust-case"))
    tally.elapsed_s = round(time.monotonic() - began, 1)
    tally.append_to(request.config.getoption("--trust-log"))


def log_single_case(item: pytest.Item, report: pytest.TestReport) -> None:
    """Log a marked test without ``rounds`` as one case."""
    suite, log = suite_of(item), item.config.getoption("--trust-log")
    if suite is None or log is None or "rounds" in getattr(item, "fixturenames", ()):
        return
    if report.when == "call" or report.failed:
        found = []
        if report.failed:
            repeat = f".venv/bin/python -m pytest -m '' '{item.nodeid}'"
            words = report.longreprtext.strip().splitlines()[-1][:300]
            found = [{"case": "", "words": words, "repeat": repeat}]
        Tally(suite, item.nodeid, 1, 1, found, round(report.duration, 1)).append_to(log)
