"""The declaration: which data one notebook needs, as written in ``notebook.metadata.nbrucio``.

Parsing is total and forgiving per requirement: one bad entry never hides the good ones, and what is not understood is
kept and written back as it was. A declaration names data; it never supplies hosts, paths, code or credentials.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from nbrucio.core.did import Did
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.parameter import Parameter
from nbrucio.core.selection import Selection
from nbrucio.core.text import printable
from nbrucio.errors import BadDeclaration, BadDid, ParameterNeeded

VERSION = 1
MAX_REQUIREMENTS = 10_000
MAX_HANDLE_CHARS = 100
#: What a requirement's ``access`` may say; absent means that nbrucio chooses.
ACCESS_WORDS = ("store", "mount", "download", "stream", "rule", "any")
NO_PARAMETERS: Mapping[str, object] = MappingProxyType({})
_REQUIREMENT_KEYS = {"did", "handle", "instance", "select", "access"}
_CORRECT = "Correct or remove this requirement under the key 'nbrucio' in the notebook's metadata."
_REMOVE = "Correct or remove the key 'nbrucio' in the notebook's metadata."
_UPDATE = "Update nbrucio, or ask whoever runs this Jupyter to do so."


class Requirement(NamedTuple):
    """One line of a declaration.

    Attributes:
        did: what is needed.
        handle: the Python identifier by which code asks for it.
        instance: host name, short name or alias of a configured instance; None for the default one.
        select: the wanted subset of its files; None for all.
        access: one of `ACCESS_WORDS`; None when nbrucio chooses.
        parameter: what chose `did`; None when the declaration names it.
        variant: the variant of the declaration that has `select`; None for its own.
        extra: keys that this version does not know, kept as they are.
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
        """Its key in the lock: the handle, in a variant with that one's name after ``@``, which no handle holds."""
        return self.handle if self.variant is None else f"{self.handle}@{self.variant}"

    def as_json(self) -> dict[str, object]:
        """The entry of ``requirements`` that parses back to this."""
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
        """The requirement that ``value`` writes, where the notebook runs with these ``parameters``.

        Raises:
            BadDeclaration: something in it is wrong; the message says what.
            BadDid: its DID is none.
        """
        if not isinstance(value, Mapping):
            raise BadDeclaration("it must be an object")
        did, handle = value.get("did"), value.get("handle")
        parameter = Parameter.parse(did) if isinstance(did, Mapping) else None
        if parameter is None and not isinstance(did, str):
            raise BadDeclaration("'did' is missing")
        parsed = parameter.did(parameters) if parameter else Did.parse(str(did))
        if not isinstance(handle, str):
            raise BadDeclaration(f"{parsed}: 'handle' is missing")
        instance, access, select = value.get("instance"), value.get("access"), value.get("select")
        if instance is not None and not isinstance(instance, str):
            raise BadDeclaration(f"{parsed}: 'instance' must be a string")
        if access is not None and access not in ACCESS_WORDS:
            raise BadDeclaration(f"{parsed}: 'access' must be one of {', '.join(ACCESS_WORDS)}")
        return cls(
            did=parsed,
            handle=check_handle(handle),
            instance=instance,
            select=Selection.parse(select) if select is not None else None,
            access=access,
            parameter=parameter,
            extra={str(key): kept for key, kept in value.items() if key not in _REQUIREMENT_KEYS},
        )


class DeclarationFault(NamedTuple):
    """An entry of ``requirements`` that could not be understood, kept as it was written."""

    raw: object
    error: BadDeclaration


