"""A desk to copy, and a Jupyter server beside the sandbox."""

from __future__ import annotations

from tests.crash.conftest import desk
from tests.jupyter.conftest import server, shared_server

__all__ = ["desk", "server", "shared_server"]  # fixtures
