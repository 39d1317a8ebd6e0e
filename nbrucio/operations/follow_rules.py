"""Follow replication rules until Rucio has carried them out."""

from __future__ import annotations

import threading
from dataclasses import replace

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.rules import Rule, Rules
from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.events import Noticed, Reporter
from nbrucio.core.jitter import jittered
from nbrucio.core.text import plural
from nbrucio.errors import ConsentNeeded, CredentialsRejected, Interrupted, NbrucioError, Offline, TransferFailed
from nbrucio.operations.stage_report import StageReport
from nbrucio.pipeline.context import RunContext

#: State of a rule that Rucio begins only after the owner of its RSE has approved it.
WAITING = "WAITING_APPROVAL"
_POLL_S = 5.0
#: Largest number of files to report one by one.
MAX_LISTED_FILES = 100
#: States in which waiting longer rarely helps: Rucio, or a person, must act.
_HALTED = ("STUCK", "SUSPENDED", WAITING)


def follow(
    report: StageReport,
    config: Config,
    *,
    reporter: Reporter,
    cancel: threading.Event | None = None,
    poll_s: float = _POLL_S,
) -> StageReport:
    """Wait until every rule of ``report`` is OK, stuck or waiting for approval, and report each change.

    A stuck rule gets Rucio's reasons. Approval may take days, and is not waited for. A rule that cannot be followed
    gets the error, and the others are followed. For a rule of at most `MAX_LISTED_FILES` files, changes of each file
    are reported, too.

    Args:
        poll_s: seconds between two rounds, about.

    Raises:
        Interrupted: ``cancel`` was set. The rules continue.
    """
    stop = cancel or threading.Event()
    with RunContext(config, reporter) as run:
        rounds = _Rounds(run, report)
        while rounds.next():
            if stop.wait(jittered(poll_s)):
                raise Interrupted("Stopped waiting. Rucio continues with the rules.")
        return rounds.report()


class _Rounds:
    """The rules that are followed, each once, however many requirements share it."""

    def __init__(self, run: RunContext, report: StageReport) -> None:
        self._run = run
        self._given = report
        followed = [each for each in report.rules if each.rule is not None and each.error is None]
        self._now = {each.rule.id: each.rule for each in followed if each.rule is not None}
        self._instances = {each.rule.id: each.instance for each in followed if each.rule is not None}
        self._errors: dict[str, NbrucioError] = {}
        self._ended: set[str] = set()
        self._listed: dict[str, dict[Did, str]] = {}

    def next(self) -> bool:
        """Ask for the state of each rule that has not ended; return whether there are still any."""
        before = dict(self._now)
        unreachable: dict[str, NbrucioError] = {}
        for rule_id in [each for each in self._now if each not in self._ended]:
            instance = self._instances[rule_id]
            try:
                if instance in unreachable:
                    raise unreachable[instance]
                self._ask(rule_id, instance)
            except NbrucioError as error:
                if isinstance(error, (Offline, CredentialsRejected)):
                    unreachable[instance] = error
                self._errors[rule_id] = error
                self._ended.add(rule_id)
        if len(self._now) > 1 and self._now != before:
            self._run.reporter.report(Noticed(self._total()))
        return len(self._ended) < len(self._now)

    def report(self) -> StageReport:
        """Return the given report with the present states."""
        rules = tuple(
            each
            if each.rule is None or each.rule.id not in self._now
            else replace(each, rule=self._now[each.rule.id], error=self._errors.get(each.rule.id))
            for each in self._given.rules
        )
        return replace(self._given, rules=rules)

    def _ask(self, rule_id: str, instance: str) -> None:
        catalogue, before = self._run.catalogue(instance), self._now[rule_id]
        assert isinstance(catalogue, RucioCatalogue)
        rules = catalogue.rules()
        self._now[rule_id] = rule = rules.refresh(before)
        if rule != before:
            self._run.reporter.report(Noticed(progress_words(rule)))
            self._report_files(rule, rules)
        if rule.state in _HALTED:
            self._errors[rule_id] = halted_error(rule, rules)
        if rule.state == "OK" or rule.state in _HALTED:
            self._ended.add(rule_id)
            self._run.replica_answers.clear()

    def _total(self) -> str:
        rules = self._now.values()
        done = sum(rule.state == "OK" for rule in rules)
        ok, files = sum(rule.ok for rule in rules), sum(map(_files, rules))
        return f"{done:,} of {plural(len(rules), 'rule')} OK, {ok:,} of {plural(files, 'file')}"

    def _report_files(self, rule: Rule, rules: Rules) -> None:
        """Report the files of ``rule`` whose state differs from the one reported last."""
        if _files(rule) > MAX_LISTED_FILES:
            return
        reported = self._listed.setdefault(rule.id, {})
        for did, state in sorted(rules.files(rule).items()):
            if reported.get(did, "REPLICATING") != state:
                self._run.reporter.report(Noticed(f"  {state}: {did}"))
            reported[did] = state


def _files(rule: Rule) -> int:
    return rule.ok + rule.replicating + rule.stuck


def progress_words(rule: Rule) -> str:
    """Return a line such as ``sandbox:dimuon at SANDBOX_MOUNT: REPLICATING, 2 of 4 files OK``."""
    stuck = f", {rule.stuck:,} stuck" if rule.stuck else ""
    return f"{rule.did} at {rule.rse}: {rule.state}, {rule.ok:,} of {plural(_files(rule), 'file')} OK{stuck}"


def halted_error(rule: Rule, rules: Rules) -> NbrucioError:
    """Return the error for a rule that does not progress by itself."""
    if rule.state == WAITING:
        return ConsentNeeded(
            f"The rule for {rule.did} at {rule.rse} waits for approval by the owner of {rule.rse}.",
            subject=str(rule.did),
            hint="Ask the RSE's owner to approve it. Rucio begins after that.",
            next_command=f"rucio rule show {rule.id}",
        )
    reasons = rules.stuck(rule)
    files = "; ".join(f"{did}: {why}" for did, why in list(reasons.items())[:3])
    why = files or rule.error or "Rucio gives no reason"
    return TransferFailed(
        f"The rule for {rule.did} at {rule.rse} is {rule.state} ({plural(rule.stuck, 'file')}): {why}.",
        subject=str(rule.did),
        hint="Rucio tries again by itself. If the error remains, ask the RSE's operators.",
        next_command=f"rucio rule show {rule.id}",
    )
