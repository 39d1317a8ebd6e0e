"""The address of a Rucio server: its URL and VO.

An identity is written ``host[:port][/prefix][#vo]``, with port, prefix and VO only where they are not the usual ones
(443, none, ``def``). The scheme is not part of it: no port answers both http and https.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

USUAL_VO = "def"
_USUAL_PORT = 443
#: Addresses that are not parsed anew: an instance is looked up for each file.
_REMEMBERED = 64
_PORTS = {"https": _USUAL_PORT, "http": 80}


class Address(NamedTuple):
    """A URL and VO, or what somebody wrote of them.

    Attributes:
        host: in lower case; an IPv6 address in brackets.
        port: None where it is not written.
        prefix: the path below which the server answers, with its first slash; empty for none or where not written.
        vo: None where it is not written.
    """

    host: str
    port: int | None
    prefix: str
    vo: str | None

    def identity(self) -> str:
        """The identity that this means when what is not written is the usual."""
        port = "" if self.port in (None, _USUAL_PORT) else f":{self.port}"
        vo = "" if self.vo in (None, USUAL_VO) else f"#{self.vo}"
        return f"{self.host}{port}{self.prefix}{vo}"

    def fits(self, server: Address) -> bool:
        """Whether all that is written here holds of ``server``."""
        return (
            self.host == server.host
            and self.port in (None, server.port)
            and self.prefix in ("", server.prefix)
            and self.vo in (None, server.vo)
        )


@lru_cache(_REMEMBERED)
def address_of(url: str, vo: str) -> Address:
    """The address of the server at the http or https URL ``url``, for a VO."""
    parts = urlsplit(url)
    return Address(_host(parts), parts.port or _PORTS.get(parts.scheme), parts.path.rstrip("/"), vo)


@lru_cache(_REMEMBERED)
def read_address(text: str) -> Address | None:
    """What ``text`` writes: an identity, a part of one that begins with the host, or a URL; None for anything else.

    A URL always says its port. What it does not say, like a VO, is not written.
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
    """``text`` as an identity is spelled; what is no address, such as a name of several words, in lower case."""
    address = read_address(text)
    return text.strip().lower() if address is None else address.identity()


@lru_cache(64)  # asked for each file that is looked for
def former_identity(identity: str) -> str | None:
    """What the instance was called before port, prefix and VO belonged to its identity; None where it still is.

    Several instances of one host shared this name.
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
