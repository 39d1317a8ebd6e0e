"""The local cache of verified files.

Writers import `nbrucio.store.session` and `nbrucio.store.partial` themselves. `Store` is loaded on first use, because a
cached status needs neither.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nbrucio.store.record import Stored, Usage
    from nbrucio.store.store import Store

__all__ = ["Store", "Stored", "Usage"]


def __getattr__(name: str) -> object:
    if name == "Store":
        from nbrucio.store.store import Store

        return Store
    if name in ("Stored", "Usage"):
        from nbrucio.store import record

        return getattr(record, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
