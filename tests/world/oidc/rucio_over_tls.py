"""The sandbox's Rucio once more, over TLS and with an identity provider: its code, its database, another port.

Run as a program: ROOT of the sandbox, the listening socket, CERTIFICATE, RUCIO_CONFIG.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nbrucio.sandbox import serve
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.tie import end_with


def main() -> None:
    """Serve until the parent ends."""
    root, fd, certificate, config, log, parent = sys.argv[1:]
    end_with(int(parent))
    os.environ["RUCIO_CONFIG"] = config
    layout = SandboxLayout(Path(root))
    settings = {**serve._COMMON, **serve.rucio_settings(layout), "certfile": certificate, "accesslog": log}
    serve._Server({**settings, "bind": f"fd://{fd}"}, lambda: serve._load_rucio(layout)).run()


if __name__ == "__main__":
    main()