class Declaration(NamedTuple):
    """The requirements of one notebook, and the lock beside them.

    Attributes:
        entries: requirements and faults, in the order they are written.
        lock: by handle.
        extra: top-level keys that this version does not know, kept as they are.
        bad_lock: lock entries that could not be understood, by handle, kept until their handle is locked anew.
    """

    entries: tuple[Requirement | DeclarationFault, ...] = ()
    lock: Mapping[str, LockEntry] = MappingProxyType({})
    extra: Mapping[str, object] = MappingProxyType({})
    bad_lock: Mapping[str, object] = MappingProxyType({})

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The entries that were understood."""
        return tuple(entry for entry in self.entries if isinstance(entry, Requirement))

    @property
    def faults(self) -> tuple[DeclarationFault, ...]:
        """The entries that were not."""
        return tuple(entry for entry in self.entries if isinstance(entry, DeclarationFault))

    @classmethod
    def parse(cls, value: object, parameters: Mapping[str, object] = NO_PARAMETERS) -> Declaration:
        """The declaration that a notebook's metadata holds under ``nbrucio``; None gives an empty one.

        Args:
            parameters: the values that the notebook runs with, for requirements that take their DID from one.

        Raises:
            BadDeclaration: the value as a whole cannot be read (not an object, a newer version, too many entries).
        """
        if value is None:
            return cls()
        if not isinstance(value, Mapping):
            _refuse("it must be an object")
        version = value.get("version", VERSION)
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            _refuse("'version' must be a whole number")
        if version > VERSION:
            _refuse(f"it has version {version}, and this nbrucio reads version {VERSION} only", _UPDATE)
        entries, lock = value.get("requirements", []), value.get("lock", {})
        if not isinstance(entries, list) or not isinstance(lock, Mapping):
            _refuse("'requirements' must be a list, and 'lock' an object")
        if len(entries) > MAX_REQUIREMENTS:
            _refuse(f"it has {len(entries):,} requirements, and at most {MAX_REQUIREMENTS:,} are allowed")
        locked, unreadable = _parse_lock(lock)
        known = {"version", "requirements", "lock"}
        extra = {str(key): kept for key, kept in value.items() if key not in known}
        return cls(_parse_entries(entries, parameters), locked, extra, unreadable)

    def as_json(self) -> dict[str, object]:
        """The metadata value that parses back to this."""
        value: dict[str, object] = {
            "version": VERSION,
            "requirements": [
                entry.as_json() if isinstance(entry, Requirement) else entry.raw for entry in self.entries
            ],
        }
        locked = {handle: entry.as_json() for handle, entry in self.lock.items()}
        kept = {handle: raw for handle, raw in self.bad_lock.items() if handle not in locked}
        if locked or kept:
            value["lock"] = dict(sorted((locked | kept).items()))
        return value | dict(self.extra)

    def get(self, handle_or_did: str) -> Requirement | None:
        """The requirement with this handle or DID."""
        return next((r for r in self.requirements if handle_or_did in (r.handle, str(r.did))), None)

    def with_requirement(self, requirement: Requirement) -> Declaration:
        """A declaration that also holds ``requirement``, last.

        Raises:
            BadDeclaration: its handle is taken, or the same DID of the same instance is declared already.
        """
        for present in self.requirements:
            if present.handle == requirement.handle:
                raise BadDeclaration(
                    f"The handle '{present.handle}' is already used for {present.did}.",
                    subject=present.handle,
                    hint="Choose another handle with --as.",
                )
            same = (requirement.did, requirement.instance, requirement.select)
            if (present.did, present.instance, present.select) == same:
                raise already_declared(present)
        return self._replace(entries=(*self.entries, requirement))

    def without(self, handle: str) -> Declaration:
        """A declaration without the requirement of this handle, and without its lock entry."""
        return self._replace(
            entries=tuple(e for e in self.entries if not (isinstance(e, Requirement) and e.handle == handle)),
            lock={key: kept for key, kept in self.lock.items() if handle_of(key) != handle},
            bad_lock={key: kept for key, kept in self.bad_lock.items() if handle_of(key) != handle},
        )

    def with_lock(self, key: str, entry: LockEntry) -> Declaration:
        """A declaration in which the requirement with this `Requirement.lock_key` is locked to ``entry``."""
        return self._replace(lock={**self.lock, key: entry})

    def in_variant(self, name: str | None) -> Declaration:
        """The declaration with the selections that its variant ``name`` names; itself for None.

        ``variants`` has by name and handle a selection, which stands for that of the requirement; ``{}`` means all its
        files. A handle that a variant does not name stays as declared.

        Raises:
            BadDeclaration: there is no such variant, or it is malformed.
        """
        if name is None:
            return self
        variants = self.extra.get("variants")
        known = variants if isinstance(variants, Mapping) else {}
        chosen = known.get(name)
        if not isinstance(chosen, Mapping):
            declared = f"Declared variants: {', '.join(map(str, known))}."
            raise BadDeclaration(
                f"The variant {printable(name, 40)} is not declared in the notebook.",
                subject=name,
                hint=declared if known else "The notebook declares no variants.",
            )
        unknown = [str(handle) for handle in chosen if self.get(str(handle)) is None]
        if unknown:
            raise BadDeclaration(
                f"The variant '{name}' selects files of '{unknown[0]}', which is not declared.",
                subject=unknown[0],
                hint=f"Declare '{unknown[0]}', or remove it from the variant.",
            )
        return self._replace(entries=tuple(_in_variant(entry, name, chosen) for entry in self.entries))


def lock_for(requirement: Requirement, lock: Mapping[str, LockEntry]) -> LockEntry | None:
    """The lock entry that still speaks of ``requirement``; None when there is none or its DID or selection changed."""
    entry = lock.get(requirement.lock_key)
    if entry and (entry.did, entry.select) == (requirement.did, requirement.select):
        return entry
    return None


def handle_of(lock_key: str) -> str:
    """The handle of the requirement that has this `Requirement.lock_key`."""
    return lock_key.partition("@")[0]


def variant_of(lock_key: str) -> str:
    """The variant that this `Requirement.lock_key` speaks of; empty for none."""
    return lock_key.partition("@")[2]


def from_attachments(value: object) -> Declaration:
    """The declaration that rucio-jupyterlab's ``rucio_attachments`` amounts to.

    Its form is a list of ``{"did", "type", "variableName"}``; anything else in it becomes a fault. What is attached
    is a variable, too.
    """
    if not isinstance(value, list):
        return Declaration()
    entries = []
    for item in value[:MAX_REQUIREMENTS]:
        fields = item if isinstance(item, Mapping) else {}
        entries.append({"did": fields.get("did"), "handle": fields.get("variableName"), "bind": True})
    return Declaration(_parse_entries(entries, NO_PARAMETERS))


def check_handle(handle: str) -> str:
    """``handle`` if it can name data in code.

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
    """A handle made from a DID's name that is not among ``taken``."""
    words = re.sub(r"\W+", "_", did.name.rsplit("/", 1)[-1].partition(".root")[0], flags=re.ASCII).strip("_").lower()
    stem = words[:40].strip("_") or "data"
    if not stem.isidentifier() or keyword.iskeyword(stem):
        stem = f"data_{stem}"
    used = set(taken)
    candidates = (stem if number == 1 else f"{stem}_{number}" for number in range(1, len(used) + 2))
    return next(candidate for candidate in candidates if candidate not in used)


