"""A newcomer types the tutorial and the page of the sandbox, and sees what they show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.typed import Typed, check_page


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Typed]:
    """A shell of a newcomer, whose sandbox ends with the test."""
    shell = Typed(tmp_path)
    yield shell
    shell.type(["nbrucio sandbox stop"])


@pytest.mark.parametrize("page", ["tutorial.md", "sandbox.md"])
def test_a_page_prints_what_it_shows(typed: Typed, page: str) -> None:
    check_page(typed, page)
