"""Each system call on the user's files fails in turn, by strace, in every command that writes.

With `disk.system_errors.system_error` returning None, 5 of 42 cases end as a fault in nbrucio, such as a rename that is
refused in a login.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.desk import COMMANDS, FAILURES, Desk
from tests.support.straced import SystemCall, calls_below, injecting, may_trace, met, prefix
from tests.support.trust import Rounds

pytestmark = [pytest.mark.world, pytest.mark.trust("N")]

CODES = ["ENOSPC", "EIO", "EACCES"]


@pytest.fixture
def tracing() -> None:
    """strace is installed, else the test fails, and may be used."""
    if not may_trace():
        pytest.skip("this container forbids ptrace")


@pytest.mark.usefixtures("tracing")
def test_a_failing_system_call_is_an_error_with_its_exit_code_and_loses_nothing(desk: Desk, rounds: Rounds) -> None:
    calls: dict[str, list[SystemCall]] = {}

    def fails_well(seed: int, folder: Path) -> int:
        chance, verb = random.Random(seed), list(COMMANDS)[seed % len(COMMANDS)]
        words, stdin = desk.command(verb)
        if verb not in calls:
            whole, log = desk.copy(folder / "whole"), folder / "all"
            words, stdin = whole.command(verb)
            assert whole.run(words, stdin, prefix=prefix(log, "%file,%desc"), env=whole.env_of(verb)).code == 0
            calls[verb] = calls_below(whole.folder, log)
        own, log = desk.copy(folder / "own"), folder / "one"
        name = chance.choice(sorted({call.name for call in calls[verb]}))  # most calls are a stat
        call, code = chance.choice([call for call in calls[verb] if call.name == name]), chance.choice(CODES)
        words, stdin = own.command(verb)
        ended = own.run(words, stdin, prefix=injecting(log, call, code), env=own.env_of(verb))
        lines, are_ours = met(own.folder, log)
        if not lines or not are_ours:
            return 0  # Python read its modules in another order: another call was met, or none
        assert ended.code in {0, *FAILURES}, f"{verb} {lines}: exit code {ended.code}: {ended.text[-600:]}"
        assert "Traceback" not in ended.text, f"{verb} {lines}: {ended.text[-600:]}"
        own.check_whole()
        return 1

    rounds.seeds(fails_well, quick=len(COMMANDS))
