"""Rules on a real server: Rucio's own daemons carry them out, and the notebook then reads the mounted copy."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from nbrucio.catalogue.errors import ServerRefusal
from nbrucio.catalogue.rules import Rules
from nbrucio.catalogue.session import RucioSession
from nbrucio.config import Config, Credentials
from nbrucio.core.did import Did
from nbrucio.core.events import Event, Noticed, SilentReporter
from nbrucio.errors import BadConfig, BadDeclaration, ConsentNeeded, Interrupted, UnreadableFile, UsageError
from nbrucio.operations.stage import (
    DEFAULT_LIFETIME_S,
    follow,
    list_rules,
    progress_words,
    remove_rules,
    stage,
)
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.fts import Fts
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from nbrucio.sandbox.state import load_state
from nbrucio.state.staged_rules import StagedRule, StagedRules
from tests.support.access_log import new_requests

MOUNT = "SANDBOX_MOUNT"


def notebook(tmp_path: Path, did: Did, access: str | None = "rule", **more: Any) -> Path:
    requirement = {"did": str(did), "handle": "data", **({"access": access} if access else {}), **more}
    value = {"requirements": [requirement]}
    path = tmp_path / "nb.ipynb"
    path.write_text(
        json.dumps({"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}) + "\n"
    )
    return path


def dataset(sandbox: Sandbox, name: str, rse: str, count: int = 2) -> Did:
    files = [NewFile(Did("sandbox", f"{name}/{number}"), f"{name} {number}".encode()) for number in range(count)]
    with sandbox.admin() as client:
        add_files(client, files, [rse])
        return add_dataset(client, "sandbox", name, [file.did for file in files], closed=True)


class Lines:
    """What a follower is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def report(self, event: Event) -> None:
        if isinstance(event, Noticed):
            self.lines.append(event.message)


