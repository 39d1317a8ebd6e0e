"""Plan, download and examine the data of notebooks."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nbrucio.api.common import OnProgress, PathLike, following, load_config, local_errors, notebooks_of
from nbrucio.config import Config
from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.errors import UsageError
from nbrucio.pipeline.options import Options

if TYPE_CHECKING:
    from nbrucio.core.estimate import Estimate
    from nbrucio.core.report import StatusReport, SyncReport
    from nbrucio.operations.verify import Verified


def sync(
    notebooks: PathLike | Iterable[PathLike],
    *,
    config: Config | None = None,
    offline: bool = False,
    refresh: bool = False,
    locked: bool = False,
    frozen: bool = False,
    variant: str | None = None,
    parameters: Mapping[str, object] = NO_PARAMETERS,
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> SyncReport:
    """Download the missing data that notebooks declare.

    Args:
        notebooks: notebooks, or folders with notebooks.
        config: the configuration; None means that of this machine.
        offline: use only cached and mounted files, without a network.
        refresh: ask Rucio again for file lists that are already known.
        locked: fail unless all data is locked and unchanged in Rucio.
        frozen: use the lock, and do not ask Rucio what a DID contains.
        variant: use the selections of this variant.
        parameters: values of the notebooks' parameters, for requirements that depend on one.
        progress: called with the progress so far, at most four times a second and at the end. The calls come from
            threads of the download, one at a time. An exception ends the run and is raised by this function.
        cancel: setting it ends the run.

    Raises:
        Interrupted: ``cancel`` was set. Finished files stay, unfinished ones continue at the next sync.
        NbrucioError: the configuration cannot be read, a folder has no notebook, or options exclude each other.
    """
    with following(progress, cancel) as follower:
        from nbrucio.pipeline.run import sync as run

        paths, options = notebooks_of(notebooks), _options(offline, refresh, locked, frozen, variant, parameters)
        return run(paths, config or load_config(), options=options, reporter=follower, cancel=follower.cancel)


def plan(
    notebooks: PathLike | Iterable[PathLike],
    *,
    config: Config | None = None,
    offline: bool = False,
    refresh: bool = False,
    locked: bool = False,
    frozen: bool = False,
    variant: str | None = None,
    parameters: Mapping[str, object] = NO_PARAMETERS,
    exact: bool = False,
) -> Estimate:
    """Return what `sync` with the same arguments would do: files, bytes, access, time and space. Download nothing.

    Args:
        exact: ask Rucio for the replicas of each file; otherwise its own sums say where more than 1,000 files are.

    Raises:
        NbrucioError: the configuration cannot be read, a folder has no notebook, or options exclude each other.
    """
    with local_errors():
        from nbrucio.pipeline.estimate import estimate

        options = _options(offline, refresh, locked, frozen, variant, parameters)
        return estimate(notebooks_of(notebooks), config or load_config(), options=options, exact=exact)


def status(
    notebooks: PathLike | Iterable[PathLike],
    *,
    config: Config | None = None,
    check: bool = False,
    variant: str | None = None,
) -> StatusReport:
    """Return which data is ready and which is missing. Missing data is not an error.

    Args:
        check: ask Rucio whether locked data has changed; otherwise the network is not used.

    Raises:
        NbrucioError: the configuration cannot be read, or a folder has no notebook.
    """
    with local_errors():
        from nbrucio.pipeline.status import status as of

        return of(notebooks_of(notebooks), config or load_config(), variant=variant, check=check)


def verify(
    notebooks: PathLike | Iterable[PathLike], *, config: Config | None = None, variant: str | None = None
) -> Verified:
    """Read every cached or mounted file again and compare checksums. A wrong cached file is removed.

    Raises:
        NbrucioError: the configuration cannot be read, or a folder has no notebook.
    """
    with local_errors():
        from nbrucio.operations.verify import verify as run

        return run(notebooks_of(notebooks), config or load_config(), variant=variant)


def _options(
    offline: bool, refresh: bool, locked: bool, frozen: bool, variant: str | None, parameters: Mapping[str, object]
) -> Options:
    if refresh + locked + frozen > 1:
        raise UsageError("refresh, locked and frozen exclude each other.")
    return Options(refresh, offline, locked, frozen, variant, parameters)
