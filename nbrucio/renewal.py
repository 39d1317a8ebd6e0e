"""Keep staged data where it is while its notebook is used: renew a rule once half of its time is over.

Only rules that `nbrucio stage` made here for this very notebook, and only while the notebook declares what they hold.
To make a rule stays an explicit act; to keep it alive is what the user meant by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from nbrucio.config import Config
from nbrucio.engine import Engine
from nbrucio.errors import NbrucioError, UnreadableFile, UsageError
from nbrucio.events import Noticed, Reporter
from nbrucio.plan import Target
from nbrucio.resolve import Question, read_declared
from nbrucio.store.staged import StagedRule

#: Whom Rucio does not let renew is not told so at every sync.
_PATIENCE = timedelta(days=1)


def due(rule: StagedRule, now: datetime) -> bool:
    """Whether half of the rule's time is over and nobody refused to renew it a moment ago."""
    patient = rule.tried is not None and now < rule.tried + _PATIENCE
    return not patient and rule.expires - now < timedelta(seconds=rule.lifetime_s / 2)


def renew(path: Path, config: Config, *, reporter: Reporter | None = None) -> None:
    """`renew_due` of the notebook at ``path``, for who finds nothing to sync.

    Raises:
        NbrucioError: the notebook cannot be read.
    """
    with Engine(config, reporter) as engine:
        if not config.policy.offline and engine.staged.knows(path):
            renew_due(engine, path, engine.resolver().resolve(read_declared(path), Question(offline=True)))


def renew_due(engine: Engine, notebook: Path, targets: Iterable[Target]) -> None:
    """Renew the rules of the notebook that are due; asks nobody when none is. What fails is told and stops nothing.

    Args:
        notebook: its path.
        targets: what it declares, resolved.
    """
    now = datetime.now(timezone.utc)
    try:
        waiting = [rule for rule in engine.staged.read(notebook) if due(rule, now)]
    except UnreadableFile as error:
        engine.reporter.report(Noticed(f"The rules of {notebook} are not renewed. {error.message}"))
        return
    if not waiting:
        return
    used = {(target.instance, did) for target in targets for did in _dids(target)}
    for rule in (_renamed(engine, notebook, rule) for rule in waiting):
        if (rule.instance, rule.did) in used:
            _renew(engine, notebook, rule, now)


def _renamed(engine: Engine, notebook: Path, rule: StagedRule) -> StagedRule:
    """``rule`` under the identity that its instance has now: it may have been kept under the bare host name."""
    try:
        identity = engine.config.instance(rule.instance).identity
    except UsageError:
        return rule  # its instance is configured no more
    renamed = rule._replace(instance=identity)
    if renamed != rule:
        with suppress(OSError):
            engine.staged.forget(notebook, rule.instance, rule.did, rule.rse)
            engine.staged.keep(notebook, [renamed])
    return renamed


def _dids(target: Target) -> Iterable[object]:
    return (target.requirement.did, *(entry.did for entry in target.files))


def _renew(engine: Engine, notebook: Path, staged: StagedRule, now: datetime) -> None:
    from nbrucio.catalogue.rucio import RucioCatalogue

    try:
        catalogue = engine.catalogue(staged.instance)
        rules = catalogue.rules() if isinstance(catalogue, RucioCatalogue) else None
        rule = rules.find(staged.did, staged.rse) if rules else None
        if rules is None or rule is None or not rule.ours or rule.expires is None:
            with suppress(OSError):
                engine.staged.forget(notebook, staged.instance, staged.did, staged.rse)
            return
        if rule.expires - now < timedelta(seconds=staged.lifetime_s / 2):
            rule = rules.renew(rule, staged.lifetime_s)
            engine.reporter.report(Noticed(f"{staged.did} stays at {staged.rse} until {_time(rule.expires)}."))
        if rule.expires is not None:
            with suppress(OSError):
                engine.staged.keep(notebook, [staged._replace(expires=rule.expires, tried=None)])
    except NbrucioError as error:
        with suppress(OSError, UnreadableFile):  # then the next sync tries again
            engine.staged.keep(notebook, [staged._replace(tried=now)])
        words = f"{staged.did} stays at {staged.rse} until {_time(staged.expires)} only: {error.message}"
        engine.reporter.report(Noticed(words))


def _time(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else "it is removed"
