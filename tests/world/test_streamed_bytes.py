"""Reading a few branches of a streamed file moves little of it; with fsspec's blocks on disk, a second time nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.world, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| ([^|]+) \| (\d+) \| ([\d.]+) \| \d+% \|$", re.MULTILINE)


def test_a_few_branches_move_a_few_bytes() -> None:
    command = [sys.executable, "-m", "benchmarks.streaming", "--branches", "60", "--events", "100000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = ROW.findall(done.stdout)
    total, exact, again, blocks, kept, bounded = (float(size) for _, _, size in rows)
    assert 0 < exact < total / 5
    assert 0 < again < total / 5
    assert exact <= blocks <= total * 1.1
    assert kept == 0
    assert exact <= bounded
    page = (ROOT / "docs/access.md").read_text("utf-8")
    assert [way for way, _, _ in ROW.findall(page)] == [way for way, _, _ in rows]
