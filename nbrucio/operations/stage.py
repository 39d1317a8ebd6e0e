"""Replicate data to a mounted RSE by replication rules. Rules are made only on request."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from shlex import quote

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.rules import Rule, Rules
from nbrucio.config import Config, Instance
from nbrucio.core.did import Did
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, check_declared
from nbrucio.core.text import human_age, plural
from nbrucio.disk.read import reason
from nbrucio.errors import (
    BadConfig,
    ConsentNeeded,
    Interrupted,
    NbrucioError,
    TransferFailed,
    UsageError,
)
from nbrucio.notebook.declared import read_declared
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.resolve import ResolveOptions
from nbrucio.state.staged_rules import StagedRule

DEFAULT_LIFETIME_S = 14 * 24 * 3600
#: Largest number of rules per requirement. A selection needs one rule per file, which Rucio is not made for.
MAX_RULES = 100
_POLL_S = 5.0
#: Largest number of files to report one by one.
MAX_LISTED_FILES = 100


@dataclass(frozen=True)
class Staged:
    """One rule of a requirement.

    Attributes:
        handle: handle of the requirement.
        rule: its present state; None without a rule.
        act: ``made``, ``reused``, ``renewed``, ``removed``, or ``found`` for no change.
        error: why the replication does not progress.
    """

    handle: str
    rule: Rule | None
    act: str
    error: NbrucioError | None = None

    def as_json(self) -> dict[str, object]:
        """Return this rule as a JSON-ready mapping."""
        return {
            "handle": self.handle,
            "act": self.act,
            "rule": self.rule.as_json() if self.rule else None,
            "error": self.error.as_json() if self.error else None,
        }


@dataclass(frozen=True)
class _MountedRse:
    """DIDs of one requirement (those of its files when it selects some) and the mounted RSE for them."""

    handle: str
    instance: str
    rules: Rules
    dids: tuple[Did, ...]
    rse: str
    lifetime_s: int = DEFAULT_LIFETIME_S


def stage(
    path: Path,
    config: Config,
    *,
    handles: Sequence[str] = (),
    rse: str | None = None,
    lifetime_s: int | None = None,
    reporter: Reporter | None = None,
) -> tuple[Staged, ...]:
    """Make a rule for each requirement, or reuse the user's own one. A rule past half of its lifetime is renewed.

    Args:
        handles: requirements to stage; empty means those whose ``access`` is ``rule``.
        rse: a mounted RSE; None means the first.
        lifetime_s: lifetime of the rules in seconds.

    Raises:
        NbrucioError: the notebook cannot be read, a handle is unknown, nothing is mounted, or ``lifetime_s`` is above
            the limit of the policy.
    """
    with RunContext(config, reporter) as run:
        places = tuple(
            replace(place, lifetime_s=_lifetime(run.config, place.instance, lifetime_s))
            for place in _places(run, path, handles, rse)
        )
        run.staged.read(path)  # before a rule is made that could not be renewed
        done = tuple(_staged(run, place, did) for place in places for did in place.dids)
        try:
            run.staged.save(path, _renewable(places, done))
        except OSError as error:
            words = f"Syncs will not renew these rules: the store {run.store.root} cannot be written"
            run.reporter.report(Noticed(f"{words} ({reason(error)})."))
    return done


def _lifetime(config: Config, instance: str, asked_s: int | None) -> int:
    """Return the lifetime of new rules: the user's, else that of the instance; within the limit of the policy."""
    limit_s = config.policy.max_stage_lifetime_s
    usual_s = config.instance(instance).rule_lifetime_s or DEFAULT_LIFETIME_S
    if limit_s is None:
        return asked_s or usual_s
    if asked_s is not None and asked_s > limit_s:
        raise UsageError(
            f"Rules for staged data may last {human_age(limit_s)} here (max_stage_lifetime in [policy]), "
            f"not {human_age(asked_s)}.",
            subject="max_stage_lifetime",
            hint="Choose a shorter lifetime; a sync renews the rules of data that is used.",
        )
    return asked_s or min(usual_s, limit_s)


def list_rules(
    path: Path, config: Config, *, handles: Sequence[str] = (), rse: str | None = None
) -> tuple[Staged, ...]:
    """Return the present rules of the requirements, without ``handles`` of all. Errors are those of `stage`."""
    with RunContext(config) as run:
        places = _places(run, path, handles, rse, every=True)
        found = ((place.handle, place.rules.find(did, place.rse)) for place in places for did in place.dids)
        return tuple(Staged(handle, rule, "found") for handle, rule in found)


