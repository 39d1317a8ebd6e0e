"""Replicate data to a mounted RSE by replication rules. Rules are made only on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from nbrucio.catalogue.rules import Rule
from nbrucio.config import Config, Policy
from nbrucio.core.did import Did
from nbrucio.core.download_limit import because
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.text import human_age, printable
from nbrucio.disk.read import reason
from nbrucio.errors import ConsentNeeded, NbrucioError, UsageError
from nbrucio.operations.follow_rules import WAITING, halted_error
from nbrucio.operations.stage_quota import check_quota
from nbrucio.operations.stage_report import Staged, StageReport
from nbrucio.operations.stage_targets import StageTarget, find_targets
from nbrucio.pipeline.context import RunContext
from nbrucio.state.staged_rules import StagedRule

DEFAULT_LIFETIME_S = 14 * 24 * 3600

_Key = tuple[str, Did, str]


def stage(
    paths: Sequence[Path],
    config: Config,
    *,
    handles: Sequence[str] = (),
    rse: str | None = None,
    lifetime_s: int | None = None,
    reporter: Reporter | None = None,
) -> StageReport:
    """Make a rule for each requirement of the notebooks at ``paths``, or reuse the user's own one.

    Requirements for the same data share one rule. A rule past half of its lifetime is renewed. The error of a notebook
    or of a rule is in the result, and the others are staged.

    Args:
        handles: requirements to stage; empty means those whose ``access`` is ``rule``.
        rse: a mounted RSE; None means the first.
        lifetime_s: lifetime of the rules in seconds.

    Raises:
        OverBudget: the new rules together exceed the user's quota; none was made.
        NbrucioError: nothing can be staged, a handle is unknown, or the policy does not allow the RSE or
            ``lifetime_s``; no rule was made.
    """
    with RunContext(config, reporter) as run:
        found = find_targets(run, paths, handles, rse)
        lifetimes = {target.identity: _lifetime(run, target, lifetime_s) for target in found.targets}
        for target in found.targets:
            check_stage_rse(target.rse, config.policy)
        present = _present_rules(found.targets)
        missing = {target.key: target for target in found.targets if present[target.key] is None}
        check_quota(missing.values(), paths, rse)
        done = _made(run, found.targets, present, lifetimes)
        _remember(run, found.targets, done, lifetimes)
    return StageReport((*done, *found.failed), found.faults)


def _lifetime(run: RunContext, target: StageTarget, lifetime_s: int | None) -> int:
    return lifetime_of(run.config, target.catalogue.instance.name, lifetime_s)


def _present_rules(targets: Sequence[StageTarget]) -> dict[_Key, Rule | NbrucioError | None]:
    """Return the user's own rule for each target, or the error of asking for it."""
    present: dict[_Key, Rule | NbrucioError | None] = {}
    for target in targets:
        if target.key not in present:
            try:
                present[target.key] = target.catalogue.rules().find(target.did, target.rse)
            except NbrucioError as error:
                present[target.key] = error
    return present


def _made(
    run: RunContext,
    targets: Sequence[StageTarget],
    present: dict[_Key, Rule | NbrucioError | None],
    lifetimes: Mapping[str, int],
) -> list[Staged]:
    """Make or renew the rule of each target, once for all with the same one."""
    done: list[Staged] = []
    for target in targets:
        rule, act, lifetime_s = present[target.key], "reused", lifetimes[target.identity]
        try:
            if rule is None:
                rule, made = target.catalogue.rules().make(target.did, target.rse, lifetime_s)
                act = "made" if made else "reused"
            elif isinstance(rule, Rule) and _is_due(rule, lifetime_s):
                rule, renewed = _renewed(run, target, rule, lifetime_s)
                act = "renewed" if renewed else "reused"
        except NbrucioError as error:
            rule = error
        present[target.key] = rule
        if isinstance(rule, NbrucioError):
            done.append(_staged(target, None, "found", rule))
        else:
            halted = rule.state == WAITING or (act == "reused" and rule.state == "STUCK")
            done.append(_staged(target, rule, act, halted_error(rule, target.catalogue.rules()) if halted else None))
    return done


def _staged(target: StageTarget, rule: Rule | None, act: str, error: NbrucioError | None = None) -> Staged:
    return Staged(target.notebook, target.handle, target.catalogue.instance.name, rule, act, error)


def _remember(
    run: RunContext,
    targets: Sequence[StageTarget],
    done: Sequence[Staged],
    lifetimes: Mapping[str, int],
) -> None:
    """Save the rules that syncs of each notebook may renew."""
    try:
        for path in dict.fromkeys(target.notebook for target in targets):
            run.staged.save(path, _renewable(path, targets, done, lifetimes))
    except OSError as error:
        words = f"Syncs will not renew these rules: the store {run.store.root} cannot be written"
        run.reporter.report(Noticed(f"{words} ({reason(error)})."))


