"""Updates the pointers of this server's kernels: a kernel belongs to a session, and a session to a notebook.

JupyterLab starts a session under a random path and names its notebook in the next request; a notebook that is renamed
or moved keeps its session; a session may take another kernel, and a kernel have several sessions. So after each change
of a session, all sessions are checked and all pointers updated.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from logging import Logger
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from jupyter_core.utils import ensure_async

from nbrucio.kernel import where
from nbrucio.launch import pointers

#: A request for a session waits so long for the pointer of its kernel, and no longer for a file system that hangs.
_PATIENCE_S = 1.0


class Said(NamedTuple):
    """A session's information about the notebook of its kernel."""

    session: str
    path: str


class NotebookPlace(NamedTuple):
    """The place of a kernel's notebook.

    Attributes:
        said: the session, and the path that it reported.
        path: that path, or a later one after the contents manager moved it; both are paths of the contents API.
    """

    said: Said
    path: str

    def moved(self, old: str, new: str) -> NotebookPlace:
        """Return this place after ``old``, the notebook or a folder above it, was renamed to ``new``."""
        return self._replace(path=moved(self.path, old, new))


def moved(path: str, old: str, new: str) -> str:
    """Return the API path ``path`` after ``old``, the same or a folder above it, was renamed to ``new``."""
    return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path


def notebooks_of(sessions: Iterable[Mapping[str, Any]]) -> dict[str, list[Said]]:
    """Return by kernel the notebooks that its sessions report, in order. Consoles report none."""
    found: dict[str, list[Said]] = {}
    for session in sessions:
        if session["type"] == "notebook" and isinstance(session["path"], str):
            said = Said(session["id"], session["path"].strip("/"))
            found.setdefault(session["kernel"]["id"], []).append(said)
    return found


def chosen(said: Sequence[Said], before: NotebookPlace | None) -> Said | None:
    """Return the notebook of a kernel: that of its present session while it exists, so that its cells still find their
    data. A kernel of several notebooks therefore belongs to the first.
    """
    same = (one for one in said if before is not None and one.session == before.said.session)
    return next(same, said[0] if said else None)


