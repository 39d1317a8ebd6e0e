"""Sums of files and bytes that grow while files are counted."""

from __future__ import annotations

from collections.abc import Mapping

from nbrucio.core.plan import Access, Amount


class GrowingAmount:
    """A sum of files; its bytes are None when the size of a file is unknown."""

    def __init__(self) -> None:
        self.files = 0
        self.size_bytes: int | None = 0

    def add(self, size_bytes: int | None) -> None:
        """Add a file."""
        self.files += 1
        self.size_bytes = None if self.size_bytes is None or size_bytes is None else self.size_bytes + size_bytes

    def amount(self) -> Amount:
        """Return the sum so far."""
        return Amount(self.files, self.size_bytes)


class AccessTotals:
    """Amounts by instance and access."""

    def __init__(self) -> None:
        self.by_instance: dict[str, dict[Access, Amount]] = {}

    def add(self, instance: str, amounts: Mapping[Access, Amount]) -> None:
        """Add ``amounts`` of files at ``instance``."""
        own = self.by_instance.setdefault(instance, {})
        for access, amount in amounts.items():
            own[access] = own[access].plus(amount) if access in own else amount

    def of(self, access: Access) -> Amount:
        """Return the amount of ``access`` at all instances."""
        found = Amount(0, 0)
        for own in self.by_instance.values():
            found = found.plus(own.get(access, Amount(0, 0)))
        return found


def joined(*parts: Mapping[Access, Amount]) -> dict[Access, Amount]:
    """Return the sum of ``parts`` by access."""
    totals = AccessTotals()
    for part in parts:
        totals.add("", part)
    return totals.by_instance[""]
