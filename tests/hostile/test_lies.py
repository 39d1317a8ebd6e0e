"""Storage and Rucio servers that lie: right bytes or an error, whatever they send.

With the comparison of checksums taken out of `Worker._attempt`, other bytes of a storage get a final name. Without the
early return of `transfer.http._translated` for malformed URLs, a replica with the URL "https://" ends the run.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nbrucio.core.events import SilentReporter
from nbrucio.errors import NbrucioError
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from tests.catalogue.conftest import Connect, connect, environ, instance, logged_in, scripted
from tests.support.faulty_disk import INSTANCE, objects
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.scripted_server import ScriptedServer, answer
from tests.support.sync_questions import ASKS, DIMUON, FACTS, QUICK, ROW, at
from tests.support.trust import Rounds
from tests.transfer.conftest import QUICK as IMPATIENT
from tests.transfer.conftest import StorageAccess, access, ca, task
from tests.transfer.conftest import server as storage

__all__ = ["access", "ca", "connect", "environ", "instance", "logged_in", "scripted", "storage"]  # fixtures

pytestmark = pytest.mark.trust("S")

LIES = ["short", "cut", "reset", "status/404", "status/403", "status/500", "status/416", "loop", "changed", "storm"]
LIES += ["wrong", "long", "endless", "norange", "otherrange", "shifted", "mixed", "versions", "sizes", "less", "more"]
LIES += ["late/200", "late/500", "status/204", "status/503", "to/file:///etc/passwd"]
SLOW_LIES = ["stall", "mute", "trickle"]
ODD_URLS = [
    "https://",
    "https://[",
    "https://a b/",
    "file:///etc/passwd",
    "http://localhost:1/x",
    "root://",
    "srm://x/y",
]
PIECES = [b"", b"null", b"[", b'"', b"\n", b"-1e999", b"\x1b[2J", b"{}" * 50]
REPLICAS = '{"scope": "sandbox", "name": "dimuon", "bytes": 3, "adler32": "00000001"}'
REPLICAS = REPLICAS[:-1] + ', "pfns": {"https://a/b": {"rse": "A"}}}'


def test_whatever_storage_sends_the_bytes_are_right_or_there_is_an_error(
    storage: Hostile, access: StorageAccess, rounds: Rounds
) -> None:
    def holds(seed: int, folder: Path) -> None:
        chance = random.Random(seed)
        lies = [*LIES, *(SLOW_LIES if rounds.long else ())]
        pfns = [storage.url(f"{chance.choice(lies)}/{seed}/{n}") for n in range(chance.randint(1, 4))]
        pfns += chance.sample(ODD_URLS, chance.randint(0, 2))
        has_good = chance.random() < 0.5
        if has_good:
            pfns.append(storage.url(f"good/{seed}"))
        chance.shuffle(pfns)
        store = Store(folder / "store")
        (outcome,) = fetch([task(*pfns)], store, {INSTANCE: access}, SilentReporter(), limits=IMPATIENT)
        assert all(path.read_bytes() == GOOD for path in objects(folder / "store"))
        if outcome.error is not None:
            assert outcome.error.exit_code in (4, 7, 9), outcome.error
        else:
            assert outcome.stored is not None
            assert outcome.stored.path.read_bytes() == GOOD

    rounds.seeds(holds, quick=20)


def test_whatever_rucio_sends_there_are_values_or_an_error(
    logged_in: Connect, scripted: ScriptedServer, rounds: Rounds
) -> None:
    catalogue = logged_in(QUICK, **at(scripted))

    def holds(seed: int, _folder: Path) -> None:
        chance = random.Random(seed)
        text = "\n".join(chance.choices([FACTS, ROW, REPLICAS, ""], k=chance.randint(0, 5))).encode()
        for _ in range(chance.randint(0, 6)):
            where = chance.randrange(len(text) + 1)
            new = chance.choice([*PIECES, chance.randbytes(3)])
            text = text[:where] + new + text[where + chance.randint(0, 20) :]
        status = chance.choice(["200 OK"] * 6 + ["404 Not Found", "500 Error", "204 No Content", "302 Found", "999 ?"])
        scripted.answers = [answer(text, status)]
        ask, words = chance.choice(list(ASKS.values())), ""
        try:
            ask(catalogue, DIMUON)
        except NbrucioError as error:
            words = f"{error.code}: {error.message}"
        assert not words.startswith("internal"), words
        assert "\x1b" not in words

    rounds.seeds(holds, quick=60)
