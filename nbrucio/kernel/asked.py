"""Compare a notebook's declaration with its manifest.

A sync writes the requirement and lock of each handle into the manifest. Readers compare them with the present notebook,
so that a changed requirement or a replaced lock is an error.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

KEY = "nbrucio"
#: The metadata key of rucio-jupyterlab, read as a declaration where ours is absent.
ATTACHMENTS_KEY = "rucio_attachments"


class Asked:
    """The declaration in a notebook's metadata, which is untrusted."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        value = metadata.get(KEY)
        if value is None:
            attached = [each for each in _list(metadata.get(ATTACHMENTS_KEY)) if isinstance(each, Mapping)]
            entries = [{"did": e.get("did"), "handle": e.get("variableName"), "bind": True} for e in attached]
            value = {"requirements": entries}
        #: The declaration, as an object even where it is none.
        self.declaration = _object(value)
        self._by_handle: dict[str, Mapping[str, Any]] = {}
        for raw in _list(self.declaration.get("requirements")):
            if isinstance(raw, Mapping) and isinstance(raw.get("handle"), str):
                self._by_handle.setdefault(raw["handle"], raw)

    def __contains__(self, handle: str) -> bool:
        return handle in self._by_handle

    def handles(self) -> list[str]:
        """Return all handles, in the notebook's order."""
        return list(self._by_handle)

    def variables(self) -> list[str]:
        """Return the handles that are also variables."""
        return [handle for handle, raw in self._by_handle.items() if raw.get("bind") is True]

    def did(self, handle: str) -> str:
        """Return the DID of ``handle`` as written; for one that a parameter chooses, its template."""
        return str(self._by_handle[handle].get("did"))

    def named(self, handles: Iterable[str], dids: Iterable[str]) -> list[str]:
        """Return the handles of the requirements that have one of these handles or DIDs."""
        wanted, meant = set(handles), set(dids)
        return [
            key for key, raw in self._by_handle.items() if key in wanted or (meant and str(raw.get("did")) in meant)
        ]

    def answer(self, handle: str, lock_key: str, digest: str | None, instance: str | None) -> dict[str, Any] | None:
        """Return the record for a manifest of the request ``handle``; None if the notebook does not declare it.

        Args:
            lock_key: the key of its lock.
            digest: of the files that it was resolved to; a later lock may name it.
            instance: the instance that resolved it; a later edit may name it.
        """
        raw = self._by_handle.get(handle)
        if raw is None:
            return None
        locks = {self._lock(lock_key), digest} - {None}
        return {
            "requirement": self._digest(handle, raw),
            "instances": [each for each in dict.fromkeys((raw.get("instance"), instance)) if isinstance(each, str)],
            "lock_key": lock_key,
            "locks": sorted(map(str, locks)),
        }

    def answered(self, handle: str, answer: Mapping[str, Any] | None) -> bool:
        """Whether a recorded `answer` matches the present declaration."""
        if answer is None:  # by an older nbrucio
            return True
        raw = self._by_handle.get(handle)
        if raw is None or answer.get("requirement") != self._digest(handle, raw):
            return False
        instance, lock = raw.get("instance"), self._lock(str(answer.get("lock_key")))
        return (instance is None or instance in _list(answer.get("instances"))) and (
            lock is None or lock in _list(answer.get("locks"))
        )

    def by_configuration(self, handle: str, answer: Mapping[str, Any] | None) -> bool:
        """Whether the instance depends on the configuration, because its name is not the identity in the `answer`."""
        named = self._by_handle.get(handle, {}).get("instance")
        instances = _list((answer or {}).get("instances"))
        return answer is not None and (named is None or named != (instances or [None])[-1])

    def _lock(self, key: str) -> str | None:
        digest = _object(_object(self.declaration.get("lock")).get(key)).get("digest")
        return digest if isinstance(digest, str) else None

    def _digest(self, handle: str, raw: Mapping[str, Any]) -> str:
        """Return a digest of all keys that select files, except instance and lock, which a sync adds."""
        variants = _object(self.declaration.get("variants"))
        chosen = {name: value[handle] for name, value in variants.items() if handle in _object(value)}
        asked = [raw.get("did"), raw.get("select"), raw.get("access"), self.declaration.get("variant"), chosen]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def variables_in_text(header: str, names: Iterable[str]) -> list[str]:
    """Return the ``names`` that may be variables by the header of a text notebook, without a YAML parser."""
    if not re.search(r"\bbind: *true\b", header):
        return []
    return [name for name in names if re.search(rf"\bhandle: *['\"]?{re.escape(name)}\b", header)]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
