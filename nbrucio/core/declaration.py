"""The declaration of the data that a notebook needs, in ``notebook.metadata.nbrucio``.

An invalid requirement does not affect the others, and unknown or invalid parts are written back unchanged. A
declaration names data; it never contains hosts, paths, code or credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from nbrucio.core.lockentry import LockEntry
from nbrucio.core.requirement import NO_PARAMETERS, Requirement, already_declared, handle_of
from nbrucio.core.selection import Selection
from nbrucio.core.text import printable
from nbrucio.core.whole import whole_number
from nbrucio.errors import BadDeclaration, BadDid, ParameterNeeded

VERSION = 1
MAX_REQUIREMENTS = 10_000
_CORRECT = "Correct or remove this requirement under the key 'nbrucio' in the notebook's metadata."
_ATTACHMENT = "Correct or remove this entry of 'rucio_attachments' in the notebook's metadata."
_REMOVE = "Correct or remove the key 'nbrucio' in the notebook's metadata."
_VARIANTS = "Correct 'variants' under the key 'nbrucio' in the notebook's metadata."
_FEWER = "Declare a container or dataset in place of its parts, or use another notebook."
_UPDATE = "Update nbrucio, or ask whoever runs this Jupyter to do so."


class DeclarationFault(NamedTuple):
    """An invalid entry of ``requirements``, unchanged, with its error."""

    raw: object
    error: BadDeclaration


class Declaration(NamedTuple):
    """The requirements of one notebook, and the lock beside them.

    Attributes:
        entries: valid and invalid requirements, in order.
        lock: by handle.
        extra: unknown top-level keys, which are preserved.
        bad_lock: invalid lock entries by handle, which are preserved until their handle is locked again.
    """

    entries: tuple[Requirement | DeclarationFault, ...] = ()
    lock: Mapping[str, LockEntry] = MappingProxyType({})
    extra: Mapping[str, object] = MappingProxyType({})
    bad_lock: Mapping[str, object] = MappingProxyType({})

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """Return the valid entries."""
        return tuple(entry for entry in self.entries if isinstance(entry, Requirement))

    @property
    def faults(self) -> tuple[DeclarationFault, ...]:
        """Return the invalid entries."""
        return tuple(entry for entry in self.entries if isinstance(entry, DeclarationFault))

    @property
    def variants(self) -> Mapping[str, object]:
        """Return the variants by name: by handle, the selections that replace those of the requirements.

        Raises:
            BadDeclaration: ``variants`` is not an object.
        """
        variants = self.extra.get("variants")
        if isinstance(variants, Mapping):
            return variants
        if variants is None:
            return {}
        raise BadDeclaration("The notebook's 'variants' must be an object.", hint=_VARIANTS)

    @classmethod
    def parse(cls, value: object, parameters: Mapping[str, object] = NO_PARAMETERS) -> Declaration:
        """Parse the value of ``nbrucio`` in a notebook's metadata; None means an empty declaration.

        Args:
            parameters: the notebook's parameter values, for requirements that take their DID from one.

        Raises:
            BadDeclaration: the value as a whole cannot be read (not an object, a newer version, too many entries).
        """
        if value is None:
            return cls()
        if not isinstance(value, Mapping):
            _refuse("it must be an object")
        version = whole_number(value.get("version", VERSION))
        if version is None or version < 1:
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
        """Return the metadata value from which `parse` makes this declaration."""
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
        """Return the requirement with this handle or DID."""
        return next((r for r in self.requirements if handle_or_did in (r.handle, str(r.did))), None)

    def with_requirement(self, requirement: Requirement) -> Declaration:
        """Return the declaration with ``requirement`` added at its end.

        Raises:
            BadDeclaration: its handle is taken, the same DID of the same instance is declared already, or the result
                would be too long to be read again.
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
        if len(self.entries) >= MAX_REQUIREMENTS:
            raise BadDeclaration(
                f"{requirement.did} was not added: a notebook can declare at most {MAX_REQUIREMENTS:,} requirements.",
                subject=str(requirement.did),
                hint=_FEWER,
            )
        return self._replace(entries=(*self.entries, requirement))

    def without(self, handle: str) -> Declaration:
        """Return the declaration without the requirement of this handle and its lock entry."""
        return self._replace(
            entries=tuple(e for e in self.entries if not (isinstance(e, Requirement) and e.handle == handle)),
            lock={key: kept for key, kept in self.lock.items() if handle_of(key) != handle},
            bad_lock={key: kept for key, kept in self.bad_lock.items() if handle_of(key) != handle},
        )

    def with_lock(self, key: str, entry: LockEntry) -> Declaration:
        """Return the declaration with ``entry`` as the lock of the requirement with this `Requirement.lock_key`."""
        return self._replace(lock={**self.lock, key: entry})

    def in_variant(self, name: str | None) -> Declaration:
        """Return the declaration with the selections of its variant ``name``; itself for None.

        The selection ``{}`` means all files. Handles without a selection in the variant are unchanged.

        Raises:
            BadDeclaration: the variant does not exist or is malformed.
        """
        if name is None:
            return self
        known = self.variants
        chosen = known.get(name)
        if name not in known:
            declared = f"Declared variants: {', '.join(map(str, known))}."
            raise BadDeclaration(
                f"The variant {printable(name, 40)} is not declared in the notebook.",
                subject=name,
                hint=declared if known else "The notebook does not declare variants.",
            )
        if not isinstance(chosen, Mapping):
            raise BadDeclaration(f"The variant {printable(name, 40)} must be an object.", subject=name, hint=_VARIANTS)
        selections = {str(handle): None if each == {} else Selection.parse(each) for handle, each in chosen.items()}
        unknown = [handle for handle in selections if self.get(handle) is None]
        if unknown:
            raise BadDeclaration(
                f"The variant '{name}' selects files of '{unknown[0]}', which is not declared.",
                subject=unknown[0],
                hint=f"Declare '{unknown[0]}', or remove it from the variant.",
            )
        return self._replace(entries=tuple(_in_variant(entry, name, selections) for entry in self.entries))


