"""Bring files from storage into the store."""

from nbrucio.transfer.engine import fetch
from nbrucio.transfer.model import Limits, Outcome, StorageAccess, Task, TraceTarget

__all__ = ["Limits", "Outcome", "StorageAccess", "Task", "TraceTarget", "fetch"]
