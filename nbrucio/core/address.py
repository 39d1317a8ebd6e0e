"""The address of a Rucio server: its URL and VO.

An identity is written ``host[:port][/prefix][#vo]``, with port, prefix and VO only if they are not the usual ones (443,
none, ``def``). The scheme is not part of it: no port answers both http and https.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

USUAL_VO = "def"
_USUAL_PORT = 443
_PORTS = {"https": _USUAL_PORT, "http": 80}


class Address(NamedTuple):
    """A URL and VO, or the parts of them that a text contains.

    Attributes:
        host: in lower case; an IPv6 address in brackets.
        port: None if not written.
        prefix: the server's path, with its first slash; empty for none or if not written.
        vo: None if not written.
    """

    host: str
    port: int | None
    prefix: str
    vo: str | None

    def identity(self) -> str:
        """Return the identity, with the usual values for missing parts."""
        port = "" if self.port in (None, _USUAL_PORT) else f":{self.port}"
        vo = "" if self.vo in (None, USUAL_VO) else f"#{self.vo}"
        return f"{self.host}{port}{self.prefix}{vo}"

    def fits(self, server: Address) -> bool:
        """Return whether ``server`` has all parts that are written here."""
        return (
            self.host == server.host
            and self.port in (None, server.port)
            and self.prefix in ("", server.prefix)
            and self.vo in (None, server.vo)
        )


def address_of(url: str, vo: str) -> Address:
    """Return the address of the server at the http or https URL ``url``, for a VO."""
    parts = urlsplit(url)
    return Address(_host(parts), parts.port or _PORTS.get(parts.scheme), parts.path.rstrip("/"), vo)


def read_address(text: str) -> Address | None:
    """Parse an identity, the beginning of one, or a URL; return None for anything else.

    A URL always has a port; its VO is not written.
    """
    name, _, vo = text.strip().partition("#")
    if any(char.isspace() for char in name):
        return None
    try:
        parts = urlsplit(name if "://" in name else f"//{name}")
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or parts.scheme not in ("", *_PORTS) or "@" in parts.netloc or parts.query:
        return None
    return Address(_host(parts), port, parts.path.rstrip("/"), vo or None)


def canonical(text: str) -> str:
    """Return ``text`` in the spelling of an identity; other text, such as a name of several words, in lower case."""
    address = read_address(text)
    return text.strip().lower() if address is None else address.identity()


@lru_cache(64)
def former_identity(identity: str) -> str | None:
    """Return the identity from before port, prefix and VO were part of it; None if unchanged.

    Several instances of one host shared it. Remembered: each file asks for it twice, 0.5 s with 100,000 files.
    """
    address = read_address(identity)
    former = address.host.strip("[]") if address is not None else identity
    return None if former == identity else former


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" not in host:
        return host.rstrip(".") or host
    import ipaddress

    try:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    except ValueError:
        return f"[{host}]"
