"""The sandbox's Rucio once more, behind SPNEGO as sites have it: the web server verifies the ticket and names the user.

Sites use Apache's mod_auth_gssapi; here GSSAPI itself does it. Run as a program: ROOT of the sandbox, the listening
socket, the number of the process with which it ends. KRB5_KTNAME names the keytab.
"""

from __future__ import annotations

import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gssapi

from nbrucio.sandbox import serve
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.tie import end_with

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def behind_spnego(application: Application) -> Application:
    """Ask for a ticket at ``/auth/gss``, and give its owner to Rucio as REMOTE_USER."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/auth/gss":
            return application(environ, start_response)
        kind, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        context = gssapi.SecurityContext(creds=gssapi.Credentials(usage="accept"), usage="accept")
        try:
            back = context.step(b64decode(sent)) or b"" if kind == "Negotiate" else None
        except gssapi.exceptions.GSSError:  # such as a ticket that has ended
            back = None
        if back is None:
            start_response("401 Unauthorized", [("WWW-Authenticate", "Negotiate"), ("Content-Length", "0")])
            return []
        environ["REMOTE_USER"] = str(context.initiator_name)

        def start(status: str, headers: list[tuple[str, str]], *rest: object) -> Any:
            return start_response(
                status, [*headers, ("WWW-Authenticate", f"Negotiate {b64encode(back).decode()}")], *rest
            )

        return application(environ, start)

    return answer


def main() -> None:
    """Serve until the parent ends."""
    root, fd, parent = sys.argv[1:]
    end_with(int(parent))
    layout = SandboxLayout(Path(root))
    settings = {**serve._COMMON, **serve.rucio_settings(layout), "accesslog": None, "bind": f"fd://{fd}"}
    serve._Server(settings, lambda: behind_spnego(serve._load_rucio(layout))).run()


if __name__ == "__main__":
    main()
