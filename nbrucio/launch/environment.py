"""The environment of this process, changed for a while. Imports nothing heavy: the pytest plugin is always loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have environment variables while the block runs. For the whole process: where threads run notebooks, use
    `nbrucio.launch.kernel_manager` instead."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
