"""Faults on request: the sandbox's servers damage, cut, slow down, drop or refuse a share of their answers.

``nbrucio sandbox chaos`` writes one file, and both servers read it before each answer. Whether an answer is faulty
depends on the seed, on its path and on how often this path was asked for, so that a retry may succeed.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: By name, what happens to a faulty answer.
KINDS = {
    "corrupt": "storage sends wrong bytes",
    "truncate": "storage closes the connection in the middle of a file",
    "slow": "storage sends 256 kB/s",
    "drop": "storage and Rucio close the connection without an answer",
    "busy": "storage and Rucio answer 503 with Retry-After: 1",
    "expire": "Rucio refuses tokens after their first use, as if they had ended",
}
_OF_STORAGE = frozenset({"corrupt", "truncate", "slow", "drop", "busy"})
_OF_RUCIO = frozenset({"drop", "busy", "expire"})
_PIECE = 64 * 1024
_SLOW_BYTES_PER_S = 256 * 1024


@dataclass(frozen=True)
class Chaos:
    """The faults in force.

    Attributes:
        shares: by kind, the share of answers that are faulty, above 0 and at most 1.
        seed: another seed makes other answers faulty.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    @classmethod
    def read(cls, path: Path) -> Chaos:
        """Return what ``path`` says; no faults without a readable file."""
        try:
            value = json.loads(path.read_bytes())
            return cls({kind: float(value["shares"][kind]) for kind in value["shares"]}, int(value["seed"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def with_fault(self, kind: str, share: float, seed: int) -> Chaos:
        """Return these faults and one more.

        Raises:
            UsageError: there is no such fault, or the share is not above 0 and at most 1.
        """
        if kind not in KINDS:
            raise UsageError(
                f"'{kind}' is not a fault of the sandbox.", subject=kind, hint=f"Known: {', '.join(KINDS)}."
            )
        if not 0 < share <= 1:
            raise UsageError("The share must be above 0 and at most 1.", subject=str(share))
        return Chaos({**self.shares, kind: share}, seed)

    def write(self, path: Path) -> None:
        """Put these faults in force."""
        from nbrucio.disk.atomic import write_file

        write_file(path, json.dumps({"shares": dict(self.shares), "seed": self.seed}).encode())

    def hits(self, kind: str, path: str, number: int) -> bool:
        """Return whether the answer ``number`` for ``path`` has the fault ``kind``."""
        drawn = hashlib.sha256(f"{self.seed} {kind} {number} {path}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") < self.shares.get(kind, 0.0) * 2**64


def faulty_storage(application: WSGIApplication, settings: Path) -> WSGIApplication:
    """Return ``application`` with the faults of a storage, for the answers to GET."""
    return _faulty(application, settings, _OF_STORAGE, lambda environ: environ["REQUEST_METHOD"] == "GET")


def faulty_rucio(application: WSGIApplication, settings: Path) -> WSGIApplication:
    """Return ``application`` with the faults of a Rucio server, for all answers but those to logins."""
    return _faulty(application, settings, _OF_RUCIO, lambda environ: not environ["PATH_INFO"].startswith("/auth/"))


def _faulty(
    application: WSGIApplication, settings: Path, kinds: frozenset[str], concerns: Callable[[WSGIEnvironment], bool]
) -> WSGIApplication:
    asked: Counter[str] = Counter()
    used: set[str] = set()  # tokens: a new one has not ended yet

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chaos = Chaos.read(settings)
        path = environ["PATH_INFO"]
        if not chaos.shares or not concerns(environ):
            return application(environ, start_response)
        asked[path] += 1
        found = {kind for kind in kinds if chaos.hits(kind, path, asked[path])}
        if "drop" in found:
            return _dropped(environ, start_response)
        if "busy" in found:
            return _refused(start_response, "503 Service Unavailable", [("Retry-After", "1")])
        token = environ.get("HTTP_X_RUCIO_AUTH_TOKEN", "")
        if "expire" in found and token in used:
            refusal = [("ExceptionClass", "CannotAuthenticate"), ("ExceptionMessage", "The token has expired.")]
            return _refused(start_response, "401 Unauthorized", refusal)
        used.add(token)
        return _damaged(application(environ, start_response), found, environ)

    return answer


def _refused(start_response: StartResponse, status: str, headers: list[tuple[str, str]]) -> list[bytes]:
    body = b"Chaos of the sandbox.\n"
    start_response(status, [*headers, ("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def _dropped(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    environ["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
    start_response("200 OK", [("Content-Length", "0")])
    return []


def _damaged(body: Iterable[bytes], found: set[str], environ: WSGIEnvironment) -> Iterator[bytes]:
    try:
        for number, chunk in enumerate(piece for large in body for piece in _pieces(large)):
            if "slow" in found:
                time.sleep(len(chunk) / _SLOW_BYTES_PER_S)
            if number == 0 and chunk and "truncate" in found:
                yield chunk[: len(chunk) // 2]
                environ["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
                return
            yield bytes([chunk[0] ^ 0xFF]) + chunk[1:] if number == 0 and chunk and "corrupt" in found else chunk
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


def _pieces(chunk: bytes) -> Iterator[bytes]:
    return (chunk[start : start + _PIECE] for start in range(0, len(chunk), _PIECE))
