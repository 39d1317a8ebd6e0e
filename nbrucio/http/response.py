"""An answer whose head is here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from nbrucio.http import body
from nbrucio.http.errors import Malformed

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

#: Types of bodies: one value a line, or one value.
JSON_LINES, JSON = "application/x-json-stream", "application/json"


class Response:
    """An answer, its body still to be read. Read to its end the connection is kept, else it is closed.

    Attributes:
        status: the HTTP status.
        headers: names in any case.
        kind: the type of the body, without parameters.
    """

    def __init__(self, raw: HTTPResponse) -> None:
        self.status: int = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        self._raw = raw

    def rows(self) -> Iterator[object]:
        """The JSON values of the body as they come; closes the answer.

        Raises:
            HttpError: the body breaks off, exceeds a limit, or is not what its type says.
        """
        with closing(self):
            if self.kind == JSON:
                yield body.parse(body.whole(self._raw))
            elif self.kind == JSON_LINES:
                yield from body.rows(self._raw)
            else:
                raise Malformed(f"the answer has the type {self.kind!r}")

    def content(self) -> bytes:
        """The whole body; closes the answer.

        Raises:
            HttpError: it breaks off, or exceeds a limit.
        """
        with closing(self):
            return body.whole(self._raw)

    def close(self) -> None:
        """Give the connection back. Idempotent."""
        self._raw.close()
        self._raw.release_conn()
