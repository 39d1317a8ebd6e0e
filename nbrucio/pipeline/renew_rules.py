"""Renew the rules of staged data after half of their lifetime, while the notebook is used. This is done only for rules
that `nbrucio stage` made on this machine for this notebook, and only while the notebook declares their data. Rules are
never made automatically.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.errors import NbrucioError, UnreadableFile, UsageError
from nbrucio.notebook.declared import read_declared
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.notebooks import DeclaringNotebook
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.resolve import ResolveOptions
from nbrucio.state.staged_rules import StagedRule

#: Tell users without permission to renew a rule once, not at every sync.
_PATIENCE = timedelta(days=1)


def due(rule: StagedRule, now: datetime) -> bool:
    """Return whether half of the rule's lifetime is over, unless Rucio recently refused to renew it."""
    patient = rule.tried is not None and now < rule.tried + _PATIENCE
    return not patient and rule.expires - now < timedelta(seconds=rule.lifetime_s / 2)


def renew(path: Path, config: Config, *, reporter: Reporter | None = None) -> None:
    """Renew the due rules of the notebook at ``path``, for a sync with nothing to do.

    Raises:
        NbrucioError: the notebook cannot be read.
    """
    with RunContext(config, reporter) as run:
        if not config.policy.offline and run.staged.has(path):
            renew_due(run, path, run.resolver().resolve(read_declared(path), ResolveOptions(offline=True)))


def renew_rules(run: RunContext, notebooks: Iterable[DeclaringNotebook], options: Options) -> None:
    """Renew the due rules that this machine made for ``notebooks``; do nothing offline."""
    for notebook in () if options.offline else notebooks:
        if run.staged.has(notebook.path):
            renew_due(run, notebook.path, notebook.requirements)


def renew_due(run: RunContext, notebook: Path, requirements: Iterable[ResolvedRequirement]) -> None:
    """Renew the due rules of the notebook; send no request if none is due. Errors are reported.

    Args:
        notebook: its path.
        requirements: what it declares, resolved.
    """
    now = datetime.now(timezone.utc)
    try:
        waiting = [rule for rule in run.staged.read(notebook) if due(rule, now)]
    except UnreadableFile as error:
        run.reporter.report(Noticed(f"The rules of {notebook} were not renewed. {error.message}"))
        return
    if not waiting:
        return
    used = {(resolved.instance, did) for resolved in requirements for did in _dids(resolved)}
    for rule in (_renamed(run, notebook, rule) for rule in waiting):
        if (rule.instance, rule.did) in used:
            _renew(run, notebook, rule, now)


def _renamed(run: RunContext, notebook: Path, rule: StagedRule) -> StagedRule:
    """Return ``rule`` with its instance's present identity: it may have been saved under the bare host name."""
    try:
        identity = run.config.instance(rule.instance).identity
    except UsageError:
        return rule  # its instance is not configured any more
    renamed = rule._replace(instance=identity)
    if renamed != rule:
        with suppress(OSError):
            run.staged.forget(notebook, rule.instance, rule.did, rule.rse)
            run.staged.save(notebook, [renamed])
    return renamed


def _dids(resolved: ResolvedRequirement) -> Iterable[object]:
    return (resolved.requirement.did, *(entry.did for entry in resolved.files))


def _renew(run: RunContext, notebook: Path, staged: StagedRule, now: datetime) -> None:
    from nbrucio.catalogue.rucio import RucioCatalogue

    try:
        catalogue = run.catalogue(staged.instance)
        rules = catalogue.rules() if isinstance(catalogue, RucioCatalogue) else None
        rule = rules.find(staged.did, staged.rse) if rules else None
        if rules is None or rule is None or not rule.ours or rule.expires is None:
            with suppress(OSError):
                run.staged.forget(notebook, staged.instance, staged.did, staged.rse)
            return
        if rule.expires - now < timedelta(seconds=staged.lifetime_s / 2):
            rule = rules.renew(rule, staged.lifetime_s)
            run.reporter.report(Noticed(f"{staged.did} stays at {staged.rse} until {_time(rule.expires)}."))
        if rule.expires is not None:
            with suppress(OSError):
                run.staged.save(notebook, [staged._replace(expires=rule.expires, tried=None)])
    except NbrucioError as error:
        with suppress(OSError, UnreadableFile):  # then the next sync tries again
            run.staged.save(notebook, [staged._replace(tried=now)])
        words = f"{staged.did} stays at {staged.rse} until {_time(staged.expires)} only: {error.message}"
        run.reporter.report(Noticed(words))


def _time(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else "it is removed"
