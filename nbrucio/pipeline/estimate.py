"""The plan of a sync without the sync, and an estimate of amounts, time and space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Config
from nbrucio.core.estimate import Estimate, NotebookEstimate
from nbrucio.core.events import Reporter
from nbrucio.core.plan import Plan, RequirementPlan, ResolvedRequirement
from nbrucio.core.planner import make_plan
from nbrucio.core.sums_estimate import SummedRequirement
from nbrucio.errors import NbrucioError
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.locate import locate
from nbrucio.pipeline.notebooks import in_part, read, requirements_of, resolve
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.summed import FEW, Totals, summed


def plan(paths: Sequence[Path], config: Config, *, options: Options | None = None) -> Plan:
    """Return the plan that `sync` with the same arguments would carry out now; write nothing.

    Unreadable notebooks are omitted; `sync` and `status` report their errors.
    """
    options = (options or Options()).under(config.policy)
    with RunContext(config) as run:
        requirements = requirements_of(in_part(resolve(run, read(paths, options), options), options.part))
        return make_plan(requirements, locate(run, requirements, options), run.limits(requirements))


def estimate(
    paths: Sequence[Path],
    config: Config,
    *,
    options: Options | None = None,
    reporter: Reporter | None = None,
    exact: bool = False,
) -> Estimate:
    """Return amounts, time and space of a `sync` with the same arguments now; write nothing.

    Args:
        exact: ask Rucio for the replicas of each file; else the access to many files is by Rucio's own sums.
    """
    options = (options or Options()).under(config.policy)
    with RunContext(config, reporter) as run:
        by_sums = not (exact or options.offline or run.config.policy.only_rses)
        notebooks = in_part(resolve(run, read(paths, options), options, compact=by_sums), options.part)
        found = _estimated(run, requirements_of(notebooks), options, exact=exact)
        plan, plans = found.plan, iter(found.requirements)
        estimates = tuple(
            NotebookEstimate(notebook.path, tuple(next(plans) for _ in notebook.requirements), notebook.faults())
            for notebook in notebooks
        )
        free_bytes, reason = run.store.free_bytes(), run.config.policy.reason
        return Estimate(
            estimates, plan, free_bytes, run.rate.last(), run.session_left_bytes, reason, run.order, found.totals
        )


def estimate_of(
    run: RunContext, requirement: ResolvedRequirement, options: Options, *, exact: bool = False
) -> tuple[RequirementPlan | SummedRequirement, NbrucioError | None]:
    """Return the estimate of one requirement, and the limit that its downloads exceed."""
    found = _estimated(run, (requirement,), options, exact=exact)
    return found.requirements[0], found.plan.refusal


class _Estimated(NamedTuple):
    """The parts of an estimate; see `nbrucio.core.estimate.Estimate`."""

    requirements: tuple[RequirementPlan | SummedRequirement, ...]
    plan: Plan
    totals: Totals | None = None


def _estimated(
    run: RunContext, requirements: Sequence[ResolvedRequirement], options: Options, *, exact: bool
) -> _Estimated:
    limits = run.limits(requirements)
    many = sum(len(one.files) for one in requirements) > FEW
    # Sums are of all RSEs, and not of those of an RSE expression.
    if many and not (exact or options.offline or run.config.policy.only_rses):
        return _Estimated(*summed(run, requirements, options, limits))
    plan = make_plan(requirements, locate(run, requirements, options), limits)
    return _Estimated(plan.requirements, plan)
