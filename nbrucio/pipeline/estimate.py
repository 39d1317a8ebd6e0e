"""The plan of a sync without the sync, and an estimate of amounts, time and space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.estimate import Estimate, NotebookEstimate
from nbrucio.core.events import Reporter
from nbrucio.core.plan import Plan
from nbrucio.core.planner import make_plan
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.locate import locate
from nbrucio.pipeline.notebooks import DeclaringNotebook, read, requirements_of, resolve
from nbrucio.pipeline.options import Options


def plan(paths: Sequence[Path], config: Config, *, options: Options | None = None) -> Plan:
    """Return the plan that `sync` with the same arguments would carry out now; write nothing.

    Unreadable notebooks are omitted; `sync` and `status` report their errors.
    """
    options = (options or Options()).under(config.policy)
    with RunContext(config) as run:
        return _plan(run, resolve(run, read(paths, options), options), options)


def estimate(
    paths: Sequence[Path], config: Config, *, options: Options | None = None, reporter: Reporter | None = None
) -> Estimate:
    """Return amounts, time and space of a `sync` with the same arguments now; write nothing."""
    options = (options or Options()).under(config.policy)
    with RunContext(config, reporter) as run:
        notebooks = resolve(run, read(paths, options), options)
        plan = _plan(run, notebooks, options)
        plans = iter(plan.requirements)
        estimates = tuple(
            NotebookEstimate(notebook.path, tuple(next(plans) for _ in notebook.requirements), notebook.faults())
            for notebook in notebooks
        )
        return Estimate(estimates, plan, run.store.free_bytes(), run.rate.last())


def _plan(run: RunContext, notebooks: Sequence[DeclaringNotebook], options: Options) -> Plan:
    requirements = requirements_of(notebooks)
    return make_plan(requirements, locate(run, requirements, options), run.limits(requirements))
