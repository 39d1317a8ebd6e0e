"""The local cache of verified files.

What writes it (`nbrucio.store.session`, `nbrucio.store.partial`) is loaded by whoever writes, and `Store` itself by
whoever looks at files: a glance at what was seen before needs neither.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nbrucio.store.store import Store
    from nbrucio.store.value import Stored, Usage

__all__ = ["Store", "Stored", "Usage"]


def __getattr__(name: str) -> object:
    if name == "Store":
        from nbrucio.store.store import Store

        return Store
    if name in ("Stored", "Usage"):
        from nbrucio.store import value

        return getattr(value, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
