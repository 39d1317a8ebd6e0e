"""A response whose headers have arrived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from nbrucio.http import body
from nbrucio.http.errors import Malformed

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

#: Content types: one JSON value per line, or one value.
JSON_LINES, JSON = "application/x-json-stream", "application/json"


class Response:
    """A response with its body still unread. The connection is reused if the body is read to its end, else closed.

    Attributes:
        status: the HTTP status.
        headers: by name in any case.
        kind: the content type, without parameters.
    """

    def __init__(self, raw: HTTPResponse) -> None:
        self.status: int = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        self._raw = raw

    def certificate_ends_at(self) -> float | None:
        """Return when the server's TLS certificate ends, in seconds since the epoch; None without TLS. Call it before
        the body is read.
        """
        pace = body.pace_of(self._raw)
        return None if pace is None else pace.certificate_ends_at()

    def rows(self) -> Iterator[object]:
        """Yield the JSON values of the body as they arrive, then close the response.

        Raises:
            HttpError: the body ends too early, exceeds a limit, or is not JSON.
        """
        with closing(self):
            if self.kind == JSON:
                yield body.parse(body.whole(self._raw))
            elif self.kind == JSON_LINES:
                yield from body.rows(self._raw)
            else:
                raise Malformed(f"the answer has the type {self.kind!r}")

    def content(self, max_bytes: int = body.MAX_BODY_BYTES) -> bytes:
        """Return the whole body and close the response.

        Raises:
            HttpError: the body ends too early, or exceeds a limit.
        """
        with closing(self):
            return body.whole(self._raw, max_bytes)

    def close(self) -> None:
        """Release the connection. Idempotent."""
        self._raw.close()
        self._raw.release_conn()
