"""Compare the data to stage with the user's quota, before the first rule is made.

Rucio compares each rule alone with the quota, and counts new rules only minutes later: together, rules that are made at
once could exceed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from nbrucio.catalogue.browse import Quota
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import NbrucioError, OverBudget
from nbrucio.kernel.quoting import quoted_path
from nbrucio.operations.stage_targets import StageTarget

#: Largest number of DIDs that the error names.
_NAMED = 3


class _Short(NamedTuple):
    """New rules at one RSE that exceed the quota there, and that quota."""

    targets: tuple[StageTarget, ...]
    quota: Quota
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.quota.used)


def check_quota(new: Iterable[StageTarget], paths: Sequence[Path], rse: str | None = None) -> None:
    """Check that the quota at each RSE has room for all ``new`` rules there together.

    A quota that Rucio does not report is not checked: Rucio refuses the rules itself.

    Args:
        new: a target for each new rule.
        paths, rse: the notebooks and the RSE that the user named, for the next command.

    Raises:
        OverBudget: it has not.
    """
    by_rse: dict[tuple[str, str], list[StageTarget]] = {}
    for target in new:
        by_rse.setdefault((target.identity, target.rse), []).append(target)
    quotas: dict[str, Mapping[str, Quota]] = {}
    short = []
    for (identity, place), targets in by_rse.items():
        if identity not in quotas:
            quotas[identity] = _quotas(targets[0])
        quota = quotas[identity].get(place)
        # Rucio requires more space than a rule needs.
        if quota is None or quota.limit is None or _size(targets) < quota.limit - quota.used:
            continue
        short.append(_Short(tuple(targets), quota, quota.limit))
    if short:
        raise _too_much(short, [target for targets in by_rse.values() for target in targets], _command(paths, rse))


def _command(paths: Sequence[Path], rse: str | None) -> str:
    options = f" --rse {quote(rse)}" if rse else ""
    return f"nbrucio stage{options} {' '.join(map(quoted_path, paths))}"


def _quotas(target: StageTarget) -> Mapping[str, Quota]:
    try:
        return {quota.rse: quota for quota in target.catalogue.browser().quotas()}
    except NbrucioError:
        return {}


def _size(targets: Iterable[StageTarget]) -> int:
    return sum(target.size_bytes for target in targets)


def _too_much(short: Sequence[_Short], new: Sequence[StageTarget], command: str) -> OverBudget:
    needs = " and ".join(
        f"{human_bytes(_size(one.targets))} at {one.quota.rse}, where {human_bytes(one.left)} of your quota of "
        f"{human_bytes(one.limit)} are left"
        for one in short
    )
    largest = sorted((target for one in short for target in one.targets), key=lambda one: -one.size_bytes)
    named = ", ".join(f"{one.did} ({human_bytes(one.size_bytes)})" for one in largest[:_NAMED])
    return OverBudget(
        f"{plural(len(new), 'new rule')} would need {needs}. None was made.",
        subject=short[0].quota.rse,
        hint=f"The largest: {named}. Stage less, remove rules that you no longer need, or ask the RSE's operators "
        "for more quota.",
        next_command=_next_command(short, new, command),
    )


def _next_command(short: Sequence[_Short], new: Sequence[StageTarget], command: str) -> str:
    """Return the command that stages the first handles for which the quota suffices; without any, the one that lists
    the present rules.
    """
    left = {(one.targets[0].identity, one.quota.rse): one.left for one in short}
    fitting = []
    for handle in dict.fromkeys(target.handle for target in new):
        needed: dict[tuple[str, str], int] = {}
        for target in new:
            if target.handle == handle:
                place = target.identity, target.rse
                needed[place] = needed.get(place, 0) + target.size_bytes
        if all(size_bytes < left.get(place, size_bytes + 1) for place, size_bytes in needed.items()):
            fitting.append(handle)
            left.update({place: left[place] - size_bytes for place, size_bytes in needed.items() if place in left})
    return f"{command} {' '.join(fitting)}" if fitting else f"{command} --list"
