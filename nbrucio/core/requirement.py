"""A requirement: one entry of a declaration, its handle, and its key in the lock."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.parameter import Parameter
from nbrucio.core.selection import Selection
from nbrucio.core.text import printable
from nbrucio.errors import BadDeclaration

MAX_HANDLE_CHARS = 100
#: What a requirement's ``access`` may say; absent means that nbrucio chooses.
ACCESS_WORDS = ("store", "mount", "download", "stream", "rule", "any")
NO_PARAMETERS: Mapping[str, object] = MappingProxyType({})
_REQUIREMENT_KEYS = {"did", "handle", "instance", "select", "access"}


class Requirement(NamedTuple):
    """One line of a declaration.

    Attributes:
        did: the DID of the data.
        handle: the Python identifier by which code asks for it.
        instance: host name, short name or alias of a configured instance; None means the default one.
        select: the wanted subset of its files; None for all.
        access: one of `ACCESS_WORDS`; None when nbrucio chooses.
        parameter: the parameter that chose `did`; None if the declaration contains the DID.
        variant: the variant of the declaration that has `select`; None for its own.
        extra: unknown keys, which are preserved.
    """

    did: Did
    handle: str
    instance: str | None = None
    select: Selection | None = None
    access: str | None = None
    parameter: Parameter | None = None
    variant: str | None = None
    extra: Mapping[str, object] = MappingProxyType({})

    @property
    def lock_key(self) -> str:
        """Return its key in the lock: the handle, followed in a variant by ``@`` and the variant's name."""
        return self.handle if self.variant is None else f"{self.handle}@{self.variant}"

    def as_json(self) -> dict[str, object]:
        """Return the entry of ``requirements`` from which `parse` makes this requirement."""
        did = self.parameter.as_json() if self.parameter else str(self.did)
        value: dict[str, object] = {"did": did, "handle": self.handle}
        if self.instance is not None:
            value["instance"] = self.instance
        if self.select is not None:
            value["select"] = self.select.as_json()
        if self.access is not None:
            value["access"] = self.access
        return value | dict(self.extra)

    @classmethod
    def parse(cls, value: object, parameters: Mapping[str, object] = NO_PARAMETERS) -> Requirement:
        """Parse an entry of ``requirements``, with these parameter values.

        Raises:
            BadDeclaration: it is invalid; the message names the problem.
            BadDid: its DID is invalid.
        """
        if not isinstance(value, Mapping):
            raise BadDeclaration("it must be an object")
        did, handle = value.get("did"), value.get("handle")
        parameter = Parameter.parse(did) if isinstance(did, Mapping) else None
        if parameter is None and not isinstance(did, str):
            raise BadDeclaration("'did' is missing")
        shown = f"the parameter '{parameter.name}'" if parameter else str(Did.parse(str(did)))
        if not isinstance(handle, str):
            raise BadDeclaration(f"{shown}: 'handle' is missing")
        instance, access, select = value.get("instance"), value.get("access"), value.get("select")
        if instance is not None and not isinstance(instance, str):
            raise BadDeclaration(f"{shown}: 'instance' must be a string")
        if access is not None and access not in ACCESS_WORDS:
            raise BadDeclaration(f"{shown}: 'access' must be one of {', '.join(ACCESS_WORDS)}")
        checked, selection = check_handle(handle), Selection.parse(select) if select is not None else None
        return cls(
            # The last, so that a parameter without a value is the only fault.
            did=parameter.did(parameters) if parameter else Did.parse(str(did)),
            handle=checked,
            instance=instance,
            select=selection,
            access=access,
            parameter=parameter,
            extra={str(key): kept for key, kept in value.items() if key not in _REQUIREMENT_KEYS},
        )


def lock_for(requirement: Requirement, lock: Mapping[str, LockEntry]) -> LockEntry | None:
    """Return the lock entry of ``requirement``; None without one or if its DID or selection changed."""
    entry = lock.get(requirement.lock_key)
    if entry and (entry.did, entry.select) == (requirement.did, requirement.select):
        return entry
    return None


def handle_of(lock_key: str) -> str:
    """Return the handle of the requirement with this `Requirement.lock_key`."""
    return lock_key.partition("@")[0]


def variant_of(lock_key: str) -> str:
    """Return the variant in this `Requirement.lock_key`; empty for none."""
    return lock_key.partition("@")[2]


def check_handle(handle: str) -> str:
    """Return ``handle`` if code can use it as a name.

    Raises:
        BadDeclaration: it is not a Python identifier, is a keyword, begins with ``_``, or is longer than
            `MAX_HANDLE_CHARS`.
    """
    fault = _handle_fault(handle)
    if fault is None:
        return handle
    raise BadDeclaration(
        f"{printable(handle, 40)} is not a valid handle: {fault}.",
        subject=handle,
        hint="Use letters, digits and '_', and begin with a letter.",
    )


def _handle_fault(handle: str) -> str | None:
    if len(handle) > MAX_HANDLE_CHARS:
        return f"it has more than {MAX_HANDLE_CHARS} characters"
    if not handle.isidentifier():
        return "it must be a Python identifier, for example 'muons'"
    if keyword.iskeyword(handle):
        return "it is a Python keyword"
    return "it begins with '_'" if handle.startswith("_") else None


def propose_handle(did: Did, taken: Iterable[str]) -> str:
    """Return a handle from a DID's name that is not among ``taken``."""
    words = re.sub(r"\W+", "_", did.name.rsplit("/", 1)[-1].partition(".root")[0], flags=re.ASCII).strip("_").lower()
    stem = words[:40].strip("_") or "data"
    if not stem.isidentifier() or keyword.iskeyword(stem):
        stem = f"data_{stem}"
    used = taken if isinstance(taken, (set, frozenset)) else set(taken)
    candidates = (stem if number == 1 else f"{stem}_{number}" for number in range(1, len(used) + 2))
    return next(candidate for candidate in candidates if candidate not in used)


def already_declared(present: Requirement) -> BadDeclaration:
    """Return the error for a DID that ``present`` already declares."""
    return BadDeclaration(
        f"{present.did} is already declared, as '{present.handle}'.",
        subject=str(present.did),
        hint=f"Use the handle '{present.handle}' in code.",
    )


def check_declared(handles: Iterable[str], notebook: Path, declared: Iterable[Requirement]) -> None:
    """Raise `BadDeclaration` for the first of ``handles`` that ``notebook`` does not declare."""
    present = tuple(declared)
    known = {requirement.handle for requirement in present}
    for handle in handles:
        if handle not in known:
            raise not_declared(handle, notebook, present)


def not_declared(name: str, notebook: Path | str, declared: Iterable[Requirement]) -> BadDeclaration:
    """Return the error for a name that ``notebook``, a path or several in words, does not declare."""
    handles = ", ".join(requirement.handle for requirement in declared) or "nothing"
    return BadDeclaration(f"'{name}' is not declared in {notebook}.", subject=name, hint=f"Declared: {handles}.")
