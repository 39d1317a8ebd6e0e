"""The questions of a sync, and what a server may answer, for the tests of asking without rucio-clients."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Policy
from nbrucio.core.did import Did
from nbrucio.errors import NbrucioError
from tests.support.access_log import LoggedRequest
from tests.support.scripted_server import ScriptedServer

DIMUON = Did("sandbox", "dimuon")
QUICK = Policy(connect_timeout_s=1, read_timeout_s=0.5)
FACTS = '{"scope": "sandbox", "name": "dimuon", "type": "DATASET", "open": true}'
ROW = '{"scope": "s", "name": "one", "bytes": 1, "adler32": "00000001"}'

Ask = Callable[[RucioCatalogue, Did], object]
ASKS: dict[str, Ask] = {
    "describe": lambda catalogue, did: catalogue.describe(did),
    "files": lambda catalogue, did: list(catalogue.files(did)),
    "replicas": lambda catalogue, did: list(catalogue.replicas([did])),
}


def agents(requests: list[LoggedRequest]) -> list[str]:
    """Who sent each request: ``direct``, or rucio-``clients``."""
    return ["clients" if "rucio-clients" in request.agent else "direct" for request in requests]


def at(server: ScriptedServer) -> dict[str, object]:
    """The changes that make an instance of ``server``."""
    return {"host": server.url, "auth_host": server.url}


def headers(head: str) -> dict[str, str]:
    """The headers of a request, its first line under an empty name."""
    first, *lines = head.split("\r\n")
    return {"": first, **dict(line.split(": ", 1) for line in lines)}


def error_of(ask: Callable[[], object]) -> tuple[str, ...]:
    """All that the error of ``ask`` says."""
    with pytest.raises(NbrucioError) as caught:
        ask()
    error = caught.value
    return type(error).__name__, str(error), str(error.subject), str(error.hint), str(error.next_command)
