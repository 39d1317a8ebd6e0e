"""Result of a sync or a status, for the command line, the server, runners and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.distinct import distinct
from nbrucio.core.files import FileEntry, Replica, total_bytes
from nbrucio.core.named import named, of_handle
from nbrucio.core.plan import Access, Amount, RequirementPlan, ResolvedRequirement
from nbrucio.core.totals import RequirementTotals
from nbrucio.errors import NbrucioError, envelope, exit_code_for
from nbrucio.kernel.asked import Asked


@distinct
class FileReport(NamedTuple):
    """Result for one file.

    Attributes:
        entry: the file.
        access: how code gets it.
        where: its path as text; None when it has none.
        pfn: the URL of a streamed file; None otherwise.
        error: why it is missing.
        stat: size, modification time in ns and inode of a file in the store when it was verified; else None.
        unverified: whether it has no checksum.
        replicas: its known replicas on disk, best first, without URLs that hold credentials.
    """

    entry: FileEntry
    access: Access
    where: str | None = None
    pfn: str | None = None
    error: NbrucioError | None = None
    stat: tuple[int, int, int] | None = None
    unverified: bool = False
    replicas: tuple[Replica, ...] = ()

    @property
    def did(self) -> Did:
        """Its DID."""
        return self.entry.did

    @property
    def path(self) -> Path | None:
        """Its path; None when it has none."""
        return None if self.where is None else Path(self.where)

    @property
    def usable(self) -> bool:
        """Whether code can open it now."""
        return self.where is not None or self.pfn is not None

    def as_json(self) -> dict[str, object]:
        """Return this file as a JSON-ready mapping; sizes in bytes."""
        return {
            "did": str(self.entry.did),
            "bytes": self.entry.size_bytes,
            "checksum": self.entry.checksum,
            "access": self.access.value,
            "path": self.where,
            "pfn": self.pfn,
            "unverified": self.usable and self.unverified,
            "error": self.error.as_json() if self.error else None,
        }


@distinct
class RequirementReport(NamedTuple):
    """Result for one requirement.

    Attributes:
        resolved: the requirement, resolved.
        files: one per file, in order.
        folder: the folder of links to its files; None unless all have a path.
        ca: file or folder of the CAs for the storage of its streamed files; None for those of the machine.
        token: where to read the token for that storage, ``{"variable": NAME}`` or ``{"file": PATH}``; None without one.
    """

    resolved: ResolvedRequirement
    files: tuple[FileReport, ...]
    folder: Path | None = None
    ca: str | None = None
    token: Mapping[str, str] | None = None

    @classmethod
    def of(cls, plan: RequirementPlan) -> RequirementReport:
        """Return the result before any download."""
        unverified = plan.resolved.unverified
        files = tuple(
            FileReport(file.entry, file.access, file.where, file.pfn, file.error, file.stat, unverified(file.entry))
            for file in plan.files
        )
        return cls(plan.resolved, files)

    @property
    def handle(self) -> str:
        """Its handle."""
        return self.resolved.requirement.handle

    @property
    def did(self) -> Did:
        """Its DID."""
        return self.resolved.requirement.did

    @property
    def state(self) -> str:
        """``ready``, ``partial``, ``missing`` (no file is available) or ``failed`` (not resolved).

        ``partial``: some files are available, or in the store and must be read again.
        """
        if self.resolved.error is not None:
            return "failed"
        here = len(self.here)
        if here == len(self.files):
            return "ready"
        return "partial" if here or self.reread.files else "missing"

    @property
    def size_bytes(self) -> int | None:
        """Bytes of all its files; None when the size of one is unknown."""
        return total_bytes(file.entry.size_bytes for file in self.files)

    @property
    def here(self) -> tuple[FileReport, ...]:
        """The files that can be opened now."""
        return tuple(file for file in self.files if file.usable)

    @property
    def here_bytes(self) -> int | None:
        """Bytes of the files that can be opened now; None when the size of one is unknown."""
        return total_bytes(file.entry.size_bytes for file in self.here)

    @property
    def missing_bytes(self) -> int:
        """Bytes that a sync would download, by Rucio's sizes."""
        gone = (file for file in self.files if not file.usable and file.access not in (Access.REREAD, Access.STREAM))
        return sum(file.entry.size_bytes or 0 for file in gone)

    @property
    def reread(self) -> Amount:
        """The stored files that must be read again before use."""
        return Amount.of([file.entry.size_bytes for file in self.files if file.access is Access.REREAD])

    @property
    def unverified_files(self) -> int:
        """Number of files that can be opened now and have no checksum."""
        return sum(file.usable and file.unverified for file in self.files)

    def row(self) -> RequirementTotals:
        """Its totals."""
        return RequirementTotals(
            self.state,
            self.resolved.requirement.handle,
            str(self.resolved.requirement.did),
            len(self.files),
            self.size_bytes,
            len(self.here),
            self.here_bytes,
            self.resolved.drift,
            *self.reread,
            self.unverified_files,
        )

    def errors(self) -> Iterator[NbrucioError]:
        """Yield the errors of the requirement, each once, with its handle in the suggestions."""
        # By identity: many files may have one error.
        found = {id(file.error): file.error for file in self.files if file.error is not None}
        own = () if self.resolved.error is None else (self.resolved.error,)
        yield from of_handle((*own, *found.values()), self.handle)

    def as_json(self, *, with_files: bool = True) -> dict[str, object]:
        """Return this requirement as a JSON-ready mapping; sizes in bytes."""
        requirement, lock, reread = self.resolved.requirement, self.resolved.lock, self.reread
        unchecked = self.resolved.unchecked
        return {
            "handle": requirement.handle,
            "did": str(requirement.did),
            "instance": self.resolved.instance or requirement.instance,
            "state": self.state,
            "type": lock.type.value if lock else None,
            "open": lock.open if lock else None,
            "digest": lock.digest if lock else None,
            "drift": self.resolved.drift,
            "bytes": self.size_bytes,
            "here_files": len(self.here),
            "here_bytes": self.here_bytes,
            "reread_files": reread.files,
            "reread_bytes": reread.size_bytes,
            "unverified_files": self.unverified_files,
            "folder": str(self.folder) if self.folder else None,
            "files_total": len(self.files),
            **({"files": [file.as_json() for file in self.files]} if with_files else {}),
            "errors": [error.as_json() for error in self.errors()],
            "unchecked": unchecked.as_json() if unchecked else None,
        }


