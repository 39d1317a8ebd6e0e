"""One sync, from notebooks to data in their kernels: read, resolve, locate, plan, download, publish, remember.

All interfaces call `sync`. It carries out exactly the plan of `nbrucio.pipeline.estimate.plan`. An error of one
notebook or requirement is in the report and does not stop the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.events import Reporter
from nbrucio.core.planner import Availability, Wanted, make_plan
from nbrucio.core.report import SyncReport
from nbrucio.pipeline.cache_writer import StatusRecorder
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.download import Downloads
from nbrucio.pipeline.locate import locate
from nbrucio.pipeline.notebooks import read, requirements_of, resolve
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.preflight import checked_first
from nbrucio.pipeline.publish import publish
from nbrucio.pipeline.remember import remember, remember_use
from nbrucio.pipeline.renew_rules import renew_rules
from nbrucio.pipeline.report import finish, planned, summary, verified
from nbrucio.pipeline.reread import Reread


def sync(
    paths: Sequence[Path],
    config: Config,
    *,
    options: Options | None = None,
    reporter: Reporter | None = None,
    cancel: threading.Event | None = None,
    begins: Callable[[Sequence[Wanted]], object] | None = None,
) -> SyncReport:
    """Download the missing data of the notebooks at ``paths``, and publish it to their kernels through manifests. Never
    write a notebook. A file of several requirements is downloaded once.

        Args:
            begins: called once with the files to download, just before the first one; not called without any.

        Raises:
            Interrupted: the run was cancelled; finished files stay, unfinished ones resume at the next sync.
    """
    options = (options or Options()).under(config.policy)
    with RunContext(config, reporter) as run, Downloads(run, cancel, checked_first(run, begins)) as downloads:
        recorder = StatusRecorder(run)  # before the store is read
        notebooks = resolve(run, read(paths, options), options)
        requirements = requirements_of(notebooks)
        remember_use(run, notebooks)

        def publish_verified(found: Availability) -> None:
            recorder.store_changed()
            publish(verified(run, notebooks, found), syncing=True, runtime=options.runtime)

        reread = Reread(run, publish_verified, cancel)
        availability = locate(run, requirements, options, recorder.note, downloads, reread)  # downloads may begin
        plan = make_plan(requirements, availability, run.limits(requirements))
        if plan.downloads and plan.refusal is None:
            publish(planned(run, notebooks, plan), syncing=True, runtime=options.runtime)
        outcomes = downloads.wait(plan)
        reports = publish(finish(run, planned(run, notebooks, plan), plan, outcomes), runtime=options.runtime)
        renew_rules(run, notebooks, options)
        remember(run, recorder, notebooks, plan, reports, options)
        return summary(run, reports, outcomes)
