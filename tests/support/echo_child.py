"""A child that does what its order says; see `nbrucio.disk.child`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from nbrucio.disk.child import serve


def main() -> None:
    """Be the child."""
    serve(_carry_out)


def _carry_out(order: dict[str, Any], say: Callable[..., None]) -> None:
    os.write(1, b"a library prints\n")
    for text in order.get("say", []):
        say("said", text=text)
    if "variable" in order:
        say("said", text=os.environ[order["variable"]])
    if order.get("ask"):
        try:
            input("code? ")
        except EOFError:
            say("said", text="EOFError")
    if order.get("hang"):
        say("hangs", pid=os.getpid())
        threading.Event().wait()
