"""Collects the content of an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.core.declaration import Declaration
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement
from nbrucio.core.text import printable
from nbrucio.errors import BadDeclaration
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.resolve import ResolveOptions

_DOI_PLACES = ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "http://dx.doi.org/", "doi:")


@dataclass(frozen=True)
class Cited:
    """A requirement with a DOI (``10.…``)."""

    requirement: Requirement
    doi: str


def usable(path: Path) -> Declared:
    """Return the declaration of the notebook at ``path``.

    Raises:
        BadNotebook, BadDeclaration: the notebook cannot be read, or one of its requirements is invalid.
    """
    declared = read_declared(path)
    for invalid in declared.declaration.faults:
        raise invalid.error
    return declared


def cited(declaration: Declaration) -> Iterator[Cited]:
    """Yield the requirements with a DOI under ``doi``, bare or as a URL.

    Raises:
        BadDeclaration: a ``doi`` is not a DOI.
    """
    for requirement in declaration.requirements:
        value = requirement.extra.get("doi")
        if value is None:
            continue
        doi = bare_doi(value) if isinstance(value, str) else None
        if doi is None:
            raise BadDeclaration(
                f"The doi of '{requirement.handle}', {printable(str(value), 60)}, is not a valid DOI.",
                subject=requirement.handle,
                hint="Write it as 10.1234/abc.",
            )
        yield Cited(requirement, doi)


def bare_doi(text: str) -> str | None:
    """Return a DOI in any spelling as ``10.1234/abc``; None for anything else."""
    bare = next((text[len(place) :] for place in _DOI_PLACES if text.lower().startswith(place)), text).strip()
    prefix, slash, suffix = bare.partition("/")
    is_doi = prefix.startswith("10.") and prefix[3:].replace(".", "").isdigit() and slash and suffix
    return bare if is_doi and bare.isprintable() and " " not in bare else None


def resolved(declared: Declared, run: RunContext, *, offline: bool) -> tuple[ResolvedRequirement, ...]:
    """Return the requirements with their files, from the lock where it lists them.

    Raises:
        NbrucioError: a requirement cannot be resolved.
    """
    requirements = run.resolver().resolve(declared, ResolveOptions(offline=offline or run.config.policy.offline))
    for one in requirements:
        if one.error is not None:
            raise one.error
    return requirements


def with_replicas(
    requirements: Sequence[ResolvedRequirement], run: RunContext
) -> Iterator[tuple[FileEntry, tuple[Replica, ...]]]:
    """Yield each file of ``requirements`` once, with its disk replicas in order of preference.

    Raises:
        NbrucioError: an instance cannot be asked.
    """
    wanted: dict[str, dict[Did, FileEntry]] = {}
    for one in requirements:
        wanted.setdefault(one.instance, {}).update((entry.did, entry) for entry in one.files)
    for instance, entries in wanted.items():
        found = dict(run.catalogue(instance).replicas(list(entries))) if entries else {}
        for did, entry in entries.items():
            yield entry, tuple(replica for replica in found.get(did, ()) if not replica.tape)
