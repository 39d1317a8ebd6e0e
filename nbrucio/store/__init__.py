"""The local cache of verified files."""

from nbrucio.store.partial import Partial
from nbrucio.store.session import Arrival, Committed, Session
from nbrucio.store.store import Store
from nbrucio.store.value import Stored, Usage

__all__ = ["Arrival", "Committed", "Partial", "Session", "Store", "Stored", "Usage"]
