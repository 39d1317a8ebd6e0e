"""Rules on a real server: Rucio's own daemons carry them out, and the notebook then reads the mounted copy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from nbrucio.catalogue.errors import ServerRefusal
from nbrucio.catalogue.rules import Rules
from nbrucio.catalogue.session import RucioSession
from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.events import SilentReporter
from nbrucio.errors import BadConfig, BadDeclaration, ConsentNeeded, Interrupted, OverBudget, UsageError
from nbrucio.operations.follow_rules import follow, progress_words
from nbrucio.operations.stage import DEFAULT_LIFETIME_S, list_rules, remove_rules, stage
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.state.staged_rules import StagedRules
from tests.support.access_log import new_requests
from tests.support.staging import MOUNT, Lines, as_admin, dataset, notebook


def test_a_rule_goes_from_replicating_to_ok_and_the_mounted_copy_is_read(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.ok", "SANDBOX_POSIX"))
    before = sync([path], config)
    assert (before.exit_code, next(before.errors()).next_command) == (4, f"nbrucio stage {path}")
    staged = stage([path], config)
    (made,) = staged.rules
    assert made.rule is not None
    assert (made.act, made.rule.state, made.rule.replicating) == ("made", "REPLICATING", 2)
    with sandbox.client() as client:
        assert client.get_replication_rule(made.rule.id)["state"] == "REPLICATING"
    sandbox.transfer()
    told = Lines()
    (done,) = follow(staged, config, reporter=told, poll_s=0.01).rules
    assert done.rule is not None
    assert progress_words(done.rule) == "sandbox:stage.ok at SANDBOX_MOUNT: OK, 2 of 2 files OK"
    assert told.lines == [progress_words(done.rule), "  OK: sandbox:stage.ok/0", "  OK: sandbox:stage.ok/1"]
    with sandbox.client() as client:
        assert {lock["state"] for lock in client.list_replica_locks(done.rule.id)} == {"OK"}
    report = sync([path], config)
    files = report.notebooks[0].requirements[0].files
    assert (report.exit_code, {file.access.value for file in files}) == (0, {"mount"})
    assert [file.path.read_text() for file in files if file.path] == ["stage.ok 0", "stage.ok 1"]


def test_a_rule_is_made_once_listed_and_removed(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    config = as_admin(sandbox, config)
    path = notebook(tmp_path, dataset(sandbox, "stage.again", "SANDBOX_POSIX"))
    (made,) = stage([path], config).rules
    (again,) = stage([path], config).rules
    assert made.rule is not None
    assert made.rule.expires is not None
    assert [made.act, again.act, again.rule] == ["made", "reused", made.rule]
    assert [each.rule for each in list_rules([path], config).rules] == [made.rule]
    assert [each.act for each in remove_rules([path], config).rules] == ["removed"]
    with sandbox.admin() as client:  # Rucio ends a removed rule by letting it expire soon
        assert client.get_replication_rule(made.rule.id)["expires_at"] < made.rule.expires.replace(tzinfo=None)


def test_an_account_that_may_not_remove_its_rule_is_told(
    sandbox: Sandbox, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.kept", "SANDBOX_POSIX"))
    stage([path], config)

    def refuse(_: RucioSession, __: object) -> None:  # as Rucio's generic policy does; the sandbox lets owners remove
        raise ServerRefusal("AccessDenied", "Account sandbox can not remove this replication rule.", 401)

    monkeypatch.setattr(RucioSession, "send", refuse)
    (error,) = remove_rules([path], config).errors()
    assert error.exit_code == 5
    assert error.message.startswith("Your account lacks permission")


def test_rules_of_handles_without_access_rule_are_listed_and_removed(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    did = dataset(sandbox, "stage.named", "SANDBOX_POSIX")
    path = notebook(tmp_path, did, access=None)
    with pytest.raises(UsageError, match='access "rule"') as refused:
        stage([path], config)
    assert refused.value.next_command == f"nbrucio stage {path} data"
    (made,) = stage([path], config, handles=["data"]).rules
    assert [each.rule for each in list_rules([path], config).rules] == [made.rule]
    assert [each.act for each in remove_rules([path], config).rules] == ["removed"]


def test_a_rule_is_renewed_once_half_of_its_time_is_over(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    config = as_admin(sandbox, config)
    path = notebook(tmp_path, dataset(sandbox, "stage.renewed", "SANDBOX_POSIX"))
    (made,) = stage([path], config, lifetime_s=3600).rules
    (early,) = stage([path], config, lifetime_s=3600).rules
    (renewed,) = stage([path], config, lifetime_s=DEFAULT_LIFETIME_S).rules
    assert [made.act, early.act, renewed.act] == ["made", "reused", "renewed"]
    assert renewed.rule is not None
    assert renewed.rule.expires is not None
    assert renewed.rule.expires > datetime.now(timezone.utc) + timedelta(days=13)


def test_an_account_that_may_not_renew_keeps_its_rule_and_is_told(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.expiring", "SANDBOX_POSIX"))
    (made,), told = stage([path], config, lifetime_s=3600).rules, Lines()
    (kept,) = stage([path], config, reporter=told).rules
    assert (kept.act, kept.rule) == ("reused", made.rule)
    assert told.lines[-1].endswith(": your account may not renew it.")


def test_a_rule_that_the_user_made_otherwise_is_reused_and_never_removed(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    did = dataset(sandbox, "stage.theirs", "SANDBOX_POSIX")
    with sandbox.client() as client:
        (rule_id,) = client.add_replication_rule([{"scope": did.scope, "name": did.name}], 1, MOUNT)
    path = notebook(tmp_path, did)
    (reused,) = stage([path], config).rules
    assert reused.rule is not None
    assert (reused.act, reused.rule.id, reused.rule.expires) == ("reused", rule_id, None)
    assert remove_rules([path], config).rules == ()


def test_a_stuck_rule_comes_with_rucios_reason(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.stuck", "SANDBOX_HTTPS", 1))  # no way from https to file
    staged = stage([path], config)
    sandbox.transfer(2)
    told = Lines()
    (stuck,) = follow(staged, config, reporter=told, poll_s=0.01).rules
    assert told.lines[1:] == ["  STUCK: sandbox:stage.stuck/0"]
    assert stuck.rule is not None
    assert (stuck.rule.state, stuck.rule.stuck) == ("STUCK", 1)
    assert stuck.error is not None
    assert stuck.error.message.startswith("The rule for sandbox:stage.stuck at SANDBOX_MOUNT is STUCK (1 file): ")
    assert stuck.error.exit_code == 4


def test_a_rule_that_waits_for_approval_is_named_and_not_polled(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    did, other = (dataset(sandbox, f"stage.{name}", "SANDBOX_POSIX", 1) for name in ("asked", "besides"))
    with sandbox.client() as client:
        name = {"scope": did.scope, "name": did.name}
        (rule_id,) = client.add_replication_rule([name], 1, MOUNT, ask_approval=True)
    paths = [notebook(tmp_path, one, name=f"{one.name}.ipynb") for one in (did, other)]
    staged = stage(paths, config)
    assert staged.exit_code == 5
    sandbox.transfer()
    unknown = replace(staged, rules=tuple(replace(one, error=None) for one in staged.rules))
    with new_requests(sandbox.access_log) as requests:
        done = follow(unknown, config, reporter=Lines(), poll_s=0.01)
    assert len([one for one in requests if rule_id in one.path]) == 1
    waiting, ready = done.rules
    assert (waiting.rule and waiting.rule.state, ready.rule and ready.rule.state) == ("WAITING_APPROVAL", "OK")
    assert [str(one.error) for one in staged.rules] == [str(one.error) for one in done.rules]
    assert isinstance(waiting.error, ConsentNeeded)
    words = "The rule for sandbox:stage.asked at SANDBOX_MOUNT waits for approval by the owner of SANDBOX_MOUNT."
    assert (waiting.error.message, waiting.error.next_command) == (words, f"rucio rule show {rule_id}")
    assert done.exit_code == 5


@contextmanager
def quota(sandbox: Sandbox, size_bytes: int) -> Iterator[None]:
    with sandbox.admin() as client:
        client.set_account_limit("sandbox", MOUNT, size_bytes, "local")
        try:
            yield
        finally:
            client.set_account_limit("sandbox", MOUNT, -1, "local")


def test_a_quota_that_is_too_small_is_refused_before_the_first_rule(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    small, large = dataset(sandbox, "stage.small", "SANDBOX_POSIX", 1), dataset(sandbox, "stage.large", "SANDBOX_POSIX")
    one = notebook(tmp_path, small, handle="small", name="one.ipynb")
    two = notebook(tmp_path, large, handle="large", name="two.ipynb")
    with sandbox.admin() as client:
        (usage,) = [row for row in client.get_local_account_usage("sandbox") if row["rse"] == MOUNT]
    with quota(sandbox, usage["bytes"] + 20), pytest.raises(OverBudget) as refused:  # they have 13 and 26 bytes
        stage([one, two], config)
    assert refused.value.message.startswith(
        "2 new rules would need 39 B at SANDBOX_MOUNT, where 20 B of your quota of "
    )
    assert refused.value.hint is not None
    assert refused.value.hint.startswith("The largest: sandbox:stage.large (26 B), sandbox:stage.small (13 B). ")
    assert refused.value.next_command == f"nbrucio stage {one} {two} small"
    assert [each.rule for each in list_rules([one, two], config).rules] == [None, None]
    with quota(sandbox, 1), pytest.raises(OverBudget) as nothing_fits:
        stage([one, two], config, rse=MOUNT)
    assert nothing_fits.value.next_command == f"nbrucio stage --rse {MOUNT} {one} {two} --list"


def test_several_notebooks_make_one_rule_a_dataset_and_are_followed_together(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    shared, own = dataset(sandbox, "stage.shared", "SANDBOX_POSIX"), dataset(sandbox, "stage.own", "SANDBOX_POSIX", 1)
    paths = [notebook(tmp_path, did, name=f"{n}.ipynb") for n, did in enumerate((shared, own, shared))]
    staged = stage(paths, config)
    assert [(each.notebook, each.act) for each in staged.rules] == list(
        zip(paths, ["made", "made", "reused"], strict=True)
    )
    first, _, last = (each.rule for each in staged.rules)
    assert first == last
    assert first is not None
    assert [len(StagedRules(config.store_path).read(path)) for path in paths] == [1, 1, 1]
    sandbox.transfer()
    told = Lines()
    done = follow(staged, config, reporter=told, poll_s=0.01)
    assert [each.rule.state for each in done.rules if each.rule] == ["OK"] * 3
    assert told.lines[-1] == "2 of 2 rules OK, 3 of 3 files"
    assert [each.act for each in stage(paths, config).rules] == ["reused"] * 3
    assert [each.act for each in remove_rules(paths, config).rules] == ["removed"] * 3


def test_a_failure_of_one_notebook_or_rule_does_not_end_the_others(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    config = as_admin(sandbox, config)
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{"nbrucio"')
    missing = notebook(tmp_path, Did("sandbox", "stage.nowhere"), handle="missing", name="missing.ipynb")
    fine = [
        notebook(tmp_path, dataset(sandbox, name, "SANDBOX_POSIX", 1), name=f"{name}.ipynb")
        for name in ("stage.fine", "stage.lost")
    ]
    staged = stage([broken, missing, *fine], config)
    assert [each.act for each in staged.rules] == ["made", "made", "found"]
    assert [error.exit_code for error in staged.errors()] == [2, 4]
    assert staged.exit_code == staged.as_json()["exit_code"]
    lost = replace(staged.rules[1].rule, id="0" * 32)  # type: ignore[type-var]
    sandbox.transfer()
    changed = replace(staged, rules=(staged.rules[0], replace(staged.rules[1], rule=lost)))
    done = follow(changed, config, reporter=SilentReporter(), poll_s=0.01)
    assert [each.rule.state for each in done.rules if each.rule] == ["OK", "REPLICATING"]
    assert [each.error is None for each in done.rules] == [True, False]
    with pytest.raises(BadDeclaration, match="'other' is not declared in these 2 notebooks"):
        stage(fine, config, handles=["other"])
    for path in fine:
        path.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with pytest.raises(UsageError, match=r"^None of these 2 notebooks declares data"):
        stage(fine, config)
    with pytest.raises(UsageError) as bare:
        stage(fine[:1], config)
    assert bare.value.message == f"{fine[0]} declares no data."


def test_a_permission_that_is_missing_is_told_in_words(config: Config) -> None:
    instance = config.instance()

    def refuse() -> Any:
        class Client:
            def first(self, _: object) -> None:
                raise ServerRefusal("AccessDenied", "Account sandbox can not do this.", 401)

        return Client()

    rule: Any = type("Rule", (), {"id": "x", "did": Did("s", "n")})
    refusal = "Your account lacks permission for the rule of s:n at sandbox: Account sandbox can not do this"
    with pytest.raises(ConsentNeeded, match=refusal):
        Rules(instance, refuse).refresh(rule)


def test_following_can_be_stopped(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.stop", "SANDBOX_POSIX", 1))
    staged, cancel = stage([path], config), threading.Event()
    cancel.set()
    with pytest.raises(Interrupted, match="Rucio continues with the rules"):
        follow(staged, config, reporter=SilentReporter(), cancel=cancel)


def test_what_cannot_be_staged_is_refused(config: Config, tmp_path: Path) -> None:
    did = Did("sandbox", "dimuon")
    with pytest.raises(UsageError, match="is declared with access"):
        stage([notebook(tmp_path, did, None)], config)
    with pytest.raises(BadDeclaration, match="is not declared"):
        stage([notebook(tmp_path, did)], config, handles=["other"])
    with pytest.raises(BadConfig, match="SANDBOX_POSIX is not mounted on this machine"):
        stage([notebook(tmp_path, did)], config, rse="SANDBOX_POSIX")
    bare = config.instance()._replace(mounts=())
    with pytest.raises(BadConfig, match="No RSE is mounted on this machine"):
        stage([notebook(tmp_path, did)], config._replace(instances=(bare,), default=bare))


def test_a_selection_is_staged_file_by_file(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.part", "SANDBOX_POSIX"), None, select={"first": 1})
    (made,) = stage([path], config, handles=["data"]).rules
    assert made.rule is not None
    assert str(made.rule.did) == "sandbox:stage.part/0"
