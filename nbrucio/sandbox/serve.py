"""Entry point of the sandbox's server processes: gunicorn with one of the two applications."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gunicorn.app.base import BaseApplication

from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.tie import end_with

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_COMMON: Mapping[str, object] = {
    "worker_class": "gthread",
    "errorlog": "-",
    "loglevel": "warning",
    "access_log_format": '%(r)s %(s)s %(B)s %(D)s "%(a)s"',
    "keepalive": 15,
    "graceful_timeout": 2,
    "timeout": 120,
    "limit_request_line": 8190,
}


def rucio_settings(layout: SandboxLayout) -> dict[str, object]:
    """Return settings with one worker: Rucio's caches are then in one process, and never outdated."""
    return {"workers": 1, "threads": 8, "accesslog": str(layout.access_log)}


def storage_settings(layout: SandboxLayout) -> dict[str, object]:
    """Return settings with optional client certificates, by which storage_app recognises writers."""
    return {
        "workers": 2,
        "threads": 8,
        "accesslog": str(layout.storage_log),
        "certfile": str(layout.storage_certificate),
        "ca_certs": str(layout.ca),
        "cert_reqs": ssl.CERT_OPTIONAL,
    }


def _load_rucio(layout: SandboxLayout) -> WSGIApplication:
    from nbrucio.sandbox.rucio_app import make_application

    return make_application(layout)


def _load_storage(layout: SandboxLayout) -> WSGIApplication:
    from nbrucio.sandbox.storage_app import make_application

    return make_application(layout)


_KINDS: Mapping[
    str, tuple[Callable[[SandboxLayout], dict[str, object]], Callable[[SandboxLayout], WSGIApplication]]
] = {
    "rucio": (rucio_settings, _load_rucio),
    "storage": (storage_settings, _load_storage),
}


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: Mapping[str, object], load: Callable[[], WSGIApplication]) -> None:
        self._settings = settings
        self._load = load
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)
        # Newer versions open a control socket, which all servers of a user would share.
        if "control_socket_disable" in self.cfg.settings:
            self.cfg.set("control_socket_disable", True)

    def load(self) -> WSGIApplication:
        return self._load()


def main() -> None:
    """Serve until a signal ends the process.

    Arguments of the process: ``rucio`` or ``storage``, the sandbox's root, the listening socket, and optionally the
    number of the process with which the server must end.
    """
    kind, root, fd, *tied_to = sys.argv[1:]
    for parent in tied_to:
        end_with(int(parent))
    layout = SandboxLayout(Path(root))
    # The caller's folder may vanish, or contain files that shadow libraries.
    os.chdir(layout.root)
    settings, load = _KINDS[kind]
    _Server({**_COMMON, **settings(layout), "bind": f"fd://{fd}"}, lambda: load(layout)).run()
