"""A real Rucio server with real storage, for demonstrations and tests, in one folder and on loopback only."""

from nbrucio.sandbox.sandbox import Sandbox, SandboxStatus

__all__ = ["Sandbox", "SandboxStatus"]
