"""Every promise in docs/threats.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/threats.md").read_text("utf-8")


def test_every_attempt_has_a_test_that_exists() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| the attempt")]
    assert len(rows) > 20
    for row in rows:
        tests = re.findall(r"`([\w/]+\.py)::(\w+)`", row.rsplit(" | ", 1)[1])
        assert tests, row
        for file, name in tests:
            tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
            functions = {
                node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            }
            assert name in functions, f"{file} has no {name}"


def test_everybody_of_the_security_page_is_there() -> None:
    heads = " ".join(re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
    for who in ("notebook", "dataset", "storage", "Rucio server", "colleague on the same machine"):
        assert who in heads
