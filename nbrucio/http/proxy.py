"""The proxy that the environment sets for a server."""

from __future__ import annotations

import os
import sys
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit


def proxy_of(url: str) -> str | None:
    """Return the URL of the proxy for ``url``; None without one.

    The rules are those of requests: ``https_proxy``, ``all_proxy`` and ``no_proxy`` in either case, networks in
    ``no_proxy``, and the proxy settings of macOS and Windows.
    """
    target = urlsplit(url)
    names = (f"{target.scheme}_proxy", "all_proxy")
    if sys.platform == "linux" and not any(name.lower() in names for name in os.environ):
        return None  # saves importing urllib.request
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    found = proxies.get(target.scheme) or proxies.get("all")
    host = target.hostname or ""
    if not found or proxy_bypass(host) or _in_network(host, proxies.get("no", "")):
        return None
    return found if "://" in found else f"http://{found}"


class NamedProxy(NamedTuple):
    """A proxy of the environment.

    Attributes:
        url: its URL without the login.
        variable: the environment variable that names it.
    """

    url: str
    variable: str

    def __str__(self) -> str:
        """Return the URL and the variable, for messages."""
        return f"{self.url} ({self.variable})"


def proxy_named(url: str) -> NamedProxy | None:
    """Return the proxy for ``url`` and its variable; None without one."""
    found = proxy_of(url)
    if found is None:
        return None
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    variables = [name for wanted in names for name in os.environ if name.lower() == wanted and os.environ[name]]
    scheme, _, rest = "".join(filter(str.isprintable, found)).partition("://")
    variable = variables[0] if variables else "the system's settings"
    return NamedProxy(f"{scheme}://{rest.rpartition('@')[2].rstrip('/')}", variable)


def proxy_fault(proxy: str) -> str | None:
    """Return what is wrong with the URL of a proxy, as the end of a sentence; None if it can be used."""
    try:
        parts = urlsplit(proxy)
        is_url = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_url = False
    # urlsplit takes away white space that urllib3 and libcurl do not.
    if not is_url or proxy != proxy.strip() or any(char.isspace() for char in proxy.rpartition("@")[2]):
        return "is not a URL such as http://proxy.example.org:3128"
    return None if parts.scheme in ("http", "https") else f"is of the kind {parts.scheme}, which nbrucio cannot use"


def _in_network(host: str, networks: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    for text in networks.split(","):
        try:
            if address in ip_network(text.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False
