"""The pytest plugin: notebooks that nbmake or nbval run as tests get their data first.

pytest loads this in every run of the environment, so what it needs is imported when there is a notebook to run.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest


class _Current:
    """The notebook whose tests run now: its data, or why it has none. One file at a time, as pytest goes."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._fault: str | None = None
        self._open = ExitStack()

    def enter(self, path: Path) -> str | None:
        """Make the notebook's data ready unless it is; the reason in one line when that cannot be done."""
        if path != self._path:
            self.leave()
            self._path = path
            self._fault = self._prepare(path)
        return self._fault

    def leave(self) -> None:
        """Forget the notebook, and put the environment back."""
        self._open.close()
        self._path = self._fault = None

    def _prepare(self, path: Path) -> str | None:
        from nbrucio.errors import NbrucioError
        from nbrucio.launch.environment import environment
        from nbrucio.runners.prepare import one_line, ready

        try:
            if _declares(path):
                here = self._open.enter_context(ready(path))
                self._open.enter_context(environment(here.environment))
        except NbrucioError as error:
            return one_line(error)
        return None


_CURRENT = pytest.StashKey[_Current]()


def pytest_configure(config: pytest.Config) -> None:
    """Have a place for the notebook that runs."""
    config.stash[_CURRENT] = _Current()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the last notebook."""
    config.stash[_CURRENT].leave()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Bring a notebook's data before its kernel starts; without it the test errs with one line and runs no cell."""
    if item.path.suffix != ".ipynb":
        return
    fault = item.config.stash[_CURRENT].enter(item.path)
    if fault:
        pytest.fail(f"{item.path.name}: {fault}", pytrace=False)


def _declares(path: Path) -> bool:
    from nbrucio.errors import BadNotebook
    from nbrucio.notebook.declared import read_declared

    try:
        return bool(read_declared(path).declaration.entries)
    except BadNotebook:
        return False  # the plugin that collected it says what is wrong with it
