"""The status of notebooks' data: a sync without network and without downloads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.planner import make_plan
from nbrucio.core.report import NotebookReport, StatusReport
from nbrucio.pipeline.cache_writer import StatusRecorder
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.locate import locate
from nbrucio.pipeline.notebooks import read, requirements_of, resolve, with_drift
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.publish import publish
from nbrucio.pipeline.remember import remember_status
from nbrucio.pipeline.report import finish, planned, summary


def status(
    paths: Sequence[Path],
    config: Config,
    *,
    variant: str | None = None,
    check: bool = False,
    publish_ready: bool = False,
    local: bool = False,
) -> StatusReport:
    """Return the status of the notebooks at ``paths``. Write only the status cache.

    Args:
        variant: the variant of the declarations.
        check: ask the catalogue whether locked data has changed; otherwise do not use the network.
        local: do not call data that is unknown here an effect of being offline.
        publish_ready: publish complete notebooks to their kernels, as a sync would; their reports then have a manifest.
    """
    options = Options(offline=True, variant=variant, local=local).under(config.policy)
    with RunContext(config) as run:
        recorder = StatusRecorder(run)  # before the store is read
        notebooks = resolve(run, read(paths, options), options)
        if check:
            notebooks = [with_drift(run, notebook) for notebook in notebooks]
        requirements = requirements_of(notebooks)
        plan = make_plan(requirements, locate(run, requirements, options, recorder.note), run.limits(requirements))
        reports = planned(run, notebooks, plan)
        if publish_ready:
            reports = [
                publish(finish(run, [report], plan, {}))[0] if _is_ready(report) else report for report in reports
            ]
        remember_status(recorder, notebooks, reports, options)
        return StatusReport(*summary(run, reports, {}))


def _is_ready(report: NotebookReport) -> bool:
    requirements = report.requirements
    ready = all(one.state == "ready" and not one.resolved.drift for one in requirements)
    return bool(requirements) and not report.faults and ready
