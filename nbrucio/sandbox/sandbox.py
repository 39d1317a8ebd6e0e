"""Start, stop and describe a sandbox."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.disk.libraries import missing_library
from nbrucio.errors import NbrucioError, Unavailable, UnreadableFile, UsageError
from nbrucio.sandbox.chaos import Chaos
from nbrucio.sandbox.configuration import client_environment, write_configuration
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.rses import ACCOUNT, ADMIN
from nbrucio.sandbox.servers import launch, listen, wait_until_ready
from nbrucio.sandbox.state import State, load_state

if TYPE_CHECKING:
    from rucio.client import Client

_NEEDED = ("rucio.web", "rucio.client", "gunicorn", "wsgidav", "trustme", "uproot", "numpy")
_LOCK_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class SandboxStatus:
    """State of a sandbox at one moment. URLs are None before its first start, ``pids`` empty when nothing runs."""

    root: Path
    running: bool
    seeded: bool
    server_url: str | None
    storage_url: str | None
    pids: tuple[int, ...]
    access_log: Path
    storage_log: Path
    server_log: Path


class Sandbox:
    """A Rucio server with storage under one folder.

    Each root is a separate sandbox; any number can run at the same time. Processes and threads may share one, because
    every change happens under a lock.

    Args:
        root: the folder; None means one in the user's data folder.
        tied: whether the servers end with the process that starts them, even when that is killed.
    """

    def __init__(self, root: Path | None = None, *, tied: bool = False) -> None:
        self._layout = SandboxLayout((default_root() if root is None else root).absolute())
        self._tied = tied

    @property
    def root(self) -> Path:
        return self._layout.root

    @property
    def access_log(self) -> Path:
        """Access log of the Rucio server, one line per request."""
        return self._layout.access_log

    @property
    def storage_log(self) -> Path:
        """Access log of the HTTPS storage, one line per request."""
        return self._layout.storage_log

    def start(self) -> None:
        """Start the servers, and add the initial content on the first start. No-op when they run.

        Raises:
            MissingDependency: a library of the ``sandbox`` extra is missing.
            UsageError: the root is another folder, not a sandbox.
            NbrucioError: a server ended or did not answer; the hint contains the end of its log.
        """
        _require()
        if self._running():
            return
        self._layout.claim()
        with self._locked():
            if not self._running():
                self._start()

    def stop(self) -> None:
        """Stop the servers, whichever process started them. The content stays. No-op when nothing runs."""
        if self._layout.marker.is_file():
            with self._locked():
                self._stop()

    def reset(self) -> None:
        """Stop the servers and delete the content of the root. No-op when the root does not exist.

        Raises:
            UsageError: the root is not a sandbox.
        """
        if not self._layout.root.exists():
            return
        if not self._layout.marker.is_file():
            raise UsageError(
                f"The folder {self.root} is not a sandbox; nothing was deleted.",
                subject=str(self.root),
                hint="Name the folder of a sandbox.",
            )
        with self._locked():
            with suppress(UnreadableFile):  # running servers are unknown then, and lose their files
                self._stop()
            self._wipe()
            # From here on, a process that waits for the lock finds a folder without content, like a new one.
            self._layout.state.unlink(missing_ok=True)

    def status(self) -> SandboxStatus:
        """Return the present state. Asks the system, not the servers."""
        state = load_state(self._layout.state)
        started = state is not None and state.server_port != 0
        return SandboxStatus(
            root=self.root,
            running=state is not None and state.running(),
            seeded=state is not None and state.seeded,
            server_url=state.server_url if state and started else None,
            storage_url=state.storage_url if state and started else None,
            pids=tuple(process.pid for process in state.processes if process.alive()) if state else (),
            access_log=self._layout.access_log,
            storage_log=self._layout.storage_log,
            server_log=self._layout.server_log,
        )

    def env(self) -> dict[str, str]:
        """Return environment variables that make nbrucio and a plain ``rucio`` client use this sandbox."""
        return client_environment(self._layout)

    def admin(self) -> AbstractContextManager[Client]:
        """Return a `rucio.client.Client` of the administrator as a context manager.

        Raises:
            Unavailable: the sandbox does not run.
        """
        state = self._running_state()
        return _connect(self._layout, state, ADMIN, state.root_password)

    def client(self) -> AbstractContextManager[Client]:
        """Return a `rucio.client.Client` of the plain account as a context manager.

        Raises:
            Unavailable: the sandbox does not run.
        """
        state = self._running_state()
        return _connect(self._layout, state, ACCOUNT, state.user_password)

    def transfer(self, rounds: int = 1) -> None:
        """Advance every rule by one step of Rucio's daemons, ``rounds`` times; three complete a small rule.

        A stand-in for FTS3 copies the files between the file:// storages.

        Raises:
            NbrucioError: the sandbox does not run, or a daemon failed.
        """
        from nbrucio.sandbox.conveyor import transfer

        with self.admin() as client:
            transfer(self._layout, client, rounds)

    def chaos(self) -> Chaos:
        """Return the faults that the servers cause."""
        return Chaos.read(self._layout.chaos)

    def cause(self, chaos: Chaos) -> None:
        """Let the servers cause these faults and no others, until the sandbox is started anew.

        Raises:
            Unavailable: the sandbox does not run.
        """
        self._running_state()
        chaos.write(self._layout.chaos)

    def _running(self) -> bool:
        state = load_state(self._layout.state)
        return state is not None and state.running()

    def _running_state(self) -> State:
        state = load_state(self._layout.state)
        if state is None or not state.running():
            raise Unavailable(
                "The sandbox is not running.", subject=str(self.root), next_command="nbrucio sandbox start"
            )
        return state

    def _start(self) -> None:
        state = self._stop()
        self._layout.chaos.unlink(missing_ok=True)
        if not state.seeded:
            self._wipe()
            state = State()
            from nbrucio.sandbox.certificates import make_certificates

            make_certificates(self._layout)
        try:
            with listen(state.server_port) as server, listen(state.storage_port) as storage:
                state = replace(
                    state, server_port=server.getsockname()[1], storage_port=storage.getsockname()[1], ready=False
                )
                write_configuration(self._layout, state)
                state = launch(self._layout, state, server, storage, tied=self._tied)
            self._make_ready(state)
        except BaseException:
            self._stop()
            raise

    def _make_ready(self, state: State) -> None:
        from nbrucio.sandbox.content import Content
        from nbrucio.sandbox.rses import add_rses, repoint_https

        # Making the events takes as long as the start of the servers: do both at the same time.
        content = None if state.seeded else Content.make()
        wait_until_ready(self._layout, state)
        with _connect(self._layout, state, ADMIN, state.root_password) as client:
            if content is None:
                add_rses(client, self._layout, state)
                repoint_https(client, self._layout, state)
            else:
                content.add(client, self._layout, state)
        replace(state, seeded=True, ready=True).save(self._layout.state)

    def _stop(self) -> State:
        """Stop running servers, save that, and return the new state."""
        state = load_state(self._layout.state) or State()
        for process in state.processes:
            process.stop()
        state = replace(state, server=None, storage=None, ready=False)
        state.save(self._layout.state)
        return state

    def _wipe(self) -> None:
        keep = {self._layout.marker, self._layout.lock, self._layout.state}
        for path in self._layout.root.iterdir():
            if path in keep:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(self._layout.lock, timeout=_LOCK_TIMEOUT_S)
        try:
            lock.acquire()
        except Timeout as error:
            raise NbrucioError(
                "Another process has been changing this sandbox for two minutes.",
                subject=str(self.root),
                hint="Wait until it ends, or stop it.",
                next_command="nbrucio sandbox status",
            ) from error
        try:
            yield
        finally:
            lock.release()


def default_root() -> Path:
    """Return the root of the user's own sandbox."""
    import platformdirs

    return platformdirs.user_data_path("nbrucio") / "sandbox"


def _connect(layout: SandboxLayout, state: State, account: str, password: str) -> AbstractContextManager[Client]:
    from nbrucio.sandbox.connect import connect

    return connect(layout, state.server_url, account, password)


def _require() -> None:
    missing = [name for name in _NEEDED if not _installed(name)]
    if missing:
        names = ", ".join(missing)
        raise missing_library(
            names, f"The sandbox needs libraries that are not installed: {names}.", pip="'nbrucio[sandbox]'"
        )


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
