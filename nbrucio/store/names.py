"""Names that are safe as one path component, and the digest that is an object's place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from nbrucio.core.did import Did

MAX_COMPONENT_CHARS = 120
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=,@-]")
#: Characters of the digest that tell two names apart when they would look alike.
_MARK_CHARS = 10


def object_key(instance: str, did: Did) -> str:
    """64 hex digits that stand for this file of this instance; distinct for distinct files."""
    text = f"{instance}\0{did.scope}\0{did.name}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def safe_component(name: str) -> str:
    """``name`` as one path component that people recognise: its last part, ASCII, 1 to 120 characters, never hidden.

    Two names may give the same component. An extension survives, since readers such as ROOT choose by it.
    """
    last = _UNSAFE.sub("_", name.rstrip("/").rpartition("/")[2])
    if not last.strip("."):
        return "_" * max(len(last), 1)
    if last[0] in ".-":
        last = "_" + last[1:]
    return _shortened(last)


def marked_component(name: str, identity: str) -> str:
    """`safe_component` of ``name``, made unique for ``identity`` by a digest: ``stem~0123456789.ext``."""
    mark = "~" + sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_CHARS]
    stem, extension = _split(safe_component(name))
    return stem[: MAX_COMPONENT_CHARS - len(mark) - len(extension)] + mark + extension


def link_names(dids: Sequence[Did]) -> tuple[str, ...]:
    """One component for each of ``dids``, in their order, distinct also where upper and lower case are the same.

    A name that no other of ``dids`` resembles stays as it is; those that would look alike all get a digest.
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
    """Stem and extension (with its dot, at most 20 characters, else empty)."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > 19:
        return name, ""
    return stem, dot + extension
