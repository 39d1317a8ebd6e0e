"""Read the notebooks of a run, and resolve their requirements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.core.declaration import DeclarationFault
from nbrucio.core.events import Noticed
from nbrucio.core.parameter import variant_name
from nbrucio.core.part import Part
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.errors import NbrucioError
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.resolve import ResolveOptions


class DeclaringNotebook(NamedTuple):
    """One notebook of a run.

    Attributes:
        path: its path.
        declared: its declaration; None if it could not be read.
        requirements: its resolved requirements; empty before `resolve`.
        error: the error of reading it.
    """

    path: Path
    declared: Declared | None
    requirements: tuple[ResolvedRequirement, ...] = ()
    error: NbrucioError | None = None

    def invalid(self) -> dict[int, NbrucioError]:
        """Return the errors of invalid requirements by their number in the declaration, from 1."""
        entries = self.declared.declaration.entries if self.declared else ()
        return {number: one.error for number, one in enumerate(entries, 1) if isinstance(one, DeclarationFault)}

    def faults(self) -> tuple[NbrucioError, ...]:
        """Return the errors of the notebook itself, of comparing it with the catalogue, and of invalid requirements."""
        unread = () if self.error is None else (self.error,)
        unchecked = {one.unchecked.message: one.unchecked for one in self.requirements if one.unchecked}
        return (*unread, *unchecked.values(), *self.invalid().values())


def read(paths: Iterable[Path], options: Options) -> list[DeclaringNotebook]:
    """Read the notebooks at ``paths``. The error of an unreadable one is in its `DeclaringNotebook`."""
    return [_read(Path(path), options) for path in paths]  # programs may pass a str


def _read(path: Path, options: Options) -> DeclaringNotebook:
    try:
        declared = read_declared(path, options.parameters)
        variant = options.variant or variant_name(declared.declaration.extra.get("variant"), options.parameters)
        declared = declared._replace(declaration=declared.declaration.in_variant(variant))
    except NbrucioError as error:
        return DeclaringNotebook(path, None, error=error)
    return DeclaringNotebook(path, declared)


def resolve(
    run: RunContext, notebooks: Iterable[DeclaringNotebook], options: Options, *, compact: bool = False
) -> list[DeclaringNotebook]:
    """Return ``notebooks`` with their requirements resolved. Drift from a lock is reported as a notice.

    Args:
        compact: pack long lists.
    """
    resolver, how, default = run.resolver(compact=compact), options.resolving(), run.config.policy.default_access
    resolved = [
        notebook._replace(
            requirements=tuple(one._replace(default_access=default) for one in resolver.resolve(notebook.declared, how))
        )
        if notebook.declared
        else notebook
        for notebook in notebooks
    ]
    for one in requirements_of(resolved):
        if one.drift and one.error is None:
            run.reporter.report(Noticed(f"{one.requirement.did} {one.drift}."))
    return resolved


def in_part(notebooks: list[DeclaringNotebook], part: Part | None) -> list[DeclaringNotebook]:
    """Return the resolved ``notebooks`` with their files of ``part`` only; all files without one."""
    if part is None:
        return notebooks
    parts = part.of([notebook.requirements for notebook in notebooks])
    return [notebook._replace(requirements=mine) for notebook, mine in zip(notebooks, parts, strict=True)]


def with_drift(run: RunContext, notebook: DeclaringNotebook) -> DeclaringNotebook:
    """Return ``notebook`` with the differences between its locks and the catalogue, or why they are unknown."""
    if notebook.declared is None:
        return notebook
    options = ResolveOptions(refresh=True, offline=run.config.policy.offline)
    fresh = run.resolver().resolve(notebook.declared, options)
    compared = zip(notebook.requirements, fresh, strict=True)
    return notebook._replace(
        requirements=tuple(locked._replace(drift=now.drift, unchecked=now.error) for locked, now in compared)
    )


def requirements_of(notebooks: Sequence[DeclaringNotebook]) -> list[ResolvedRequirement]:
    """Return the resolved requirements of all ``notebooks``, in order."""
    return [resolved for notebook in notebooks for resolved in notebook.requirements]
