"""The part of JupyterHub's API that a single-user server asks."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

USER = "tester"
_SCOPES = ["access:servers!server=tester/", f"access:servers!user={USER}"]


class Hub:
    """Answers on loopback as the hub of one user, whose token `token` is.

    Args:
        auth_state: the tokens that the hub has of this user.
    """

    token = "token-of-the-hub"

    def __init__(self, auth_state: Mapping[str, object] = MappingProxyType({})) -> None:
        model = {"kind": "user", "name": USER, "admin": False, "groups": [], "scopes": _SCOPES}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, {**model, "auth_state": {**auth_state}}))
        self._server.daemon_threads = True

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        """What the hub's spawner sets for the server of its user."""
        url = f"http://127.0.0.1:{self._server.server_port}"
        return {
            "JUPYTERHUB_API_TOKEN": self.token,
            "JUPYTERHUB_API_URL": f"{url}/hub/api",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{USER}",
            "JUPYTERHUB_HOST": "",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps(_SCOPES),
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"/user/{USER}/oauth_callback",
            "JUPYTERHUB_OAUTH_SCOPES": json.dumps(_SCOPES),
            "JUPYTERHUB_SERVER_NAME": "",
            "JUPYTERHUB_SERVICE_PREFIX": f"/user/{USER}/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{_free_port()}/user/{USER}/",
            "JUPYTERHUB_USER": USER,
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, user: Mapping[str, object], *words: Any) -> None:
        self._user = user
        super().__init__(*words)

    def do_GET(self) -> None:
        if self.path.startswith("/hub/api/user"):
            known = self.headers.get("Authorization") in (f"token {Hub.token}", f"Bearer {Hub.token}")
            self._answer(200 if known else 403, self._user if known else {"message": "unknown token"})
        else:
            self._answer(200, {"version": "5.4.3"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(200, {})

    def _answer(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""