def remove_rules(
    path: Path, config: Config, *, handles: Sequence[str] = (), rse: str | None = None
) -> tuple[Staged, ...]:
    """Remove the rules that nbrucio made; other rules stay. Without ``handles`` those of all requirements.

    Errors are those of `stage`.
    """
    removed = []
    with RunContext(config) as run:
        run.staged.read(path)
        for place in _places(run, path, handles, rse, every=True):
            for did in place.dids:
                rule = place.rules.find(did, place.rse)
                if rule is not None and rule.ours:
                    place.rules.remove(rule)
                    with suppress(OSError):  # the next sync finds that the rule does not exist, and forgets it
                        run.staged.forget(path, place.instance, did, place.rse)
                    removed.append(Staged(place.handle, rule, "removed"))
    return tuple(removed)


def follow(
    staged: Sequence[Staged],
    config: Config,
    path: Path,
    *,
    reporter: Reporter,
    cancel: threading.Event | None = None,
    poll_s: float = _POLL_S,
) -> tuple[Staged, ...]:
    """Wait until every rule is OK or STUCK, and report each change. A stuck rule gets Rucio's reasons.

    For a rule of at most `MAX_LISTED_FILES` files, changes of each file are reported, too.

    Raises:
        Interrupted: ``cancel`` was set. The rules continue.
        NbrucioError: the server cannot be asked.
    """
    stop = cancel or threading.Event()
    with RunContext(config, reporter) as run:
        rules = {place.handle: place.rules for place in _places(run, path, [each.handle for each in staged], None)}
        now = list(staged)
        reported: dict[str, dict[Did, str]] = {}
        while True:
            now = [_refreshed(each, rules[each.handle], reported, reporter) for each in now]
            if all(each.rule is None or each.rule.state in ("OK", "STUCK", "SUSPENDED") for each in now):
                return tuple(now)
            if stop.wait(poll_s):
                raise Interrupted("Stopped waiting. Rucio continues with the rules.")


def progress_words(rule: Rule) -> str:
    """Return a line such as ``sandbox:dimuon at SANDBOX_MOUNT: REPLICATING, 2 of 4 files OK``."""
    files = rule.ok + rule.replicating + rule.stuck
    stuck = f", {rule.stuck:,} stuck" if rule.stuck else ""
    return f"{rule.did} at {rule.rse}: {rule.state}, {rule.ok:,} of {plural(files, 'file')} OK{stuck}"


def _refreshed(each: Staged, rules: Rules, reported: dict[str, dict[Did, str]], reporter: Reporter) -> Staged:
    if each.rule is None or each.error is not None:
        return each
    rule = rules.refresh(each.rule)
    if rule != each.rule:
        reporter.report(Noticed(progress_words(rule)))
        _report_files(rule, rules, reported.setdefault(rule.id, {}), reporter)
    return replace(each, rule=rule, error=_stuck(rule, rules) if rule.state in ("STUCK", "SUSPENDED") else None)


def _report_files(rule: Rule, rules: Rules, reported: dict[Did, str], reporter: Reporter) -> None:
    """Report the files of ``rule`` whose state differs from the one in ``reported``."""
    if rule.ok + rule.replicating + rule.stuck > MAX_LISTED_FILES:
        return
    for did, state in sorted(rules.files(rule).items()):
        if reported.get(did, "REPLICATING") != state:
            reporter.report(Noticed(f"  {state}: {did}"))
        reported[did] = state


def _stuck(rule: Rule, rules: Rules) -> NbrucioError:
    reasons = rules.stuck(rule)
    files = "; ".join(f"{did}: {why}" for did, why in list(reasons.items())[:3])
    why = files or rule.error or "Rucio gives no reason"
    return TransferFailed(
        f"The rule for {rule.did} at {rule.rse} is {rule.state} ({plural(rule.stuck, 'file')}): {why}.",
        subject=str(rule.did),
        hint="Rucio tries again by itself. If the error remains, ask the RSE's operators.",
        next_command=f"rucio rule show {rule.id}",
    )


def _staged(run: RunContext, place: _MountedRse, did: Did) -> Staged:
    try:
        rule = place.rules.find(did, place.rse)
        if rule is None:
            return Staged(place.handle, place.rules.make(did, place.rse, place.lifetime_s), "made")
        renewed = _renewed(run, place, rule)
        if renewed is not None:
            return Staged(place.handle, renewed, "renewed")
        return Staged(place.handle, rule, "reused", _stuck(rule, place.rules) if rule.state == "STUCK" else None)
    except NbrucioError as error:
        return Staged(place.handle, None, "found", error)


