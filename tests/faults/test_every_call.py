"""Each call on the user's files fails in turn, in every command that writes.

Without `nbrucio.disk.system_errors`, 5 of 87 cases ended with "a bug in nbrucio", such as a stat that is refused.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.support.desk import COMMANDS, FAILURES, Desk
from tests.support.trust import Rounds

pytestmark = pytest.mark.trust("N")

CODES = ["ENOSPC", "EIO", "EACCES"]


def test_a_failing_call_is_an_error_with_its_exit_code_and_loses_nothing(desk: Desk, rounds: Rounds) -> None:
    verbs = list(COMMANDS) if rounds.long else ["sync"]
    folder = desk.folder.parent / "counted"
    calls = {verb: desk.copy(folder / verb).counted(verb, 0, "none")[0] for verb in verbs}
    cases = [(verb, n, code) for verb in verbs for n, code in product(range(1, calls[verb] + 1), CODES)]

    def fails_well(case: tuple[str, int, str], folder: Path) -> None:
        own = desk.copy(folder / "own")
        _, met, ended = own.counted(*case)
        assert ended.code in {0, *FAILURES}, f"{case} {met}: exit code {ended.code}: {ended.text[-600:]}"
        assert "Traceback" not in ended.text, f"{case} {met}: {ended.text[-600:]}"
        own.check_whole()

    rounds.each(fails_well, cases, quick=4)
