"""The pytest plugin: syncs the data of notebooks that nbmake or nbval run as tests.

pytest loads this in every run in the environment, so imports are delayed until there is a notebook to run.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest


class _Current:
    """The notebook of the present tests, with its data or its error. pytest runs one file at a time."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._error: str | None = None
        self._open = ExitStack()

    def enter(self, path: Path) -> str | None:
        """Prepare the notebook's data unless that is done; return the error in one line, None without one."""
        if path != self._path:
            self.leave()
            self._path = path
            self._error = self._prepare(path)
        return self._error

    def leave(self) -> None:
        """Leave the notebook, and restore the environment."""
        self._open.close()
        self._path = self._error = None

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
    """Prepare the plugin's state."""
    config.stash[_CURRENT] = _Current()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the last notebook."""
    config.stash[_CURRENT].leave()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Sync a notebook before its kernel starts. If data is missing, the test fails with one line and no cell runs."""
    if item.path.suffix != ".ipynb":
        return
    error = item.config.stash[_CURRENT].enter(item.path)
    if error:
        pytest.fail(f"{item.path.name}: {error}", pytrace=False)


def _declares(path: Path) -> bool:
    from nbrucio.errors import BadNotebook
    from nbrucio.notebook.declared import read_declared

    try:
        return bool(read_declared(path).declaration.entries)
    except BadNotebook:
        return False  # the plugin that collected the notebook reports the error
