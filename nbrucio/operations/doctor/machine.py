"""Whether this machine can read each protocol, and whether the store's file system can do what a store needs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.text import human_bytes
from nbrucio.disk.libraries import missing_library
from nbrucio.errors import BadConfig, NbrucioError, NoSpace
from nbrucio.operations.doctor.values import Finding, Verdict
from nbrucio.store import Store
from nbrucio.store.errors import file_in_the_way, no_folder
from nbrucio.store.fs import FileSystem

#: Protocols, the module that reads them, and its name on PyPI.
LIBRARIES = ((("https", "davs", "http"), "pycurl", "pycurl"), (("root",), "XRootD", "xrootd"))


def protocols(config: Config) -> Iterator[Finding]:
    """Yield whether replicas of each protocol can be read here, and whether each mounted RSE is mounted."""
    for names, module, library in LIBRARIES:
        schemes = ", ".join(names)
        if find_spec(module) is not None:
            yield Finding(schemes, Verdict.OK, f"Replicas over {schemes} can be read.")
        else:
            missing = missing_library(library, f"Replicas over {schemes} cannot be read: {library} is not installed.")
            yield Finding(schemes, Verdict.WARNING, missing.message, missing.hint, missing.next_command)
    for instance in config.instances:
        for folder in instance.file_roots:
            yield _folder(instance.name, f"file_roots of {instance.name}", folder)
        for mount in instance.mounts:
            yield _folder(instance.name, f"{mount.rse} ({instance.name})", mount.path)


def _folder(instance: str, what: str, folder: Path) -> Finding:
    if os.access(folder, os.R_OK | os.X_OK) and folder.is_dir():
        return Finding(instance, Verdict.OK, f"{what}: {folder} can be read.")
    hint = "Its files are downloaded, or missing where downloads are off. Mount it, or correct the path."
    return Finding(instance, Verdict.WARNING, f"{what}: {folder} cannot be read.", hint)


def store(config: Config) -> Iterator[Finding]:
    """Yield the free space of the store, and what its file system lacks."""
    path = str(config.store_path)
    file = file_in_the_way(config.store_path)
    if file is not None:
        yield Finding.of(path, no_folder(path, file, path))
        return
    try:
        free = Store(config.store_path).free_bytes()
    except NbrucioError as error:
        yield Finding.of(path, error)
        return
    keep = config.policy.keep_free_bytes
    if free is None:
        yield Finding(path, Verdict.UNCHECKED, f"The file system of {path} does not say how much space is free.")
    elif free <= keep:
        words = f"{path} has {human_bytes(free)} free, and keep_free is {human_bytes(keep)}: nothing can be downloaded."
        yield Finding.of(path, NoSpace(words, subject=path, hint="Free some space there, or move the store."))
    else:
        yield Finding(path, Verdict.OK, f"{path} has {human_bytes(free)} free.")
    yield from _file_system(config.store_path)


def _file_system(store_path: Path) -> Iterator[Finding]:
    folder = next(each for each in (store_path, *store_path.parents) if each.is_dir())
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".nbrucio-doctor-") as scratch:
            failed = [hint for probe, hint in _PROBES if not _works(probe, scratch)]
    except OSError as error:
        words = f"{folder} cannot be written: {error.strerror or error}."
        hint = "Correct its permissions, or set store.path or NBRUCIO_STORE."
        yield Finding.of(str(store_path), BadConfig(words, subject=str(store_path), hint=hint))
        return
    hint = "Move the store to a local disk: set store.path or NBRUCIO_STORE."
    for text in failed:
        yield Finding(str(store_path), Verdict.WARNING, f"The file system of {folder} {text}", hint)
    if not failed:
        yield Finding(str(store_path), Verdict.OK, f"The file system of {folder} has locks, links and access rights.")


def _works(probe: Callable[[FileSystem, str], bool], scratch: str) -> bool:
    try:
        return probe(FileSystem(), scratch)
    except OSError:
        return False


def _locks(fs: FileSystem, scratch: str) -> bool:
    fd = fs.open(f"{scratch}/lock", os.O_RDWR | os.O_CREAT)
    try:
        return fs.try_lock(fd)
    finally:
        fs.close(fd)


def _links(fs: FileSystem, scratch: str) -> bool:
    fs.symlink("target", f"{scratch}/link")
    return fs.readlink(f"{scratch}/link") == "target"


def _rights(fs: FileSystem, scratch: str) -> bool:
    fd = fs.open(f"{scratch}/file", os.O_RDWR | os.O_CREAT)
    try:
        fs.fchmod(fd, 0o400)
        return fs.fstat(fd).st_mode & 0o777 == 0o400
    finally:
        fs.close(fd)


_PROBES: tuple[tuple[Callable[[FileSystem, str], bool], str], ...] = (
    (_locks, "has no locks: run one sync at a time."),
    (_links, "has no symbolic links: folders of links to a dataset's files cannot be made."),
    (_rights, "ignores access rights: cached files are not protected from changes."),
)
