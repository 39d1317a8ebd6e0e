"""A reporter that remembers every event."""

from __future__ import annotations

from nbrucio.core.events import Event


class Listener:
    """Remembers every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def report(self, event: Event) -> None:
        self.events.append(event)
