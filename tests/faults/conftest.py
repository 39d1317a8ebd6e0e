"""A desk to copy."""

from __future__ import annotations

from tests.crash.conftest import desk, server

__all__ = ["desk", "server"]  # fixtures
