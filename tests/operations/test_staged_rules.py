"""A sync renews the rules that were staged for its notebook, on a real server, and no others."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.errors import UnreadableFile
from nbrucio.operations.stage import remove_rules, stage
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.state.staged_rules import StagedRule, StagedRules
from tests.support.access_log import new_requests
from tests.support.staging import Lines, as_admin, dataset, notebook


def rule_expires(sandbox: Sandbox, rule_id: str) -> datetime:
    with sandbox.admin() as client:
        expires: datetime = client.get_replication_rule(rule_id)["expires_at"]
    return expires.replace(tzinfo=timezone.utc)


def nearly_over(sandbox: Sandbox, config: Config, path: Path) -> str:
    """Stage, and take most of the rule's time away, also from what is remembered of it."""
    (made,) = stage([path], config).rules
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
    stage([path], config)
    assert len(StagedRules(config.store_path).read(path)) == 1
    remove_rules([path], config)
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
        stage([path], config)
    with pytest.raises(UnreadableFile, match=file.name):
        remove_rules([path], config)
    assert file.read_bytes() == b"{"
