"""Declare, lock and compare the data of notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbrucio.api.common import PathLike, load_config, local_errors, notebooks_of, path_of
from nbrucio.config import Config
from nbrucio.errors import BadDid

if TYPE_CHECKING:
    from nbrucio.operations.check import CheckReport
    from nbrucio.operations.diff import DiffReport
    from nbrucio.operations.edit import Edit


def add(
    notebook: PathLike,
    dids: str | Iterable[str],
    *,
    handle: str | None = None,
    match: str | None = None,
    first: int | None = None,
    max_bytes: int | None = None,
    access: str | None = None,
    variant: str | None = None,
    instance: str | None = None,
    offline: bool = False,
    config: Config | None = None,
) -> Edit:
    """Declare DIDs in a notebook and lock their present files. Download nothing.

    Args:
        dids: ``scope:name``, one or several. A pattern is an error: `search` returns what it matches.
        handle: the name that code uses; None means one made from the DID. Only for one DID.
        match: only files whose names match, such as ``*.root``.
        first: only so many files, in the order of their DIDs.
        max_bytes: only files that are together no larger.
        access: ``store``, ``mount``, ``download``, ``stream``, ``rule`` or ``any``; None means the usual ways.
        variant: write the selection into this variant of the notebook.
        instance: the Rucio instance of the DIDs; None means the default one.
        offline: do not ask Rucio: the DIDs are neither checked nor locked.

    Raises:
        NbrucioError: a DID is invalid or does not exist, or the notebook cannot be edited; nothing is written.
    """
    with local_errors():
        from nbrucio.core.selection import Selection
        from nbrucio.operations.adding import Wish, rule_of
        from nbrucio.operations.adding import add as run

        used, texts = config or load_config(), [dids] if isinstance(dids, str) else list(dids)
        for text in texts:
            if "*" in text:
                raise BadDid(f"'{text}' is a pattern.", subject=text, hint="Search for it, and add DIDs of the result.")
        chosen = [rule_of(used, instance).did(text) for text in texts]
        limited = match is not None or first is not None or max_bytes is not None
        selection = Selection(match, first, max_bytes) if limited else None
        return run(
            path_of(notebook),
            chosen,
            used,
            wish=Wish(handle, instance, selection, access, variant, offline),
            reporter=None,
        )


def remove(notebook: PathLike, names: str | Iterable[str]) -> Edit:
    """Remove requirements, by handle or DID, and their locks from a notebook. Cached files stay.

    Raises:
        NbrucioError: one of them is not declared, or the notebook cannot be edited; nothing is written.
    """
    with local_errors():
        from nbrucio.operations.edit import remove as run

        return run(path_of(notebook), [names] if isinstance(names, str) else list(names))


def lock(
    notebook: PathLike,
    *,
    upgrade: bool | str | Iterable[str] = False,
    variant: str | None = None,
    pin: bool = False,
    config: Config | None = None,
) -> Edit:
    """Freeze the file lists of data in a notebook that is not locked yet.

    Args:
        upgrade: True locks Rucio's present content of all data, handles that of theirs.
        variant: lock the selections of this variant, beside the lock of the whole.
        pin: save the file lists of closed datasets with the notebook, too, for ``sync(frozen=True)`` on any machine.

    Raises:
        NbrucioError: the notebook cannot be edited, or a handle is not declared; nothing is written.
    """
    with local_errors():
        from nbrucio.operations.edit import lock as run

        handles = [upgrade] if isinstance(upgrade, str) else [] if isinstance(upgrade, bool) else list(upgrade)
        wanted = handles if handles or upgrade is True else None  # no handles would mean all of them
        return run(path_of(notebook), config or load_config(), upgrade=wanted, variant=variant, pin=pin)


def diff(old: PathLike, new: PathLike, *, config: Config | None = None) -> DiffReport:
    """Compare the data of two notebooks: what they read when they were executed, else their locks.

    Raises:
        NbrucioError: a notebook or the configuration cannot be read.
    """
    with local_errors():
        from nbrucio.operations.diff import diff as run
        from nbrucio.operations.diff import remembered_lists

        return run(path_of(old), path_of(new), remembered_lists(config or load_config()))


def check(
    notebooks: PathLike | Iterable[PathLike], *, config: Config | None = None, offline: bool = False
) -> CheckReport:
    """Compare declaration, lock, code and data of notebooks. Download nothing, and write nothing.

    Args:
        offline: check declaration, lock and code only, without Rucio.

    Raises:
        NbrucioError: the configuration cannot be read, or a folder has no notebook.
    """
    with local_errors():
        from nbrucio.operations.check import check as run

        return run(notebooks_of(notebooks), None if offline else config or load_config())
