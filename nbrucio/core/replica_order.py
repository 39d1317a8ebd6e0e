"""The order in which the replicas of a file are tried: by preference, then by what was measured, else Rucio's."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.files import Replica
from nbrucio.core.hosts import Performance, RseHost, host_of
from nbrucio.core.rse_choice import RseChoice
from nbrucio.core.text import human_bytes

#: Factor by which an RSE must be faster than another one to be tried before it.
FASTER = 2.0
#: Bytes per second below which RSEs that were never measured are tried first.
SLOW_BYTES_PER_S = 1_000_000.0


class ReplicaOrder(NamedTuple):
    """An order of replicas.

    Attributes:
        choice: the preferences of the operator, the user and the command.
        known: how well RSEs served this machine in the last days.
    """

    choice: RseChoice = RseChoice()
    known: Mapping[RseHost, Performance] = MappingProxyType({})

    def ordered(self, replicas: Sequence[Replica], near: Container[str] = ()) -> tuple[Replica, ...]:
        """Return ``replicas``, which are in Rucio's order, in this one.

        Args:
            near: RSEs of this machine's own site.
        """

        def rank(replica: Replica) -> tuple[bool, bool, bool]:
            return (*self.choice.rank(replica.rse), replica.rse not in near)

        if not (self.choice.prefer or self.choice.avoid or self.known):
            return tuple(replicas)
        ranked = sorted(replicas, key=rank)
        if len(ranked) < 2 or not self.known:
            return tuple(ranked)
        return tuple(one for _, group in groupby(ranked, rank) for one in self._measured_order(list(group)))

    def reason(self, replicas: Sequence[Replica]) -> str:
        """Return why the first one of ``replicas``, which are in this order, is the first."""
        first, others = replicas[0], replicas[1:]
        reason = self.choice.reason(first.rse)
        rank = self.choice.rank(first.rse)
        rivals = [one for one in others if self.choice.rank(one.rse) == rank and one.rse != first.rse]
        rate = self._rate(first)
        if rate is not None and any(rate >= FASTER * other for other in map(self._rate, rivals) if other is not None):
            return f"the fastest of those measured, {human_bytes(rate)}/s"
        worse = min((one for one in rivals if self._group(one) > self._group(first)), key=self._group, default=None)
        if worse is None:
            return reason
        return f"{reason}; {worse.rse} {'failed recently' if self._performance(worse).failed else 'was slow'}"

    def _measured_order(self, replicas: list[Replica]) -> list[Replica]:
        """Return ``replicas`` of one rank: first those that are not known to be bad, then the slow, then the failed."""
        grouped = sorted(replicas, key=self._group)
        return [one for _, group in groupby(grouped, self._group) for one in self._fastest_first(list(group))]

    def _fastest_first(self, replicas: list[Replica]) -> list[Replica]:
        """Exchange the measured ones among their places: one that is not measured stays where Rucio puts it."""
        left = [one for one in replicas if self._rate(one) is not None]
        return [one if self._rate(one) is None else self._take_fastest(left) for one in replicas]

    def _take_fastest(self, left: list[Replica]) -> Replica:
        """Remove the first one than which no other is much faster."""
        best = max(self._rate(one) or 0.0 for one in left)
        return left.pop(next(n for n, one in enumerate(left) if FASTER * (self._rate(one) or 0.0) > best))

    def _group(self, replica: Replica) -> int:
        known = self._performance(replica)
        if known.failed:
            return 2
        return int(known.bytes_per_s is not None and known.bytes_per_s < SLOW_BYTES_PER_S)

    def _rate(self, replica: Replica) -> float | None:
        return self._performance(replica).bytes_per_s

    def _performance(self, replica: Replica) -> Performance:
        return self.known.get(RseHost(replica.rse, host_of(replica)), _UNKNOWN)


_UNKNOWN = Performance()
