"""Paths within a store, made from digests and never from names alone."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple

from nbrucio.core.address import former_identity
from nbrucio.core.did import Did
from nbrucio.store.names import object_key, safe_component

#: Files whose places are kept: those that are downloaded or wait for their commit.
_RECENT = 512


class Place(NamedTuple):
    """The paths of one object: ``shelf/key/basename``, and its record ``shelf/key.json`` beside the folder."""

    key: str
    shelf: str
    folder: str
    path: str
    record: str


class StoreLayout:
    """The folders of the store at ``root``."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.objects = f"{root}/objects"
        self.partial = f"{root}/partial"
        self.views = f"{root}/views"
        self.aside = f"{root}/aside"
        self.tag = f"{root}/CACHEDIR.TAG"
        #: A download asks four times for the place of its file: a tenth of its time in the interpreter.
        self._place = lru_cache(maxsize=_RECENT)(self._new_place)

    def place(self, instance: str, did: Did) -> Place:
        """Return the paths of the object for this file of this instance."""
        return self._place(instance, did)

    def _new_place(self, instance: str, did: Did) -> Place:
        return self.place_of(object_key(instance, did), safe_component(did.name))

    def place_of(self, key: str, basename: str) -> Place:
        """Return the paths of the object with this key and this name in its folder."""
        folder = self.folder_of(key)
        return Place(key, f"{self.objects}/{key[:2]}", folder, f"{folder}/{basename}", f"{folder}.json")

    def folder_of(self, key: str) -> str:
        """Return the folder of the object with this key."""
        return f"{self.objects}/{key[:2]}/{key}"

    def former(self, instance: str, did: Did) -> tuple[str, Place] | None:
        """Return the instance's former identity and the object's paths under it; None when the identity never changed.

        Other instances on the same host shared the former identity, so a file there may belong to one of them.
        """
        name = former_identity(instance)
        return None if name is None else (name, self.place(name, did))

    def scratch(self, folder: str | None = None) -> str:
        """Return a new temporary path in ``folder``, by default the partial files' folder, which is cleaned up."""
        return f"{folder or self.partial}/{os.getpid()}.{os.urandom(8).hex()}.tmp"