def _parse_entries(
    entries: Iterable[object], parameters: Mapping[str, object]
) -> tuple[Requirement | DeclarationFault, ...]:
    parsed: list[Requirement | DeclarationFault] = []
    handles: set[str] = set()
    for number, raw in enumerate(entries, 1):
        try:
            requirement = Requirement.parse(raw, parameters)
            if requirement.handle in handles:
                raise BadDeclaration(
                    f"another requirement has the handle '{requirement.handle}'",
                    hint="Give one of them another handle.",
                )
        except (BadDeclaration, BadDid) as error:
            parsed.append(DeclarationFault(raw, _fault(number, error)))
        else:
            handles.add(requirement.handle)
            parsed.append(requirement)
    return tuple(parsed)


def _in_variant(
    entry: Requirement | DeclarationFault, name: str, chosen: Mapping[object, object]
) -> Requirement | DeclarationFault:
    if isinstance(entry, DeclarationFault) or entry.handle not in chosen:
        return entry
    value = chosen[entry.handle]
    select = None if value == {} else Selection.parse(value)
    return entry if select == entry.select else entry._replace(select=select, variant=name)


def _fault(number: int, error: BadDeclaration | BadDid) -> BadDeclaration:
    reason = error.message.rstrip(".")
    kind = ParameterNeeded if isinstance(error, ParameterNeeded) else BadDeclaration
    words = f"Requirement {number} of the notebook is invalid: {reason}."
    return kind(words, subject=error.subject, hint=error.hint or _CORRECT)


def _parse_lock(lock: Mapping[str, object]) -> tuple[dict[str, LockEntry], dict[str, object]]:
    good: dict[str, LockEntry] = {}
    bad: dict[str, object] = {}
    for handle, raw in lock.items():
        try:
            good[str(handle)] = LockEntry.parse(raw)
        except BadDeclaration:
            bad[str(handle)] = raw
    return good, bad


def _refuse(reason: str, hint: str = _REMOVE) -> NoReturn:
    raise BadDeclaration(f"The notebook's nbrucio metadata cannot be read: {reason}.", hint=hint)


def already_declared(present: Requirement) -> BadDeclaration:
    """The error for a DID that is to be declared again beside ``present``."""
    return BadDeclaration(
        f"{present.did} is already declared, as '{present.handle}'.",
        subject=str(present.did),
        hint=f"Use the handle '{present.handle}' in code.",
    )
