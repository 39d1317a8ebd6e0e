"""Have the data of a DID here or at an RSE: the cost, the user's quota, and rules that replicate it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from nbrucio.config import load
from nbrucio.core.did import Did
from nbrucio.core.estimate import amount_json
from nbrucio.core.files import unique_files
from nbrucio.core.lockentry import lock_entry, now
from nbrucio.core.plan import Access, Amount, ResolvedRequirement
from nbrucio.core.planner import refusal
from nbrucio.core.requirement import Requirement
from nbrucio.core.sums_estimate import SummedRequirement
from nbrucio.core.units import parse_lifetime
from nbrucio.errors import NbrucioError
from nbrucio.operations.browse import catalogue_of
from nbrucio.operations.stage import check_stage_rse, lifetime_of
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.estimate import estimate_of
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.summed import summed_whole

#: Files that are listed without being asked to: a list of a million takes a minute.
USUAL_FILES = 1_000


def cost(did: str, instance: str | None, every: bool) -> dict[str, object]:
    """Return how the files of a DID would be accessed here, by the estimate of a sync; write nothing.

    Args:
        every: look for each file in the store, also if there are more than `USUAL_FILES`; otherwise the answer for so
            many is ``cut``: it is by Rucio's sums, as if none were in the store.

    Raises:
        NbrucioError: the DID does not exist, or the catalogue cannot answer.
    """
    parsed, config = Did.parse(did), load()
    with RunContext(config) as run:
        identity = config.instance(instance).identity
        catalogue = run.catalogue(identity)
        facts = catalogue.describe(parsed)
        listed = catalogue.files(parsed)
        files = unique_files(listed if every else islice(listed, USUAL_FILES + 1))
        cut = not every and len(files) > USUAL_FILES
        resolved = ResolvedRequirement(
            Requirement(parsed, "data", identity),
            identity,
            () if cut else files,
            lock_entry(facts, None, files, now()),
            default_access=config.policy.default_access,
        )
        options = Options().under(config.policy)
        found, refused = _whole(run, resolved) if cut else estimate_of(run, resolved, options)
    amounts = found.amounts()
    return {
        "cut": cut,
        "access": {access.value: amount_json(amounts.get(access, Amount(0, 0))) for access in Access},
        "refusal": refused.as_json() if refused else None,
        "sums": found.sums.as_json() if found.sums else None,
    }


def _whole(run: RunContext, resolved: ResolvedRequirement) -> tuple[SummedRequirement, NbrucioError | None]:
    """Return the estimate of all files of a DID by sums, and the limit that it exceeds."""
    assert resolved.lock is not None
    size = run.catalogue(resolved.instance).size(resolved.lock.did)
    limits = run.limits((resolved,))
    lock = resolved.lock._replace(files=size.files or 0, size_bytes=size.size_bytes)
    found = summed_whole(run, resolved._replace(lock=lock), limits)
    download = found.amounts().get(Access.DOWNLOAD)
    return found, None if download is None else refusal(download.size_bytes or 0, limits)


def quotas(instance: str | None) -> dict[str, object]:
    """Return the RSEs at which the user has a quota and may stage, those mounted here first. No limit is null.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    with catalogue_of(instance) as catalogue:
        mounted = {mount.rse for mount in catalogue.instance.mounts}
        allowed = load().policy.stage_rses
        usable = (quota for quota in catalogue.browser().quotas() if allowed is None or quota.rse in allowed)
        found = sorted(usable, key=lambda quota: (quota.rse not in mounted, quota.rse))
        return {"quotas": [{**quota._asdict(), "mounted": quota.rse in mounted} for quota in found]}


def stage_to(body: Mapping[str, Any]) -> dict[str, object]:
    """Make a rule that replicates a DID to an RSE, or find the user's own one.

    Args:
        body: ``did``, ``rse``, and ``lifetime`` and ``instance`` or None.

    Raises:
        OverBudget: the user's quota is exhausted.
        NbrucioError: the DID or the lifetime is wrong, or Rucio refuses.
    """
    lifetime, instance = body.get("lifetime"), body.get("instance")
    config, parsed, place = load(), Did.parse(body["did"]), body["rse"].strip()
    check_stage_rse(place, config.policy)
    lifetime_s = lifetime_of(config, config.instance(instance).name, parse_lifetime(lifetime) if lifetime else None)
    with catalogue_of(instance, config) as catalogue:
        existing = catalogue.rules()
        rule = existing.find(parsed, place)
        made = rule is None
        if rule is None:
            rule, made = existing.make(parsed, place, lifetime_s)
        return {"made": made, "rule": rule.as_json()}