@distinct
class NotebookReport(NamedTuple):
    """Result for one notebook.

    Attributes:
        path: the notebook.
        requirements: one per valid requirement, in order.
        faults: errors of invalid requirements, or the reason why the notebook is unreadable.
        manifest: the path of the kernels' manifest; None if none was written.
        asked: the notebook's requests for its kernels; None if the notebook is unreadable.
        invalid: the errors of invalid requirements by their number in the declaration, from 1; also in `faults`.
        config: digests of the configuration files by which instances were chosen, see `nbrucio.kernel.configured`.
    """

    path: Path
    requirements: tuple[RequirementReport, ...] = ()
    faults: tuple[NbrucioError, ...] = ()
    manifest: Path | None = None
    asked: Asked | None = None
    invalid: Mapping[int, NbrucioError] = MappingProxyType({})
    config: Mapping[str, str | None] = MappingProxyType({})

    def as_json(self) -> dict[str, object]:
        """Return this notebook as a JSON-ready mapping."""
        return {
            "notebook": str(self.path),
            "manifest": str(self.manifest) if self.manifest else None,
            "requirements": [requirement.as_json() for requirement in self.requirements],
            "faults": [fault.as_json() for fault in self.faults],
        }

    def errors(self) -> Iterator[NbrucioError]:
        """Yield every error of this notebook, with its name in the suggestions, in the order of its requirements."""
        yield from named(self.faults, self.path)
        for requirement in self.requirements:
            yield from named(requirement.errors(), self.path)


@distinct
class SyncReport(NamedTuple):
    """Result of a run.

    Attributes:
        notebooks: in the order of the arguments.
        downloaded_files, downloaded_bytes: downloads of this run.
        elapsed_s: wall seconds.
    """

    notebooks: tuple[NotebookReport, ...]
    downloaded_files: int = 0
    downloaded_bytes: int = 0
    elapsed_s: float = 0.0

    def errors(self) -> Iterator[NbrucioError]:
        """Yield every error, in the order of notebooks and requirements."""
        for notebook in self.notebooks:
            yield from notebook.errors()

    @property
    def exit_code(self) -> int:
        """0 when everything is ready, else the code of the most serious error."""
        return exit_code_for(self.errors())

    def as_json(self) -> dict[str, object]:
        """Return the whole run as a JSON-ready mapping."""
        return {
            **envelope(self.errors()),
            "downloaded_files": self.downloaded_files,
            "downloaded_bytes": self.downloaded_bytes,
            "elapsed_s": round(self.elapsed_s, 3),
            "notebooks": [notebook.as_json() for notebook in self.notebooks],
        }


class StatusReport(SyncReport):
    """Result of a status. Missing data is not an error of a status, and its exit code is that of a read notebook."""

    __slots__ = ()

    def errors(self) -> Iterator[NbrucioError]:
        """Yield the errors of notebooks that cannot be read, and of invalid requirements."""
        return (fault for notebook in self.notebooks for fault in named(notebook.faults, notebook.path))
