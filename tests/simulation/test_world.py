"""Worlds in which every promise is kept, and whose seed decides everything.

With `mismatch` not called in `Worker._attempt`, seed 0 gives a cell another version of a file. The traces of two
processes differ when `Disk._listdir` sorts by name, because some names depend on the folder.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.world import World
from tests.support.trust import Rounds

_ROOT = Path(__file__).parents[2]
_QUICK = 12
_PRINT = """
import sys
from pathlib import Path
from tests.simulation.world import World
for seed in sys.argv[2:]:
    folder = Path(sys.argv[1], seed)
    folder.mkdir()
    world = World(int(seed), folder)
    world.run()
    print(*world.trace, sep="\\n")
"""


@pytest.mark.trust("W")
@pytest.mark.parametrize("half", [0, 1])  # for two processes of `make trust`
def test_no_world_gives_wrong_data_or_says_what_is_not_so(half: int, rounds: Rounds) -> None:
    rounds.seeds(lambda number, folder: World(2 * number + half, folder).run(), quick=_QUICK)


def test_the_same_seed_gives_the_same_trace_in_another_process(tmp_path: Path) -> None:
    seeds = ["3", "5", "9", "11"]
    printed = []
    for number in ("1", "2"):
        (folder := tmp_path / ("folder" * int(number))).mkdir()
        done = subprocess.run(
            [sys.executable, "-c", _PRINT, str(folder), *seeds],
            cwd=_ROOT,
            env={"PYTHONHASHSEED": number, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(done.stdout.splitlines())
    assert len(printed[0]) > 1_000
    assert printed[0] == printed[1]
