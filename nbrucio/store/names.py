"""File names that are safe as one path component, and the digest that gives an object its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from nbrucio.core.did import Did

MAX_COMPONENT_CHARS = 120
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=,@-]")
#: Length of the digest that distinguishes two names that would look alike.
_MARK_CHARS = 10


def object_key(instance: str, did: Did) -> str:
    """Return 64 hex digits that identify this file of this instance."""
    text = f"{instance}\0{did.scope}\0{did.name}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def safe_component(name: str) -> str:
    """Return ``name`` as one readable path component: its last part, ASCII, 1 to 120 characters, never hidden.

    Two names may give the same component. The extension survives, because readers such as ROOT choose by it.
    """
    last = _UNSAFE.sub("_", name.rstrip("/").rpartition("/")[2])
    if not last.strip("."):
        return "_" * max(len(last), 1)
    if last[0] in ".-":
        last = "_" + last[1:]
    return _shortened(last)


def marked_component(name: str, identity: str) -> str:
    """Return `safe_component` of ``name`` with a digest of ``identity``: ``stem~0123456789.ext``."""
    mark = "~" + sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_CHARS]
    stem, extension = _split(safe_component(name))
    return stem[: MAX_COMPONENT_CHARS - len(mark) - len(extension)] + mark + extension


def link_names(dids: Sequence[Did]) -> tuple[str, ...]:
    """Return one component per DID, in order, distinct even where case is ignored.

    A unique name stays as it is; names that would look alike all get a digest.
    """
    plain = [safe_component(did.name) for did in dids]
    seen = Counter(name.casefold() for name in plain)
    return tuple(
        name if seen[name.casefold()] == 1 else marked_component(did.name, str(did))
        for did, name in zip(dids, plain, strict=True)
    )


def _shortened(name: str) -> str:
    if len(name) <= MAX_COMPONENT_CHARS:
        return name
    stem, extension = _split(name)
    return stem[: MAX_COMPONENT_CHARS - len(extension)] + extension


def _split(name: str) -> tuple[str, str]:
    """Split off the extension, with its dot and at most 20 characters; empty when there is none."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > 19:
        return name, ""
    return stem, dot + extension