def test_a_rule_goes_from_replicating_to_ok_and_the_mounted_copy_is_read(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.ok", "SANDBOX_POSIX"))
    before = sync([path], config)
    assert (before.exit_code, next(before.errors()).next_command) == (4, "nbrucio stage NOTEBOOK")
    (made,) = stage(path, config)
    assert made.rule is not None
    assert (made.act, made.rule.state, made.rule.replicating) == ("made", "REPLICATING", 2)
    with sandbox.client() as client:
        assert client.get_replication_rule(made.rule.id)["state"] == "REPLICATING"
    sandbox.transfer()
    told = Lines()
    (done,) = follow([made], config, path, reporter=told, poll_s=0.01)
    assert done.rule is not None
    assert progress_words(done.rule) == "sandbox:stage.ok at SANDBOX_MOUNT: OK, 2 of 2 files OK"
    assert told.lines == [progress_words(done.rule), "  OK: sandbox:stage.ok/0", "  OK: sandbox:stage.ok/1"]
    with sandbox.client() as client:
        assert {lock["state"] for lock in client.list_replica_locks(done.rule.id)} == {"OK"}
    report = sync([path], config)
    files = report.notebooks[0].requirements[0].files
    assert (report.exit_code, {file.access.value for file in files}) == (0, {"mount"})
    assert [file.path.read_text() for file in files if file.path] == ["stage.ok 0", "stage.ok 1"]


def as_admin(sandbox: Sandbox, config: Config) -> Config:
    """The same with an account that Rucio's generic policy lets change its rules."""
    password = load_state(sandbox.root / "state.json").root_password  # type: ignore[union-attr]
    login = Credentials(username="root", password=password)
    admin = config.instance()._replace(account="root", credentials=login)
    return config._replace(instances=(admin,), default=admin)


def test_a_rule_is_made_once_listed_and_removed(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    config = as_admin(sandbox, config)
    path = notebook(tmp_path, dataset(sandbox, "stage.again", "SANDBOX_POSIX"))
    (made,) = stage(path, config)
    (again,) = stage(path, config)
    assert made.rule is not None
    assert made.rule.expires is not None
    assert [made.act, again.act, again.rule] == ["made", "reused", made.rule]
    assert [each.rule for each in list_rules(path, config)] == [made.rule]
    assert [each.act for each in remove_rules(path, config)] == ["removed"]
    with sandbox.admin() as client:  # Rucio ends a removed rule by letting it expire soon
        assert client.get_replication_rule(made.rule.id)["expires_at"] < made.rule.expires.replace(tzinfo=None)


def test_an_account_that_may_not_remove_its_rule_is_told(
    sandbox: Sandbox, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.kept", "SANDBOX_POSIX"))
    stage(path, config)

    def refuse(_: RucioSession, __: object) -> None:  # as Rucio's generic policy does; the sandbox lets owners remove
        raise ServerRefusal("AccessDenied", "Account sandbox can not remove this replication rule.", 401)

    monkeypatch.setattr(RucioSession, "send", refuse)
    with pytest.raises(ConsentNeeded, match="Your account lacks permission"):
        remove_rules(path, config)


def test_rules_of_handles_without_access_rule_are_listed_and_removed(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    did = dataset(sandbox, "stage.named", "SANDBOX_POSIX")
    path = notebook(tmp_path, did, access=None)
    with pytest.raises(UsageError, match='access "rule"') as refused:
        stage(path, config)
    assert refused.value.next_command == f"nbrucio stage {path} data"
    (made,) = stage(path, config, handles=["data"])
    assert [each.rule for each in list_rules(path, config)] == [made.rule]
    assert [each.act for each in remove_rules(path, config)] == ["removed"]


def test_a_rule_is_renewed_once_half_of_its_time_is_over(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    config = as_admin(sandbox, config)
    path = notebook(tmp_path, dataset(sandbox, "stage.renewed", "SANDBOX_POSIX"))
    (made,) = stage(path, config, lifetime_s=3600)
    (early,) = stage(path, config, lifetime_s=3600)
    (renewed,) = stage(path, config, lifetime_s=DEFAULT_LIFETIME_S)
    assert [made.act, early.act, renewed.act] == ["made", "reused", "renewed"]
    assert renewed.rule is not None
    assert renewed.rule.expires is not None
    assert renewed.rule.expires > datetime.now(timezone.utc) + timedelta(days=13)


def test_an_account_that_may_not_renew_keeps_its_rule_and_is_told(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.expiring", "SANDBOX_POSIX"))
    (made,), told = stage(path, config, lifetime_s=3600), Lines()
    (kept,) = stage(path, config, reporter=told)
    assert (kept.act, kept.rule) == ("reused", made.rule)
    assert told.lines[-1].endswith(": your account may not renew it.")


def test_a_rule_that_the_user_made_otherwise_is_reused_and_never_removed(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    did = dataset(sandbox, "stage.theirs", "SANDBOX_POSIX")
    with sandbox.client() as client:
        (rule_id,) = client.add_replication_rule([{"scope": did.scope, "name": did.name}], 1, MOUNT)
    path = notebook(tmp_path, did)
    (reused,) = stage(path, config)
    assert reused.rule is not None
    assert (reused.act, reused.rule.id, reused.rule.expires) == ("reused", rule_id, None)
    assert remove_rules(path, config) == ()


def test_a_stuck_rule_comes_with_rucios_reason(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.stuck", "SANDBOX_HTTPS", 1))  # no way from https to file
    staged = stage(path, config)
    sandbox.transfer(2)
    told = Lines()
    (stuck,) = follow(staged, config, path, reporter=told, poll_s=0.01)
    assert told.lines[1:] == ["  STUCK: sandbox:stage.stuck/0"]
    assert stuck.rule is not None
    assert (stuck.rule.state, stuck.rule.stuck) == ("STUCK", 1)
    assert stuck.error is not None
    assert stuck.error.message.startswith("The rule for sandbox:stage.stuck at SANDBOX_MOUNT is STUCK (1 file): ")
    assert stuck.error.exit_code == 4


@contextmanager
def quota(sandbox: Sandbox, size_bytes: int) -> Iterator[None]:
    with sandbox.admin() as client:
        client.set_account_limit("sandbox", MOUNT, size_bytes, "local")
        try:
            yield
        finally:
            client.set_account_limit("sandbox", MOUNT, -1, "local")


def test_a_quota_that_is_used_up_is_told_in_words(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.quota", "SANDBOX_POSIX"))
    with quota(sandbox, 1):
        (refused,) = stage(path, config)
    assert refused.error is not None
    assert (refused.rule, refused.error.exit_code) == (None, 6)
    assert refused.error.message.startswith("The rule for sandbox:stage.quota exceeds your quota at sandbox: ")


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
    staged, cancel = stage(path, config), threading.Event()
    cancel.set()
    with pytest.raises(Interrupted, match="Rucio continues with the rules"):
        follow(staged, config, path, reporter=SilentReporter(), cancel=cancel)


def test_what_cannot_be_staged_is_refused(config: Config, tmp_path: Path) -> None:
    did = Did("sandbox", "dimuon")
    with pytest.raises(UsageError, match="is declared with access"):
        stage(notebook(tmp_path, did, None), config)
    with pytest.raises(BadDeclaration, match="is not declared"):
        stage(notebook(tmp_path, did), config, handles=["other"])
    with pytest.raises(BadConfig, match="SANDBOX_POSIX is not mounted on this machine"):
        stage(notebook(tmp_path, did), config, rse="SANDBOX_POSIX")
    bare = config.instance()._replace(mounts=())
    with pytest.raises(BadConfig, match="No RSE is mounted on this machine"):
        stage(notebook(tmp_path, did), config._replace(instances=(bare,), default=bare))


def test_a_selection_is_staged_file_by_file(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.part", "SANDBOX_POSIX"), None, select={"first": 1})
    (made,) = stage(path, config, handles=["data"])
    assert made.rule is not None
    assert str(made.rule.did) == "sandbox:stage.part/0"


# --- the stand-in for FTS3 --------------------------------------------------------------------------------------------


def job(source: str, destination: str, checksum: str | None = None) -> dict[str, Any]:
    file = {"sources": [source], "destinations": [destination], "checksum": checksum, "metadata": {"request_id": "1"}}
    return {"files": [file], "params": {"job_metadata": {"multi_sources": False}}}


def test_the_stand_in_copies_only_inside_its_folder_and_checks(tmp_path: Path) -> None:
    folder = tmp_path / "rses"
    folder.mkdir()
    (folder / "a").write_bytes(b"hello")
    (tmp_path / "secret").write_text("no")
    fts = Fts(folder)
    good = job(f"file://localhost:0{folder}/a", f"file://localhost:0{folder}/b/c", "ADLER32:062c0215")
    bad = job(f"file://localhost:0{folder}/a", f"file://localhost:0{folder}/d", "ADLER32:00000001")
    outside = job(f"file://{folder}/../secret", f"file://{folder}/e")
    ids = [fts.submit(each) for each in (good, bad, outside)]
    assert [each["job_state"] for each in fts.jobs(ids)] == ["FINISHED", "FAILED", "FAILED"]
    assert sorted(path.name for path in folder.rglob("*")) == ["a", "b", "c"]
    assert fts.jobs(["unknown"])[0]["http_status"] == "404 Not Found"


def rule_expires(sandbox: Sandbox, rule_id: str) -> datetime:
    with sandbox.admin() as client:
        expires: datetime = client.get_replication_rule(rule_id)["expires_at"]
    return expires.replace(tzinfo=timezone.utc)


def nearly_over(sandbox: Sandbox, config: Config, path: Path) -> str:
    """Stage, and take most of the rule's time away, also from what is remembered of it."""
    (made,) = stage(path, config)
    assert made.rule is not None
    with sandbox.admin() as client:
        client.update_replication_rule(made.rule.id, {"lifetime": 3600})
    staged = StagedRules(config.store_path)
    (kept,) = staged.read(path)
    staged.save(path, [kept._replace(expires=rule_expires(sandbox, made.rule.id))])
    return made.rule.id


def test_a_sync_renews_a_staged_rule_before_it_expires(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    config = as_admin(sandbox, config)
    path = notebook(tmp_path, dataset(sandbox, "stage.used", "SANDBOX_POSIX"))
    rule_id, told = nearly_over(sandbox, config, path), Lines()
    soon = rule_expires(sandbox, rule_id)
    sandbox.transfer()
    sync([path], config, options=Options(offline=True))
    assert rule_expires(sandbox, rule_id) == soon, "offline nobody is asked"
    assert sync([path], config, reporter=told).exit_code == 0
    assert rule_expires(sandbox, rule_id) > datetime.now(timezone.utc) + timedelta(days=13)
    assert told.lines[-1].startswith("sandbox:stage.used stays at SANDBOX_MOUNT until ")
    with new_requests(sandbox.access_log) as requests:
        sync([path], config)
    assert requests == [], "it has time again"


def test_a_rule_that_was_staged_under_the_bare_host_is_renewed(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    config = as_admin(sandbox, config)
    path = notebook(tmp_path, dataset(sandbox, "stage.former", "SANDBOX_POSIX"))
    rule_id, staged = nearly_over(sandbox, config, path), StagedRules(config.store_path)
    (kept,) = staged.read(path)
    staged.forget(path, *kept[:3])
    staged.save(path, [kept._replace(instance="127.0.0.1")])
    sync([path], config)
    assert rule_expires(sandbox, rule_id) > datetime.now(timezone.utc) + timedelta(days=13)
    assert [rule.instance for rule in staged.read(path)] == [kept.instance]


def test_a_notebook_that_nobody_staged_renews_nothing(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    """A rule costs quota; that another notebook declares the same data is no consent to that."""
    config = as_admin(sandbox, config)
    staged = notebook(tmp_path, dataset(sandbox, "stage.other", "SANDBOX_POSIX"))
    rule_id = nearly_over(sandbox, config, staged)
    soon = rule_expires(sandbox, rule_id)
    copied = tmp_path / "copied.ipynb"
    copied.write_bytes(staged.read_bytes())
    sync([copied], config)
    assert rule_expires(sandbox, rule_id) == soon
    notebook(tmp_path, Did("sandbox", "dimuon"))
    sync([staged], config)
    assert rule_expires(sandbox, rule_id) == soon, "it declares other data now"


def test_a_rule_that_may_not_be_renewed_is_told_once_a_day(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, dataset(sandbox, "stage.refused", "SANDBOX_POSIX"))
    nearly_over(sandbox, config, path)
    told = Lines()
    sync([path], config, reporter=told)
    assert told.lines[-1].startswith("sandbox:stage.refused stays at SANDBOX_MOUNT until ")
    assert "Your account lacks permission" in told.lines[-1]
    again = Lines()
    sync([path], config, reporter=again)
    assert again.lines == []


def test_a_rule_that_was_removed_is_not_kept_alive(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    config = as_admin(sandbox, config)
    path = notebook(tmp_path, dataset(sandbox, "stage.ended", "SANDBOX_POSIX"))
    stage(path, config)
    assert len(StagedRules(config.store_path).read(path)) == 1
    remove_rules(path, config)
    assert StagedRules(config.store_path).read(path) == ()


@pytest.mark.parametrize("text", [b"", b"[]", b'{"rules": [1]}', b'{"rules": [{"did": "x"}]}', b"\xff"])
def test_a_damaged_memory_of_rules_is_an_error_and_not_written_over(tmp_path: Path, text: bytes) -> None:
    staged, path = StagedRules(tmp_path), tmp_path / "nb.ipynb"
    rule = StagedRule("x", Did("s", "n"), "RSE", 10, datetime.now(timezone.utc))
    staged.save(path, [rule])
    assert staged.read(path) == (rule,)
    (file,) = (tmp_path / "staged").iterdir()
    file.write_bytes(text)
    for act in (
        lambda: staged.read(path),
        lambda: staged.save(path, [rule]),
        lambda: staged.forget(path, "x", Did("s", "n"), "RSE"),
    ):
        with pytest.raises(UnreadableFile, match=file.name):
            act()
    assert file.read_bytes() == text


def test_rules_that_cannot_be_read_are_mentioned_and_not_renewed(config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, Did("sandbox", "dimuon"))
    StagedRules(config.store_path).save(path, [StagedRule("x", Did("s", "n"), "RSE", 10, datetime.now(timezone.utc))])
    (file,) = (config.store_path / "staged").iterdir()
    file.write_bytes(b"{")
    told = Lines()
    sync([path], config, options=Options(offline=False), reporter=told)
    assert [line for line in told.lines if line.startswith(f"The rules of {path} were not renewed. {file} cannot be")]
    with pytest.raises(UnreadableFile, match=file.name):
        stage(path, config)
    with pytest.raises(UnreadableFile, match=file.name):
        remove_rules(path, config)
    assert file.read_bytes() == b"{"