def _renewable(
    path: Path, targets: Sequence[StageTarget], done: Sequence[Staged], lifetimes: Mapping[str, int]
) -> Iterator[StagedRule]:
    """Yield the rules that a sync of this notebook may renew: those that nbrucio made and that expire."""
    for target, each in zip(targets, done, strict=True):
        rule = each.rule
        if target.notebook == path and rule is not None and rule.ours and rule.expires is not None:
            yield StagedRule(target.identity, rule.did, rule.rse, lifetimes[target.identity], rule.expires)


def check_stage_rse(rse: str, policy: Policy) -> None:
    """Check that the policy allows new rules at ``rse``.

    Raises:
        UsageError: it does not.
    """
    allowed = policy.stage_rses
    if allowed is not None and rse not in allowed:
        raise UsageError(
            f"Rules to {printable(rse)} are not allowed here (stage_rses in [policy]).",
            subject=rse,
            hint=f"Allowed: {', '.join(allowed) or 'no RSE'}.{because(policy.reason)}",
        )


def lifetime_of(config: Config, instance: str, asked_s: int | None) -> int:
    """Return the lifetime of new rules: the user's, else that of the instance; within the limit of the policy.

    Raises:
        UsageError: the user's is above that limit.
    """
    limit_s = config.policy.max_stage_lifetime_s
    usual_s = config.instance(instance).rule_lifetime_s or DEFAULT_LIFETIME_S
    if limit_s is None:
        return asked_s or usual_s
    if asked_s is not None and asked_s > limit_s:
        raise UsageError(
            f"Rules for staged data may last {human_age(limit_s)} here (max_stage_lifetime in [policy]), "
            f"not {human_age(asked_s)}.",
            subject="max_stage_lifetime",
            hint="Choose a shorter lifetime; a sync renews the rules of data that is used."
            f"{because(config.policy.reason)}",
        )
    return asked_s or min(usual_s, limit_s)


def list_rules(
    paths: Sequence[Path], config: Config, *, handles: Sequence[str] = (), rse: str | None = None
) -> StageReport:
    """Return the present rules of the requirements, without ``handles`` of all. Errors are those of `stage`."""
    with RunContext(config) as run:
        found = find_targets(run, paths, handles, rse, every=True, changing=False)
        present = _present_rules(found.targets)
        rules = [_found(target, present[target.key]) for target in found.targets]
        return StageReport((*rules, *found.failed), found.faults)


def _found(target: StageTarget, rule: Rule | NbrucioError | None) -> Staged:
    return _staged(target, None, "found", rule) if isinstance(rule, NbrucioError) else _staged(target, rule, "found")


def remove_rules(
    paths: Sequence[Path], config: Config, *, handles: Sequence[str] = (), rse: str | None = None
) -> StageReport:
    """Remove the rules that nbrucio made; other rules stay. Without ``handles`` those of all requirements.

    Errors are those of `stage`.
    """
    removed: list[Staged] = []
    with RunContext(config) as run:
        found = find_targets(run, paths, handles, rse, every=True)
        present = _present_rules(found.targets)
        gone: set[_Key] = set()
        for target in found.targets:
            rule = present[target.key]
            try:
                if isinstance(rule, NbrucioError):
                    raise rule
                if rule is None or not rule.ours:
                    continue
                if target.key not in gone:
                    target.catalogue.rules().remove(rule)
                    gone.add(target.key)
            except NbrucioError as error:
                removed.append(_staged(target, None, "found", error))
                continue
            with suppress(OSError):  # the next sync finds that the rule does not exist, and forgets it
                run.staged.forget(target.notebook, *target.key)
            removed.append(_staged(target, rule, "removed"))
    return StageReport((*removed, *found.failed), found.faults)


def _is_due(rule: Rule, lifetime_s: int) -> bool:
    """Return whether half of the lifetime of a rule that nbrucio made is over."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=lifetime_s / 2)
    return rule.ours and rule.expires is not None and rule.expires <= soon


def _renewed(run: RunContext, target: StageTarget, rule: Rule, lifetime_s: int) -> tuple[Rule, bool]:
    """Renew ``rule``; return the rule, and whether that is permitted."""
    try:
        return target.catalogue.rules().renew(rule, lifetime_s), True
    except ConsentNeeded:
        # Rucio's generic policy for accounts without special rights. The replica exists all the same.
        when = f"{rule.expires:%Y-%m-%d %H:%M} UTC"
        run.reporter.report(Noticed(f"{rule.did} at {rule.rse} expires at {when}: your account may not renew it."))
        return rule, False
