"""Kernels learn of each file as soon as it is in the store: a line for it is appended to a file beside the manifest.

A manifest of 100,000 files is too large to be written again for each of them. A line is an object with the keys
``run``, ``handle`` and ``file``, the last as in the manifest; it counts only while the manifest names that run. The
manifest that a sync writes at its end lists all files, so no line is needed after it, and a line that could not be
written delays its file until then.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.lock_errors import other_bytes
from nbrucio.core.plan import FileKey, ResolvedRequirement
from nbrucio.core.report import NotebookReport
from nbrucio.disk.atomic import write_file
from nbrucio.disk.read import read_json
from nbrucio.kernel import where
from nbrucio.kernel.arrivals import FIRST_SUFFIX
from nbrucio.pipeline.manifest import ManifestFile, encoded, row_of
from nbrucio.pipeline.manifest_files import arrivals_path, path_for
from nbrucio.pipeline.notebooks import DeclaringNotebook
from nbrucio.pipeline.publish import publish

if TYPE_CHECKING:
    from nbrucio.store import Stored
    from nbrucio.transfer.types import Task


#: Of the file by which a kernel asks for files; it has one handle.
_MAX_BYTES = 1 << 16


class _Owner(NamedTuple):
    """A requirement that waits for files, and the path of the lines for its notebook's kernels."""

    path: Path
    resolved: ResolvedRequirement


class Arrivals:
    """The news for kernels while a run downloads. `add` is thread-safe; no error of writing a line ends the run.

    A context manager: when an exception ends the run, waiting kernels are told that there will be no more.

    Args:
        runtime: the folder for the manifests; None means this user's runtime folder.
    """

    def __init__(self, runtime: Path | None = None) -> None:
        self._runtime = runtime
        self._environ = os.environ if runtime is None else {where.RUNTIME_VARIABLE: str(runtime)}
        self._run = uuid.uuid4().hex[:12]
        self._guard = threading.Lock()
        self._owners: dict[str, dict[Did, list[_Owner]]] | None = None
        self._broken: set[Path] = set()
        self._asked: dict[Path, tuple[int, int]] = {}
        self._requirements: dict[Path, Sequence[ResolvedRequirement]] = {}
        self._reports: Sequence[NotebookReport] = ()

    def publish(self, reports: Sequence[NotebookReport], notebooks: Iterable[DeclaringNotebook]) -> None:
        """Publish that files are missing in ``reports``, those of ``notebooks``, and are being downloaded."""
        with self._guard:
            if self._owners is None:
                self._owners = defaultdict(dict)
                for notebook in notebooks:
                    if notebook.requirements:
                        self._begin(notebook)
        publish(reports, syncing=True, runtime=self._runtime, arrivals=self._run)
        self._reports = reports

    def finish(self, reports: Iterable[NotebookReport]) -> list[NotebookReport]:
        """Publish the final ``reports``; return what `publish` in `nbrucio.pipeline.publish` returns."""
        self._reports = ()
        return publish(reports, runtime=self._runtime)

    def add(self, files: Iterable[tuple[Task, Stored]]) -> None:
        """Append the lines of files that are in the store now, if `publish` was called."""
        lines: dict[Path, list[bytes]] = defaultdict(list)
        with self._guard:
            for task, stored in files:
                for owner in (self._owners or {}).get(task.instance, {}).get(task.entry.did, ()):
                    if other_bytes(owner.resolved, task.entry, stored.sha256) is None:
                        lines[owner.path].append(self._line(owner, task, stored))
            for path in lines.keys() - self._broken:
                self._append(path, b"".join(lines[path]))

    def preferred(self) -> Collection[FileKey] | None:
        """Return the files that code in a kernel has asked for since the last call; None if it asked for none."""
        asked: set[FileKey] = set()
        for manifest, requirements in tuple(self._requirements.items()):
            path = manifest.with_suffix(FIRST_SUFFIX)
            try:
                found = path.stat()
                stamp = (found.st_ino, found.st_mtime_ns)
                if self._asked.get(path) == stamp:
                    continue
                self._asked[path] = stamp
                handles = read_json(path, _MAX_BYTES).get("handles")
            except (OSError, ValueError, AttributeError):
                continue
            for resolved in requirements:
                if isinstance(handles, list) and resolved.requirement.handle in handles:
                    asked.update((resolved.instance, entry.did) for entry in resolved.files)
        return asked or None

    def __enter__(self) -> Arrivals:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            publish(self._reports, runtime=self._runtime, arrivals=self._run)

    def _begin(self, notebook: DeclaringNotebook) -> None:
        assert self._owners is not None
        manifest = path_for(notebook.path, self._environ)
        path = arrivals_path(manifest)
        try:
            where.make_private(path.parent)
            write_file(path, b"")
        except OSError:
            return
        self._requirements[manifest] = notebook.requirements
        for resolved in notebook.requirements:
            owner, files = _Owner(path, resolved), self._owners[resolved.instance]
            alone = [owner]  # one list for all files that only this requirement has
            for entry in resolved.files:
                others = files.get(entry.did)
                files[entry.did] = alone if others is None else [*others, owner]

    def _line(self, owner: _Owner, task: Task, stored: Stored) -> bytes:
        file = ManifestFile(
            did=str(task.entry.did),
            path=stored.where,
            bytes=task.entry.size_bytes,
            checksum=task.entry.checksum,
            stat=(*stored.stat[:2], None),
        )
        handle = owner.resolved.requirement.handle
        return encoded({"run": self._run, "handle": handle, "file": row_of(file)}) + b"\n"

    def _append(self, path: Path, lines: bytes) -> None:
        try:
            # Not kept open: a run may have more notebooks than a process may have open files.
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                complete = os.write(descriptor, lines) == len(lines)
            finally:
                os.close(descriptor)
        except OSError:
            complete = False
        if not complete:
            self._broken.add(path)