class Kernels:
    """The kernels of one server.

    Args:
        serverapp: the server, whose managers are watched.
        file_of: returns the file at a path of the contents API; None without one.
        began: called from a thread, with a notebook's path and file, when a kernel gets that notebook.
        log: the log for errors, which never stop a kernel or a session.
    """

    def __init__(
        self,
        serverapp: Any,  # noqa: ANN401 - Jupyter says "or None"
        file_of: Callable[[str], Path | None],
        began: Callable[[str, Path], object],
        log: Logger,
    ) -> None:
        self._sessions = serverapp.session_manager
        self._kernels = serverapp.kernel_manager
        self._file_of = file_of
        self._began = began
        self.log = log
        self._places: dict[str, NotebookPlace] = {}
        self._lock = Lock()
        self._turn = asyncio.Lock()
        # A server that was started in a kernel has the pointer of that one, which is none of its own kernels'.
        os.environ.pop(where.MANIFEST_VARIABLE, None)
        try:
            pointers.sweep()
        except OSError as error:
            log.debug("nbrucio: old pointers of kernels were not removed: %s", error)
        # Kernels at a gateway are not started here, and could not read our files.
        if hasattr(self._kernels, "pre_start_kernel"):
            self._kernels.pre_start_kernel = self._with_pointer(self._kernels.pre_start_kernel)
            self._kernels.remove_kernel = self._without_pointer(self._kernels.remove_kernel)
        for name in ("create_session", "update_session", "delete_session"):
            setattr(self._sessions, name, self._then_settled(getattr(self._sessions, name)))

    def moved(self, old: str, new: str) -> None:
        """Record that the contents manager renamed ``old``, a file or a folder, to ``new``."""
        with self._lock:
            changed = {kernel: place.moved(old, new) for kernel, place in self._places.items()}
            changed = {kernel: place for kernel, place in changed.items() if place != self._places[kernel]}
            self._places.update(changed)
        for kernel, place in changed.items():
            self._lead(kernel, place)

    def _with_pointer(self, pre_start_kernel: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(pre_start_kernel)
        def prepared(kernel_name: str | None, kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - Jupyter's signature
            made = pre_start_kernel(kernel_name, kwargs)
            try:
                pointer = _pointer_of(made[0])
                pointers.begin(pointer)
                kwargs["env"] = {**(kwargs.get("env") or os.environ), where.MANIFEST_VARIABLE: str(pointer)}
            except Exception:  # the kernel must start whatever happens here
                self.log.exception("nbrucio: cannot give a kernel the location of its data")
            return made

        return prepared

    def _without_pointer(self, remove_kernel: Callable[[str], Any]) -> Callable[[str], Any]:
        @functools.wraps(remove_kernel)
        def removed(kernel_id: str) -> Any:  # noqa: ANN401 - Jupyter's signature
            kernel = remove_kernel(kernel_id)
            with self._lock:
                self._places.pop(kernel_id, None)
            try:
                if kernel is not None:
                    pointers.end(_pointer_of(kernel))
            except Exception:  # the kernel has ended, whatever happens here
                self.log.exception("nbrucio: cannot remove the pointer of kernel %s", kernel_id)
            return kernel

        return removed

    def _then_settled(self, change: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(change)
        async def changed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Jupyter's signature
            answer = await ensure_async(change(*args, **kwargs))
            try:
                await self._settle()
            except Exception:  # the session is what was asked for
                self.log.exception("nbrucio: cannot connect the kernels of a session with its notebook")
            return answer

        return changed

    async def _settle(self) -> None:
        """Update all pointers to the present sessions."""
        settled = asyncio.ensure_future(self._settle_in_turn())
        settled.add_done_callback(self._say_fault)
        await asyncio.wait({settled}, timeout=_PATIENCE_S)

    async def _settle_in_turn(self) -> None:
        async with self._turn:  # so that the last update wins
            sessions = await ensure_async(self._sessions.list_sessions())
            # A separate thread: the shared ones may all be busy.
            await asyncio.to_thread(self._assign, sessions)

    def _say_fault(self, settled: asyncio.Future[None]) -> None:
        if not settled.cancelled() and settled.exception() is not None:
            self.log.error("nbrucio: cannot connect kernels with their notebooks", exc_info=settled.exception())

    def _assign(self, sessions: Iterable[Mapping[str, Any]]) -> None:
        for kernel, every in notebooks_of(sessions).items():
            # JupyterLab's first path is a random one, which no notebook has.
            said = [one for one in every if self._is_notebook(one.path) or self._is_known(kernel, one)]
            with self._lock:
                before = self._places.get(kernel)
                now = chosen(said, before)
                if now is None or (before is not None and before.said == now):
                    continue
                place = self._places[kernel] = NotebookPlace(now, now.path)
            self._lead(kernel, place)
            file = self._file_of(place.path)
            if file is not None and (before is None or before.path != place.path):
                self._began(place.path, file)

    def _is_notebook(self, path: str) -> bool:
        file = self._file_of(path)
        return file is not None and file.is_file()

    def _is_known(self, kernel: str, said: Said) -> bool:
        """Whether the session reported this before; its notebook may have been moved since."""
        with self._lock:
            return kernel in self._places and self._places[kernel].said == said

    def _lead(self, kernel: str, place: NotebookPlace) -> None:
        file = self._file_of(place.path)
        try:
            pointer = _pointer_of(self._kernels.get_kernel(kernel))
            # There is no pointer if something else started the kernel, or if the pointer could not be written.
            if file is not None and os.path.lexists(pointer):
                pointers.lead(pointer, file)
        except (KeyError, OSError) as error:
            self.log.warning("nbrucio: cannot give the kernel of %s the location of its data: %s", place.path, error)


def _pointer_of(manager: Any) -> Path:  # noqa: ANN401 - any kernel manager
    # By the connection file, which a kernel keeps when another server takes it over under an id of its own.
    return pointers.pointer_for(Path(manager.connection_file).stem)
