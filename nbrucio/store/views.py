"""Views: folders of links, so that people and globs can read a dataset.

``views/<instance>/<scope>/<name>`` is a link to a hidden folder beside it, named after the digest of its content. A
refresh builds a new folder and replaces the link with one rename, so a reader gets the old folder or the new one.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.store.fs import FileSystem, clear_folder
from nbrucio.store.layout import StoreLayout
from nbrucio.store.names import link_names, marked_component, safe_component

_DIGEST_CHARS = 16


def make_view(fs: FileSystem, layout: StoreLayout, instance: str, did: Did, files: Sequence[tuple[Did, str]]) -> Path:
    """Return the folder with one link per file (DID and path); create or refresh it only when it is outdated.

    Raises:
        OSError: it cannot be written.
    """
    above, parent = _folders(layout, instance, did)
    owner = _digest(f"{instance}\0{did}")
    links = _links(layout, parent, files)
    target = f".{owner}-{_digest_of(links)}"
    path = f"{parent}/{_own_name(fs, parent, instance, did, owner)}"
    if _target_of(fs, path) == target and _is_whole(fs, f"{parent}/{target}", links):
        return Path(path)
    for folder in (layout.views, above, parent):
        with suppress(FileExistsError):
            fs.mkdir(folder)
    _build(fs, layout, f"{parent}/{target}", links)
    _turn(fs, layout, path, target)
    _remove_older(fs, parent, owner, target)
    return Path(path)


def find_view(fs: FileSystem, layout: StoreLayout, instance: str, did: Did) -> Path | None:
    """Return the folder that `make_view` last made for ``did``; None when it does not exist."""
    _, parent = _folders(layout, instance, did)
    owner = _digest(f"{instance}\0{did}")
    path = f"{parent}/{_own_name(fs, parent, instance, did, owner)}"
    return Path(path) if (_target_of(fs, path) or "").startswith(f".{owner}-") and _exists(fs, path) else None


def remove_view(fs: FileSystem, layout: StoreLayout, instance: str, did: Did) -> None:
    """Remove the folder of links for ``did``, if there is one.

    Raises:
        OSError: it cannot be removed.
    """
    _, parent = _folders(layout, instance, did)
    owner = _digest(f"{instance}\0{did}")
    path = f"{parent}/{_own_name(fs, parent, instance, did, owner)}"
    if (_target_of(fs, path) or "").startswith(f".{owner}-"):
        fs.unlink(path)
    _remove_older(fs, parent, owner, "")


def _folders(layout: StoreLayout, instance: str, did: Did) -> tuple[str, str]:
    """Return the folders of instance and scope. Two scopes may share one; each view records its owner."""
    above = f"{layout.views}/{safe_component(instance.replace('/', '_'))}"
    return above, f"{above}/{safe_component(did.scope)}"


def _links(layout: StoreLayout, parent: str, files: Sequence[tuple[Did, str]]) -> list[tuple[str, str]]:
    """Return link names and targets; targets in the store are relative, so that it can be moved."""
    names = link_names([did for did, _ in files])
    above = "../" * (parent[len(layout.root) :].count("/") + 1)
    inside = layout.root + "/"
    targets = (path for _, path in files)
    return [
        (name, above + target[len(inside) :] if target.startswith(inside) else target)
        for name, target in zip(names, targets, strict=True)
    ]


def _own_name(fs: FileSystem, parent: str, instance: str, did: Did, owner: str) -> str:
    """Return the DID's plain name, unless another DID that looks alike (ignoring case) uses it."""
    plain = safe_component(did.name)
    target = _target_of(fs, f"{parent}/{plain}")
    if (target is None and not _exists(fs, f"{parent}/{plain}")) or (target or "").startswith(f".{owner}-"):
        return plain
    return marked_component(did.name, f"{instance}\0{did}")


def _is_whole(fs: FileSystem, folder: str, links: list[tuple[str, str]]) -> bool:
    """Whether no link was removed. The targets need no check: their digest is the folder's name."""
    try:
        return len(fs.listdir(folder)) == len(links)
    except OSError:
        return False


def _build(fs: FileSystem, layout: StoreLayout, folder: str, links: list[tuple[str, str]]) -> None:
    scratch = layout.scratch()
    fs.mkdir(scratch)
    try:
        for name, target in links:
            fs.symlink(target, f"{scratch}/{name}")
        try:
            fs.rename(scratch, folder)
        except OSError:
            # It exists: incomplete, or just made by another process. The new one has all links either way.
            clear_folder(fs, folder)
            fs.rename(scratch, folder)
    except BaseException:
        with suppress(OSError):
            clear_folder(fs, scratch)
        raise


def _turn(fs: FileSystem, layout: StoreLayout, path: str, target: str) -> None:
    scratch = layout.scratch()
    fs.symlink(target, scratch)
    try:
        fs.rename(scratch, path)
    except BaseException:
        with suppress(OSError):
            fs.unlink(scratch)
        raise


def _remove_older(fs: FileSystem, parent: str, owner: str, target: str) -> None:
    with suppress(OSError):
        for name in fs.listdir(parent):
            if name.startswith(f".{owner}-") and name != target:
                clear_folder(fs, f"{parent}/{name}")


def _target_of(fs: FileSystem, path: str) -> str | None:
    """Return the target of the link at ``path``; None without a link."""
    try:
        return fs.readlink(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return None  # not a link


def _exists(fs: FileSystem, path: str) -> bool:
    try:
        fs.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _digest_of(links: list[tuple[str, str]]) -> str:
    """Return `_digest` of the list's text without building the text, which may have 100,000 links."""
    hasher = sha256(b"[")
    for number, link in enumerate(links):
        hasher.update((", " if number else "").encode() + repr(link).encode("utf-8", "surrogatepass"))
    hasher.update(b"]")
    return hasher.hexdigest()[:_DIGEST_CHARS]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]
