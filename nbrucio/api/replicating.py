"""Search Rucio, and ask it for replicas here and of own files."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbrucio.api.common import OnProgress, PathLike, following, load_config, local_errors, notebooks_of, paths_of
from nbrucio.config import Config
from nbrucio.core.did import Did

if TYPE_CHECKING:
    from nbrucio.operations.searching import SearchReport
    from nbrucio.operations.stage_report import StageReport
    from nbrucio.operations.upload.upload import UploadReport


def search(
    pattern: str | None = None,
    *,
    kind: str = "collection",
    filters: str | Iterable[str] = (),
    limit: int = 1000,
    instance: str | None = None,
    config: Config | None = None,
) -> SearchReport:
    """Return the DIDs whose scope and name match ``scope:pattern``; ``*`` matches anything.

    Args:
        pattern: None searches all names in all scopes, by ``filters``.
        kind: ``collection`` (dataset or container), ``dataset``, ``container``, ``file`` or ``all``.
        filters: conditions on metadata, such as ``bytes > 1 GB``; all must hold.
        limit: largest number of DIDs.

    Raises:
        NbrucioError: the pattern or a filter is invalid, or Rucio cannot answer.
    """
    with local_errors():
        from nbrucio.operations.searching import search as run

        conditions = [filters] if isinstance(filters, str) else list(filters)
        return run(pattern, config or load_config(), kind=kind, filters=conditions, limit=limit, instance=instance)


def stage(
    notebooks: PathLike | Iterable[PathLike],
    handles: str | Iterable[str] = (),
    *,
    rse: str | None = None,
    lifetime_s: int | None = None,
    wait: bool = False,
    config: Config | None = None,
    cancel: threading.Event | None = None,
) -> StageReport:
    """Add replication rules for data of notebooks on an RSE that is mounted here, one for each dataset.

    The error of a notebook or of a rule is in the result, and the others are staged.

    Args:
        notebooks: notebooks, and folders with some.
        handles: the requirements; none means those declared with access ``rule``.
        rse: a mounted RSE; None means the first one of the configuration.
        lifetime_s: seconds until the rules expire; None means the usual lifetime.
        wait: wait until the rules are OK, stuck or waiting for approval.
        cancel: setting it ends the wait.

    Raises:
        Interrupted: ``cancel`` was set while waiting. The rules continue.
        OverBudget: the new rules together exceed your quota; none was made.
        NbrucioError: no notebook can be read, a handle is unknown, nothing is mounted, or Rucio cannot answer.
    """
    with following(None, cancel) as follower:
        from nbrucio.operations.follow_rules import follow
        from nbrucio.operations.stage import stage as run

        paths, used = notebooks_of(notebooks), config or load_config()
        chosen = [handles] if isinstance(handles, str) else list(handles)
        staged = run(
            paths,
            used,
            handles=chosen,
            rse=rse,
            lifetime_s=lifetime_s,
            reporter=follower,
        )
        return follow(staged, used, reporter=follower, cancel=follower.cancel) if wait else staged


def upload(
    paths: PathLike | Iterable[PathLike],
    *,
    rse: str,
    scope: str,
    dataset: str | None = None,
    lifetime_s: int | None = None,
    instance: str | None = None,
    config: Config | None = None,
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> UploadReport:
    """Upload files, and the files below folders, to an RSE and register them. Files that the RSE has are skipped.

    Args:
        dataset: attach the files to this dataset, ``[scope:]name``, which is created if it does not exist.
        lifetime_s: seconds until the files expire; None means that they do not.
        progress, cancel: as for `sync`.

    Raises:
        NbrucioError: the arguments or the configuration are wrong, or the upload is not allowed; nothing is sent.
    """
    with following(progress, cancel) as follower:
        from nbrucio.operations.upload.upload import UploadTarget
        from nbrucio.operations.upload.upload import upload as run

        attached = Did.parse(dataset if ":" in dataset else f"{scope}:{dataset}") if dataset else None
        target = UploadTarget(rse, scope, attached, lifetime_s, instance)
        return run(paths_of(paths), target, config or load_config(), reporter=follower, cancel=follower.cancel)
