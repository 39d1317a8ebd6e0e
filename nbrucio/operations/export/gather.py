"""What an export is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.core.declaration import Declaration, Requirement
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.text import printable
from nbrucio.errors import BadDeclaration
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.resolve import ResolveOptions

_DOI_PLACES = ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "http://dx.doi.org/", "doi:")


@dataclass(frozen=True)
class Cited:
    """A requirement that carries a DOI (``10.…``)."""

    requirement: Requirement
    doi: str


def usable(path: Path) -> Declared:
    """What the notebook at ``path`` declares.

    Raises:
        BadNotebook, BadDeclaration: it cannot be read, or a requirement in it cannot be used.
    """
    declared = read_declared(path)
    for fault in declared.declaration.faults:
        raise fault.error
    return declared


def cited(declaration: Declaration) -> Iterator[Cited]:
    """The requirements that carry a DOI under ``doi``, bare or as a URL.

    Raises:
        BadDeclaration: a ``doi`` is none.
    """
    for requirement in declaration.requirements:
        value = requirement.extra.get("doi")
        if value is None:
            continue
        doi = bare_doi(value) if isinstance(value, str) else None
        if doi is None:
            raise BadDeclaration(
                f"The doi of '{requirement.handle}', {printable(str(value), 60)}, is none.",
                subject=requirement.handle,
                hint="Write it as 10.1234/abc.",
            )
        yield Cited(requirement, doi)


def bare_doi(text: str) -> str | None:
    """``10.1234/abc`` of a DOI however it is written; None when it is none."""
    bare = next((text[len(place) :] for place in _DOI_PLACES if text.lower().startswith(place)), text).strip()
    prefix, slash, suffix = bare.partition("/")
    is_doi = prefix.startswith("10.") and prefix[3:].replace(".", "").isdigit() and slash and suffix
    return bare if is_doi and bare.isprintable() and " " not in bare else None


def resolved(declared: Declared, run: RunContext, *, offline: bool) -> tuple[ResolvedRequirement, ...]:
    """The requirements with their files, by the lock where it lists them.

    Raises:
        NbrucioError: one of them cannot be resolved.
    """
    targets = run.resolver().resolve(declared, ResolveOptions(offline=offline or run.config.policy.offline))
    for target in targets:
        if target.error is not None:
            raise target.error
    return targets


def with_replicas(
    targets: Sequence[ResolvedRequirement], run: RunContext
) -> Iterator[tuple[FileEntry, tuple[Replica, ...]]]:
    """Each file of ``targets`` once, with its replicas on disk, best first.

    Raises:
        NbrucioError: an instance cannot be asked.
    """
    wanted: dict[str, dict[Did, FileEntry]] = {}
    for target in targets:
        wanted.setdefault(target.instance, {}).update((entry.did, entry) for entry in target.files)
    for instance, entries in wanted.items():
        found = dict(run.catalogue(instance).replicas(list(entries))) if entries else {}
        for did, entry in entries.items():
            yield entry, tuple(replica for replica in found.get(did, ()) if not replica.tape)
