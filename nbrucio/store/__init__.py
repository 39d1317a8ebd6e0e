"""The local cache of verified files.

What writes it (`nbrucio.store.session`, `nbrucio.store.partial`) is loaded by whoever writes.
"""

from nbrucio.store.store import Store
from nbrucio.store.value import Stored, Usage

__all__ = ["Store", "Stored", "Usage"]
