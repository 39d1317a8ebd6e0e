"""One sync, from notebooks to data in their kernels: read, resolve, locate, plan, download, publish, remember.

All interfaces call `sync`. It carries out exactly the plan of `nbrucio.pipeline.estimate.plan`. An error of one
notebook or requirement is in the report and does not stop the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.planner import Availability, Wanted, make_plan
from nbrucio.core.report import NotebookReport, SyncReport
from nbrucio.pipeline.arrivals import Arrivals
from nbrucio.pipeline.cache_writer import StatusRecorder
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.download import Downloads
from nbrucio.pipeline.locate import locate
from nbrucio.pipeline.notebooks import in_part, read, requirements_of, resolve
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.preflight import checked_first, unobtainable
from nbrucio.pipeline.remember import remember, remember_use
from nbrucio.pipeline.renew_rules import renew_rules
from nbrucio.pipeline.report import finish, planned, summary, verified, with_storage
from nbrucio.pipeline.reread import Reread


def sync(
    paths: Sequence[Path],
    config: Config,
    *,
    options: Options | None = None,
    reporter: Reporter | None = None,
    cancel: threading.Event | None = None,
    begins: Callable[[Sequence[Wanted]], object] | None = None,
    revise: Callable[[NotebookReport], NotebookReport] | None = None,
) -> SyncReport:
    """Download the missing data of the notebooks at ``paths``, and publish it to their kernels through manifests. Never
    write a notebook. A file of several requirements is downloaded once.

        Args:
            begins: called once with the files to download, just before the first one; not called without any.
            revise: called with the result of each notebook, to change its errors before kernels read them.

        Raises:
            Interrupted: the run was cancelled; finished files stay, unfinished ones resume at the next sync.
    """
    options = (options or Options()).under(config.policy)
    with (
        RunContext(config, reporter) as run,
        Arrivals(options.runtime) as arrivals,
        Downloads(run, cancel, checked_first(run, begins), arrivals.add, arrivals.preferred) as downloads,
    ):
        recorder = StatusRecorder(run)  # before the store is read
        whole = resolve(run, read(paths, options), options)
        remember_use(run, whole)  # also what the other tasks of a job array download into this store
        notebooks = in_part(whole, options.part)
        requirements = requirements_of(notebooks)

        def before_downloads(found: Availability) -> None:
            arrivals.publish(verified(run, notebooks, found), notebooks)

        def before_reading(found: Availability) -> None:
            recorder.store_changed()
            before_downloads(found)

        reread = Reread(run, before_reading, cancel)
        # Downloads may begin.
        availability = locate(run, requirements, options, recorder.note, downloads, reread, before_downloads)
        plan = make_plan(requirements, availability, run.limits(requirements))
        if plan.downloads and plan.refusal is None:
            for sentence in unobtainable(plan):
                run.reporter.report(Noticed(sentence))
            arrivals.publish(with_storage(run, planned(run, notebooks, plan)), notebooks)
        outcomes = downloads.wait(plan)
        finished = finish(run, planned(run, notebooks, plan), plan, outcomes)
        reports = arrivals.finish(map(revise, finished) if revise else finished)
        renew_rules(run, notebooks, options)
        remember(run, recorder, notebooks, reports, options)
        return summary(run, reports, outcomes)
