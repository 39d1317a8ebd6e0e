"""kill -9 in every command that writes, before any of its calls on the user's files.

With `disk.atomic._exchange` taken out, so that notebooks are written in place, 2 of 49 kills leave a notebook that is
no JSON.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.desk import COMMANDS, Desk
from tests.support.trust import Rounds

pytestmark = pytest.mark.trust("K")

#: Further exit codes of a command that is given again: what it removes, makes or adds may be done already.
DONE_ALREADY = {"remove": 2, "store rm": 4, "init": 2, "config": 2, "add": 2}


def test_after_a_kill_in_any_command_the_next_sync_completes(desk: Desk, rounds: Rounds) -> None:
    calls: dict[str, int] = {}

    def survives(seed: int, folder: Path) -> None:
        chance, verb = random.Random(seed), list(COMMANDS)[seed % len(COMMANDS)]
        if verb not in calls:
            calls[verb] = desk.copy(folder / "whole").counted(verb, 0, "none")[0]
        own = desk.copy(folder / "own")
        _, met, ended = own.counted(verb, chance.randint(1, calls[verb]), "kill")
        assert ended.code == -9 or not met
        own.check_files()
        again = own.do(verb)
        assert again.code in (0, DONE_ALREADY.get(verb)), again.text
        own.check_whole()

    rounds.seeds(survives, quick=3)
