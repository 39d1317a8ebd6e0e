"""Programs that tests need and pip does not have."""

from __future__ import annotations

import shutil

import pytest


def need(name: str) -> str:
    """The path of a program; the test fails, and says how to have it, where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is not installed; `sh tools/need-programs.sh {name}` installs it or says how.", pytrace=False
        )
    return found
