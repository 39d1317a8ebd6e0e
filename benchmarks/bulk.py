"""Seed datasets of a hundred thousand files and more: one file goes in through Rucio's interface, the rest are copies.

Registering 100,000 files through the interface takes ten minutes and measures nothing. Here the first file of a
dataset is registered as usual; its rows in the server's database are then copied with other names, in the database.
What the server is asked afterwards it answers as for any other file.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.rses import HTTPS, POSIX
from nbrucio.sandbox.seed import add_container, add_dataset, close
from nbrucio.store.checksums import Sums
from nbrucio.store.layout import StoreLayout
from nbrucio.store.record import Record

if TYPE_CHECKING:
    from rucio.client import Client

SCOPE = "sandbox"
#: The bytes of every file: so small that 100,000 of them fit into memory, and real, so that a store can hold them.
DATA = b"nbrucio\n" * 12
#: A container is made of datasets of this many files.
PER_DATASET = 100_000
#: In a deployed Rucio a file usually has more than one replica.
RSES = (POSIX.name, HTTPS.name)

_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)"
#: Where the rows of a file are, and in which column its name is.
_TABLES = {"dids": "name", "replicas": "name", "contents": "child_name"}


def seed(sandbox: Sandbox, count: int, replicas: int = 2) -> Did:
    """A closed dataset of ``count`` files, or above `PER_DATASET` a closed container of such datasets."""
    rses = RSES[:replicas]
    whole = Did(SCOPE, f"scale.{count}")
    parts = datasets(whole, count)
    for number, part in enumerate(parts):
        _dataset(sandbox, part.name, min(PER_DATASET, count - number * PER_DATASET), rses)
    if parts != [whole]:
        with sandbox.admin() as client:
            add_container(client, whole.scope, whole.name, parts, closed=True)
    return whole


def datasets(whole: Did, count: int) -> list[Did]:
    """The datasets of which `seed` makes ``whole``, of ``count`` files."""
    if count <= PER_DATASET:
        return [whole]
    return [Did(whole.scope, f"{whole.name}.part{number}") for number in range(-(-count // PER_DATASET))]


def _dataset(sandbox: Sandbox, name: str, count: int, rses: Sequence[str]) -> Did:
    first = f"{name}/0000000.root"
    with sandbox.admin() as client:
        _register(client, first, rses)
        dataset = add_dataset(client, SCOPE, name, [Did(SCOPE, first)])
    database = sandbox.root / "server" / "rucio.db"
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        for table, column in _TABLES.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            _copy(connection, table, columns, column, (first, name, count))
        # A deployed database knows how large its tables are; without that, sums of replicas take minutes.
        connection.execute("ANALYZE")
    with sandbox.admin() as client:
        close(client, SCOPE, name)  # the server counts files and bytes now
    return dataset


def _copy(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], named: str, about: tuple[str, str, int]
) -> None:
    """Copy the row of the first file, once for each number, with the number in its name."""
    first, name, count = about
    listed = ", ".join(columns)
    values = ", ".join(":prefix || printf('%07d', n) || '.root'" if each == named else each for each in columns)
    connection.execute(
        f"INSERT INTO {table} ({listed}) {_NUMBERS} SELECT {values} FROM {table}, numbers WHERE {named} = :first",  # noqa: S608 (names of this module and the database's own)
        {"prefix": f"{name}/", "first": first, "count": count},
    )


def fill(store: Path, instance: str, dataset: Did, count: int) -> None:
    """Put the files of a dataset of ``count`` into a store, as a sync that brought them would have left them."""
    layout = StoreLayout(str(store))
    sums = Sums(len(DATA), f"{zlib.adler32(DATA):08x}", hashlib.sha256(DATA).hexdigest())
    for number in range(count):
        did = Did(SCOPE, f"{dataset.name}/{number:07d}.root")
        place = layout.place(instance, did)
        folder = Path(place.folder)
        folder.mkdir(parents=True)
        path = Path(place.path)
        path.write_bytes(DATA)
        path.chmod(0o444)
        found = path.stat()
        record = Record(instance, did.scope, did.name, sums, found.st_mtime_ns, found.st_ino)
        Path(place.record).write_bytes(record.to_bytes())


def _register(client: Client, name: str, rses: Sequence[str]) -> None:
    row = {"scope": SCOPE, "name": name, "bytes": len(DATA), "adler32": f"{zlib.adler32(DATA):08x}"}
    for rse in rses:
        client.add_replicas(rse, [row])
