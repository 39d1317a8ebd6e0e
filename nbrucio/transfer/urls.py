"""URLs of storage that speaks HTTP: from a PFN, along redirects."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

from nbrucio.transfer.errors import PermanentError

#: Scheme, host and port of a URL; None for an implicit port.
Origin = tuple[str, str, int | None]

_SCHEMES = {"http": "http", "https": "https", "dav": "http", "davs": "https"}
#: Query keys that are credentials: S3 (v4 and v2), Google, Swift, and tokens of dCache and EOS.
_SIGNATURES = frozenset({"x-amz-signature", "signature", "x-goog-signature", "temp_url_sig", "authz", "access_token"})
#: Characters that a URL may contain as they are (RFC 3986); a file server expects others encoded.
_URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"
_NOT_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")
_USER = re.compile("^//[^/?#]*@")


def first_url(pfn: str) -> str:
    """Return the URL for a PFN: dav and davs mean http and https. A ``#`` is part of the file's name."""
    scheme, colon, rest = pfn.partition(":")
    return _SCHEMES[scheme.lower()] + colon + _encoded(rest.replace("#", "%23"))


def _encoded(rest: str) -> str:
    """Encode the part of a URL after its scheme. A user name and password are removed."""
    return quote(_NOT_ENCODED.sub("%25", _USER.sub("//", rest)), safe=_URL_CHARACTERS)


def origin_of(url: str) -> Origin:
    """Return scheme, host and port of a URL.

    Raises:
        PermanentError: the URL cannot be parsed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError as error:
        raise PermanentError("its URL cannot be read") from error
    return parts.scheme, (parts.hostname or "").lower(), port


def is_signed(url: str) -> bool:
    """Whether the URL carries its own credentials."""
    return "?" in url and any(
        key.lower() in _SIGNATURES for key, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)
    )


def next_url(url: str, location: str | None) -> str:
    """Return the target of a redirect.

    Raises:
        PermanentError: there is none, it is not http or https, or it leads from https to http.
    """
    if not location:
        raise PermanentError("it sent a redirect without a target")
    target = urljoin(url, location)
    scheme, colon, rest = target.partition(":")
    scheme = _SCHEMES.get(scheme.lower(), "")
    if not scheme:
        raise PermanentError("it redirects to a URL that is not HTTP; nbrucio does not follow it")
    if url.startswith("https:") and scheme != "https":
        raise PermanentError("it redirects from https to http; nbrucio does not follow it")
    return scheme + colon + _encoded(rest)
