"""Requests to a Rucio server before there is a token, and the answers to logins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from urllib.parse import unquote, urljoin, urlsplit

from nbrucio.catalogue.errors import ServerRefusal
from nbrucio.catalogue.login_tokens import Issued, expiry
from nbrucio.catalogue.refusals import patiently, refusal_of
from nbrucio.config import Instance
from nbrucio.http import Client, Malformed, Request, Response, Timeouts, Tls
from nbrucio.version import __version__

#: The HTTP status of Rucio's answer to a user name without an account that has several.
_SEVERAL_ACCOUNTS = 206
#: More than the 25 characters of Rucio's schemas.
_MAX_ACCOUNT = 100
#: Where Rucio tells whose token it is.
WHOAMI = "/accounts/whoami"
TOKEN = "X-Rucio-Auth-Token"  # noqa: S105 the name of a header


def headers_of(instance: Instance) -> dict[str, str]:
    """Return the headers of every request besides the token, as rucio-clients sends them."""
    headers = {
        "X-Rucio-VO": instance.vo,
        "X-Rucio-Script": "nbrucio",
        "User-Agent": f"nbrucio/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "gzip",
        "Connection": "Keep-Alive",
    }
    return headers if instance.account is None else {**headers, "X-Rucio-Account": instance.account}


@contextmanager
def asked(
    instance: Instance, path: str, headers: Mapping[str, str], timeouts: Timeouts, tls: Tls | None = None
) -> Iterator[Response]:
    """Ask the server for logins, over a connection of its own: provide the answer, of any status."""
    with closing(Client(instance.auth_host, tls or Tls(instance.ca_cert), timeouts)) as client:
        yield patiently(lambda: client.ask(Request("GET", path), {**headers_of(instance), **headers}))


def issued(answer: Response) -> Issued:
    """Return the token in the answer to a login.

    Raises:
        ServerRefusal: the server refused it.
        HttpError: it is not Rucio's answer.
    """
    if answer.status == _SEVERAL_ACCOUNTS:
        answer.close()
        names = ", ".join(filter(None, dict.fromkeys(answer.headers.get("X-Rucio-Auth-Accounts", "").split(","))))
        words = f"it fits several accounts{names and f' ({names})'}, and account is not set"
        raise ServerRefusal("CannotAuthenticate", words, answer.status)
    if answer.status != 200:
        raise refusal_of(answer)
    answer.close()
    token = answer.headers.get(TOKEN)
    if not token:
        raise Malformed("there is no token in the answer to a login")
    return Issued(token, expiry(answer.headers))


def account_in(answer: Response) -> str:
    """Return the account in the answer to `WHOAMI`, a redirect, and close it.

    Raises:
        ServerRefusal: the server refused the request, or redirects it elsewhere.
        HttpError: it is not Rucio's answer.
    """
    # Rucio's redirect is relative: the account alone. A front that redirects everything to https repeats the path.
    target = urlsplit(urljoin(WHOAMI, answer.headers.get("Location", ""))).path
    folder, _, last = target.rpartition("/")
    if answer.status not in (301, 302, 303) or not folder.endswith("/accounts") or last == "whoami":
        raise refusal_of(answer)
    answer.close()
    name = unquote(last)
    if not name.isprintable() or not 0 < len(name) <= _MAX_ACCOUNT:
        raise Malformed("the redirect names no account")
    return name