def from_attachments(value: object) -> Declaration:
    """Return the declaration of rucio-jupyterlab's ``rucio_attachments``, a list of ``{"did", "type",
    "variableName"}``. Anything else in it becomes an invalid requirement. Attached data is also a variable.

    Raises:
        BadDeclaration: there are too many.
    """
    if not isinstance(value, list):
        return Declaration()
    if len(value) > MAX_REQUIREMENTS:
        raise BadDeclaration(
            f"The notebook has {len(value):,} attachments of rucio-jupyterlab, and at most {MAX_REQUIREMENTS:,} are "
            "read.",
            hint=_FEWER,
        )
    entries = []
    for item in value:
        fields = item if isinstance(item, Mapping) else {}
        entries.append({"did": fields.get("did"), "handle": fields.get("variableName"), "bind": True})
    return Declaration(_parse_entries(entries, NO_PARAMETERS, _ATTACHMENT))


def _parse_entries(
    entries: Iterable[object], parameters: Mapping[str, object], correct: str = _CORRECT
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
            parsed.append(DeclarationFault(raw, _fault(number, error, correct)))
        else:
            handles.add(requirement.handle)
            parsed.append(requirement)
    return tuple(parsed)


def _in_variant(
    entry: Requirement | DeclarationFault, name: str, selections: Mapping[str, Selection | None]
) -> Requirement | DeclarationFault:
    if isinstance(entry, DeclarationFault) or entry.handle not in selections:
        return entry
    select = selections[entry.handle]
    return entry if select == entry.select else entry._replace(select=select, variant=name)


def _fault(number: int, error: BadDeclaration | BadDid, correct: str) -> BadDeclaration:
    reason = error.message.rstrip(".")
    kind = ParameterNeeded if isinstance(error, ParameterNeeded) else BadDeclaration
    words = f"Requirement {number} of the notebook is invalid: {reason}."
    return kind(words, subject=error.subject, hint=error.hint or correct)


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
