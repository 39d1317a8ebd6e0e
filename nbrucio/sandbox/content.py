"""Content of a sandbox after its first start."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbrucio.core.did import Did
from nbrucio.sandbox import seed
from nbrucio.sandbox.dimuon import make_events
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.rses import HTTPS, MOUNT, POSIX, add_accounts, add_rses
from nbrucio.sandbox.state import State

if TYPE_CHECKING:
    from rucio.client import Client

_SEED = 20121204
_EVENTS_PER_FILE = 100_000
_SMALL_EVENTS = 2_000

#: Valid in Rucio's generic schema, which allows letters, digits, dot, dash, underscore and slash. Each is difficult for
#: tools that make paths of names.
ODD_NAMES = (
    "belle/raw/exp1/run2.dat",
    "belle/raw/exp2/run2.dat",  # same last component
    "/belle/raw/exp3/run2.dat",  # begins with a slash
    "double//slash.dat",
    "up/../across.dat",
    "nested",
    "nested/inside.dat",  # a file below the name of a file
    "payload",
    "payload.part",  # name of rucio-clients' partial download of the one above
    "Case.dat",
    "case.dat",
    "long." + 245 * "x",  # longest valid name
)
ODD_TWIN = "twin.dat"  # the same name in two scopes


@dataclass(frozen=True)
class Content:
    """ROOT files of the first start, made before the servers answer.

    Events are the same in every sandbox. The files' bytes differ, since ROOT's format includes the time of writing.
    """

    dimuon: tuple[seed.NewFile, ...]
    growing: tuple[seed.NewFile, ...]
    mounted: tuple[seed.NewFile, ...]

    @classmethod
    def make(cls) -> Content:
        return cls(
            dimuon=tuple(_root_file(f"dimuon.{n}.root", _EVENTS_PER_FILE, _SEED + n) for n in range(1, 5)),
            growing=tuple(_root_file(f"growing.{n}.root", _SMALL_EVENTS, _SEED + 10 + n) for n in range(1, 3)),
            mounted=tuple(_root_file(f"mounted.{n}.root", _SMALL_EVENTS, _SEED + 20 + n) for n in range(1, 3)),
        )

    def add(self, client: Client, layout: SandboxLayout, state: State) -> None:
        """Add the content to a server that has only a root account."""
        add_accounts(client, state)
        add_rses(client, layout, state)
        seed.add_files(client, [*self.dimuon, *self.growing], [HTTPS.name])
        seed.add_files(client, self.dimuon[:2], [POSIX.name])
        seed.add_files(client, self.mounted, [MOUNT.name])
        dimuon = seed.add_dataset(client, "sandbox", "dimuon", [file.did for file in self.dimuon], closed=True)
        client.set_metadata(dimuon.scope, dimuon.name, "project", "dimuon")
        growing = seed.add_dataset(client, "sandbox", "growing", [file.did for file in self.growing])
        seed.add_dataset(client, "sandbox", "mounted", [file.did for file in self.mounted], closed=True)
        seed.add_container(client, "sandbox", "muons", [dimuon, growing])
        _add_odd_names(client)


def _add_odd_names(client: Client) -> None:
    dids = [Did("sandbox", name) for name in (*ODD_NAMES, ODD_TWIN)] + [Did("user.sandbox", ODD_TWIN)]
    # Each file contains its own DID, which reveals mixed-up files.
    files = [seed.NewFile(did, f"{did}\n".encode()) for did in dids]
    seed.add_files(client, files, [HTTPS.name, POSIX.name])
    seed.add_dataset(client, "sandbox", "odd.names", dids, closed=True)


def _root_file(name: str, events: int, random_seed: int) -> seed.NewFile:
    import uproot

    did = Did("sandbox", name)
    columns = make_events(events, random_seed)
    data = io.BytesIO()
    with uproot.recreate(data, uuid_function=lambda: uuid.uuid5(uuid.NAMESPACE_URL, str(did))) as file:
        file.mktree("Events", {key: values.dtype for key, values in columns.items()})
        file["Events"].extend(columns)
        return seed.NewFile(did, data.getvalue())  # before uproot closes it; everything is written in one step