def _renewable(places: Sequence[_MountedRse], done: Sequence[Staged]) -> Iterator[StagedRule]:
    """Yield the rules that a sync of this notebook may renew: those that nbrucio made and that expire."""
    by_handle = {place.handle: place for place in places}
    for each in done:
        rule = each.rule
        if rule is not None and rule.ours and rule.expires is not None:
            place = by_handle[each.handle]
            yield StagedRule(place.instance, rule.did, rule.rse, place.lifetime_s, rule.expires)


def _renewed(run: RunContext, place: _MountedRse, rule: Rule) -> Rule | None:
    """Renew ``rule`` after half of its lifetime; return None when that is not due or not permitted."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=place.lifetime_s / 2)
    if not rule.ours or rule.expires is None or rule.expires > soon:
        return None
    try:
        return place.rules.renew(rule, place.lifetime_s)
    except ConsentNeeded:
        # Rucio's generic policy for accounts without special rights. The replica exists all the same.
        when = f"{rule.expires:%Y-%m-%d %H:%M} UTC"
        run.reporter.report(Noticed(f"{rule.did} at {rule.rse} expires at {when}: your account may not renew it."))
        return None


def _places(
    run: RunContext, path: Path, handles: Sequence[str], rse: str | None, *, every: bool = False
) -> list[_MountedRse]:
    """Return the mounted RSEs of these handles; without any, of data with access "rule", or of ``every`` data that can
    be staged.
    """
    declared = read_declared(path)
    declaration = declared.declaration
    check_declared(handles, path, declaration.requirements)
    chosen = [r for r in declaration.requirements if (r.handle in handles if handles else every or r.access == "rule")]
    if not chosen:
        raise _nothing_to_stage(path, declaration.requirements)
    wanted = declared._replace(declaration=declaration._replace(entries=tuple(chosen)))
    requirements = run.resolver().resolve(wanted, ResolveOptions(offline=run.config.policy.offline))
    if every and not handles:
        requirements = tuple(resolved for resolved in requirements if len(_dids(resolved)) <= MAX_RULES)
    return [_place(run, resolved, rse) for resolved in requirements]


def _nothing_to_stage(path: Path, declared: Sequence[Requirement]) -> UsageError:
    if not declared:
        words, hint, command = f"{path} declares no data.", None, f"nbrucio add {quote(str(path))} SCOPE:NAME"
    else:
        words = f'No data in {path} is declared with access "rule".'
        hint = 'Name the handles to stage, or declare {"access": "rule"}.'
        command = f"nbrucio stage {quote(str(path))} {declared[0].handle}"
    return UsageError(words, subject=str(path), hint=hint, next_command=command)


def _dids(resolved: ResolvedRequirement) -> tuple[Did, ...]:
    """The DIDs that need a rule of their own: those of the files where the requirement selects some."""
    if resolved.requirement.select is None:
        return (resolved.requirement.did,)
    return tuple(entry.did for entry in resolved.files)


def _place(run: RunContext, resolved: ResolvedRequirement, rse: str | None) -> _MountedRse:
    if resolved.error is not None:
        raise resolved.error
    catalogue = run.catalogue(resolved.instance)
    if not isinstance(catalogue, RucioCatalogue):
        raise UsageError(
            f"{resolved.instance} has no replication rules, because it is not a Rucio server.",
            subject=resolved.instance,
        )
    requirement = resolved.requirement
    dids = _dids(resolved)
    if len(dids) > MAX_RULES:
        raise UsageError(
            f"'{requirement.handle}' selects {plural(len(dids), 'file')}; each would need a rule of its own.",
            subject=requirement.handle,
            hint=f"Stage the whole dataset, or select at most {MAX_RULES} files.",
        )
    return _MountedRse(
        requirement.handle, resolved.instance, catalogue.rules(), dids, _mounted_rse(catalogue.instance, rse)
    )


def _mounted_rse(instance: Instance, wanted: str | None) -> str:
    mounted = [mount.rse for mount in instance.mounts]
    if wanted in mounted or (wanted is None and mounted):
        return wanted or mounted[0]
    words = ", ".join(mounted) or "none"
    found = f"{wanted} is not" if wanted else "No RSE is"
    raise BadConfig(
        f"{found} mounted on this machine for {instance.name}.",
        subject=instance.name,
        hint=f"Mounted: {words}. Mounts are configured under [[instances.{instance.name}.mounts]].",
    )
