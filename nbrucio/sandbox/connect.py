"""A client of rucio-clients that depends on the sandbox only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbrucio.sandbox.layout import SandboxLayout

if TYPE_CHECKING:
    from rucio.client import Client


@contextmanager
def connect(layout: SandboxLayout, url: str, account: str, password: str) -> Iterator[Client]:
    """Provide a logged-in `rucio.client.Client` during the block.

    Host and credentials are arguments, and its token is saved in the sandbox: the user's configuration and another
    server's token have no effect and are not changed.
    """
    from rucio.client import Client

    folder = layout.tokens / account
    paths = (None, str(folder / "expires"), str(folder / "token"), str(folder))
    private: Any = type("SandboxClient", (Client,), {"_get_auth_tokens": lambda _self: paths})
    client = private(
        rucio_host=url,
        auth_host=url,
        account=account,
        auth_type="userpass",
        creds={"username": account, "password": password},
        vo="def",
    )
    try:
        yield client
    finally:
        client.session.close()
