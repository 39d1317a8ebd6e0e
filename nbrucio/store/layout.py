"""Where things are in a store: paths from digests, never from names."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple

from nbrucio.core.address import former_identity
from nbrucio.core.did import Did
from nbrucio.store.names import object_key, safe_component


class Place(NamedTuple):
    """The paths of one object: ``shelf/key/basename``, with its record ``shelf/key.json`` beside the folder."""

    key: str
    shelf: str
    folder: str
    path: str
    record: str


#: Places that are remembered: a file on its way is locked, written and committed while about so many others are.
_REMEMBERED = 512


class StoreLayout:
    """The folders of the store at ``root``."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.objects = f"{root}/objects"
        self.partial = f"{root}/partial"
        self.views = f"{root}/views"
        self.aside = f"{root}/aside"
        self.tag = f"{root}/CACHEDIR.TAG"
        self.place = lru_cache(_REMEMBERED)(self._place)

    def _place(self, instance: str, did: Did) -> Place:
        """The paths of the object for this file of this instance."""
        key = object_key(instance, did)
        shelf = f"{self.objects}/{key[:2]}"
        folder = f"{shelf}/{key}"
        return Place(key, shelf, folder, f"{folder}/{safe_component(did.name)}", f"{folder}.json")

    def former(self, instance: str, did: Did) -> tuple[str, Place] | None:
        """The instance's former name and the paths of the object under it; None where that is its name now.

        Other instances of the host had the same name, so what lies there may be theirs.
        """
        name = former_identity(instance)
        return None if name is None else (name, self.place(name, did))

    def scratch(self, folder: str | None = None) -> str:
        """A new path in ``folder``; by default among the partial files, where it is swept like one should it stay."""
        return f"{folder or self.partial}/{os.getpid()}.{os.urandom(8).hex()}.tmp"
