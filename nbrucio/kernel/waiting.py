"""Waiting for data that is being downloaded, with one line of progress in the cell's output."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from . import where
from .boot import COMMAND_VARIABLE
from .errors import DataNotHere
from .files import readable
from .lookup import Data
from .manifest import Entry, LoadedManifest, read_progress, writer_is_gone
from .quoting import quoted_path

POLL_S = 0.2
#: How long a kernel waits for its first manifest, which the server writes when it starts the kernel.
GRACE_S = 10.0
#: How long the server may take to notice that a notebook was saved with another declaration, and to sync it.
SAVE_S = 3.0
#: No progress is shown for a shorter wait, to leave the cell's output clean.
QUIET_S = 0.3

#: Shows a line in place of the previous one.
Show = Callable[[str], None]


def wait_for(
    data: Data,
    handles: Iterable[str],
    dids: Iterable[str],
    show: Show,
    environ: Mapping[str, str] = os.environ,
    *,
    whole: bool = True,
) -> list[Entry]:
    """Wait until the data of ``handles`` and ``dids`` is ready or has failed; return their entries.

    Ignores handles and DIDs that the notebook does not declare. Runs ``nbrucio sync`` when this notebook was never
    synced and no server will do it.

    Args:
        whole: False does not wait for a download that is under way.

    Raises:
        DataNotHere: the manifest is missing and cannot be created.
    """
    handles, dids = tuple(handles), tuple(dids)
    began = time.monotonic()
    manifest = _first_manifest(data, show, environ)
    until: float | None = None
    while True:
        entries = _named(manifest, handles, dids)
        pending = [entry for entry in entries if entry.state == "syncing"]
        waited = time.monotonic() - began
        is_busy = bool(pending) and not writer_is_gone(manifest)
        outdated = None if is_busy and whole else data.outdated(handles, dids)
        if is_busy and (whole or outdated is not None):
            if waited > QUIET_S:
                show(_downloading(pending, data, waited))
        elif outdated is not None:
            if until is None:
                until = time.monotonic() + _renew(manifest, show, environ)
            elif time.monotonic() > until:
                raise outdated
        else:
            if entries and not pending and waited > QUIET_S:
                show(_finished(entries, waited))
            return entries
        time.sleep(POLL_S)
        manifest = data.manifest()


def _renew(manifest: LoadedManifest, show: Show, environ: Mapping[str, str]) -> float:
    """Sync a notebook that was changed since its last sync; return the seconds to wait for a server that does it."""
    if environ.get(where.MANIFEST_VARIABLE):
        return SAVE_S
    if environ.get(COMMAND_VARIABLE):
        _run_sync(shlex.split(environ[COMMAND_VARIABLE]), Path(manifest.notebook), show, environ)
    return 0.0


def _named(manifest: LoadedManifest, handles: tuple[str, ...], dids: tuple[str, ...]) -> list[Entry]:
    return [entry for entry in manifest.entries.values() if entry.handle in handles or entry.did in dids]


def _first_manifest(data: Data, show: Show, environ: Mapping[str, str]) -> LoadedManifest:
    try:
        return data.manifest()
    except DataNotHere:
        if data.awaits():
            return _wait_for_server(data)
        pointer = environ.get(where.MANIFEST_VARIABLE)
        command, notebook = environ.get(COMMAND_VARIABLE), where.find_notebook(environ)
        if pointer or not command or notebook is None:
            raise
        _run_sync(shlex.split(command), notebook, show, environ)
        return data.manifest()


def _wait_for_server(data: Data) -> LoadedManifest:
    end = time.monotonic() + GRACE_S
    while True:
        try:
            return data.manifest()
        except DataNotHere:
            if time.monotonic() > end:
                raise
        time.sleep(POLL_S)


def _run_sync(command: list[str], notebook: Path, show: Show, environ: Mapping[str, str]) -> None:
    # These variables of this kernel's Python would give the other Python wrong libraries.
    clean = {key: value for key, value in environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    show(f"nbrucio: downloading the data of {notebook.name} …")
    began = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 - the provisioner's command, and no shell
            [*command, "sync", "--quiet", "--once", str(notebook)],
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise DataNotHere(f"nbrucio could not be started to download the data: {error}.") from None
    if where.find_manifest(notebook, environ) is None:
        last = done.stderr.decode(errors="replace").strip().splitlines()
        reason = last[0] if last else f"exit code {done.returncode}"
        raise DataNotHere(
            f"The data of {notebook.name} could not be downloaded: {reason}",
            None,
            f"nbrucio sync {quoted_path(notebook)}",
        )
    show(f"nbrucio: {notebook.name} synced in {time.monotonic() - began:.1f} s")


def _downloading(pending: list[Entry], data: Data, waited_s: float) -> str:
    line = f"nbrucio: waiting for {_handles(pending)}, {waited_s:.0f} s"
    path = data.path()
    progress = read_progress(path) if path else None
    if progress and progress.get("bytes_total"):
        done, total = int(progress["bytes_done"]), int(progress["bytes_total"])
        line += f", {readable(done)} of {readable(total)} ({100 * done // total} %)"
    return line


def _finished(entries: list[Entry], waited_s: float) -> str:
    failed = [entry for entry in entries if entry.state != "ready"]
    if failed:
        return f"nbrucio: {_handles(failed)} failed ({waited_s:.1f} s)"
    files = sum(len(entry.files) for entry in entries)
    return f"nbrucio: {_handles(entries)} ready, {files} file{'' if files == 1 else 's'} ({waited_s:.1f} s)"


def _handles(entries: list[Entry]) -> str:
    names = [entry.handle for entry in entries]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
