"""The sandbox's Rucio once more, behind a front: one that ends TLS and names the client, or one that passes TLS on.

Sites tell Rucio the DN of the client by a variable of the web server. Here it is a header, which only the front can
send, or the certificate of the connection. Run as a program: ROOT of the sandbox, the listening socket, the number of
the process with which it ends; CERTIFICATE and USERS' CA where TLS ends here.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nbrucio.sandbox import serve
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.tie import end_with
from tests.support.certificates import client_dn

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def behind_front(application: Application) -> Application:
    """Give Rucio the DN of the client."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        named = environ.pop("HTTP_X_CLIENT_DN", "")
        environ["SSL_CLIENT_S_DN"] = named or client_dn(environ["gunicorn.socket"])
        return application(environ, start_response)

    return answer


def _accepting_proxies(_: object, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """As Apache does with OPENSSL_ALLOW_PROXY_CERTS, and the fronts of grid sites."""
    context = default()
    context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
    return context


def main() -> None:
    """Serve until the parent ends."""
    root, fd, parent, *tls = sys.argv[1:]
    end_with(int(parent))
    layout = SandboxLayout(Path(root))
    settings = {**serve._COMMON, **serve.rucio_settings(layout), "accesslog": None, "bind": f"fd://{fd}"}
    if tls:
        certificate, users = tls
        settings |= {"certfile": certificate, "ca_certs": users, "cert_reqs": ssl.CERT_OPTIONAL}
        settings["ssl_context"] = _accepting_proxies
    serve._Server(settings, lambda: behind_front(serve._load_rucio(layout))).run()


if __name__ == "__main__":
    main()
