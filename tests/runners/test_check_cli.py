"""``nbrucio check`` and ``nbrucio diff`` as CI, pre-commit and git call them."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files, attach
from tests.runners.conftest import Shell
from tests.support.access_log import new_requests

ROOT = Path(__file__).parents[2]


def codes(done: Any) -> list[str]:
    return [finding["code"] for notebook in json.loads(done.out)["notebooks"] for finding in notebook["findings"]]


def locked(shell: Shell, *requirements: dict[str, Any], name: str = "nb.ipynb") -> Path:
    path = shell.notebook(*requirements, name=name)
    done = shell("nbrucio", "lock", path)
    assert done.exit_code == 0, done.err
    return path


def test_a_locked_notebook_whose_data_is_there_passes(shell: Shell, small: dict[str, Any]) -> None:
    done = shell("nbrucio", "check", locked(shell, small))
    assert (done.exit_code, done.out) == (0, "No findings in 1 notebook.\n")


def test_changed_and_vanished_data_fail_with_codes_of_their_own(shell: Shell, sandbox: Sandbox) -> None:
    files = [NewFile(Did("sandbox", f"checked/{n}"), b"x") for n in range(3)]
    with sandbox.admin() as client:
        add_files(client, files[:2], ["SANDBOX_HTTPS"])
        add_dataset(client, "sandbox", "checked", [file.did for file in files[:2]])
    path = locked(shell, {"did": "sandbox:checked", "handle": "small"})
    with sandbox.admin() as client:
        add_files(client, files[2:], ["SANDBOX_HTTPS"])
        attach(client, "sandbox", "checked", [files[2].did])
    done = shell("nbrucio", "check", path, "--json")
    assert (done.exit_code, codes(done)) == (3, ["drift"])
    with sandbox.admin() as client:
        lost = {"scope": "sandbox", "name": "checked/0", "rse": "SANDBOX_HTTPS"}
        client.declare_bad_file_replicas([lost], "lost")
    done = shell("nbrucio", "check", path, "--json")
    assert (done.exit_code, codes(done)) == (4, ["drift", "no-replica"])
    gone = shell.notebook({"did": "sandbox:deleted.since", "handle": "small"})
    done = shell("nbrucio", "check", gone, "--json")
    assert (done.exit_code, codes(done)) == (10, ["lock-stale", "did-not-found"])


def test_offline_asks_nobody(shell: Shell, small: dict[str, Any], sandbox: Sandbox, tmp_path: Path) -> None:
    path = locked(shell, small)
    shell.notebook(small, name="sub/unlocked.ipynb")
    with new_requests(sandbox.access_log) as requests:
        report = tmp_path / "reports" / "junit.xml"
        done = shell("nbrucio", "check", "--offline", "--github", "--junit", report, ".")
    assert (done.exit_code, requests) == (10, [])
    assert done.out.startswith("::error file=sub/unlocked.ipynb,title=nbrucio%3A lock-stale::")
    assert [len(case) for case in ET.fromstring(report.read_bytes())[0]] == [0, 1]
    assert shell("nbrucio", "check", "--offline", path).exit_code == 0


def test_pre_commit_accepts_the_hook_and_runs_it(shell: Shell, small: dict[str, Any]) -> None:
    hooks = ROOT / ".pre-commit-hooks.yaml"
    assert shell("pre-commit", "validate-manifest", hooks).exit_code == 0
    (hook,) = yaml.safe_load(hooks.read_text())
    git(shell, "init", "-q")
    # As a user has it, but for the environment that pre-commit would build first.
    local = {**hook, "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (shell.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    shell.notebook(small)
    (shell.folder / "other.txt").write_text("no notebook")
    git(shell, "add", ".")
    done = shell("pre-commit", "run")
    assert done.exit_code == 1
    assert "lock-stale: 'small' (sandbox:runners) has no lock." in done.out
    shell("nbrucio", "lock", "nb.ipynb")
    git(shell, "add", ".")
    assert shell("pre-commit", "run").exit_code == 0


def git(shell: Shell, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    done = subprocess.run(
        ["git", *who, *words], cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def two_commits(shell: Shell, small: dict[str, Any], other: str) -> Shell:
    """A repository in which a notebook's data changed once, and its code once more."""
    git(shell, "init", "-q")
    (shell.folder / ".gitattributes").write_text("*.ipynb diff=nbrucio\n")
    path = locked(shell, small)
    git(shell, "add", ".")
    git(shell, "commit", "-qm", "one")
    assert shell("nbrucio", "add", path, other, "--as", "more").exit_code == 0
    git(shell, "commit", "-qam", "two")
    return shell


def test_git_shows_the_data_by_textconv(two_commits: Shell) -> None:
    git(two_commits, "config", "diff.nbrucio.textconv", "nbrucio diff --textconv")
    shown = git(two_commits, "diff", "HEAD~1")
    assert "+more: sandbox:runners.other at sandbox.localhost\n+  files 1\n+  bytes 700\n" in shown
    assert "execution_count" not in shown
    # A notebook in a merge conflict still has a diff.
    (two_commits.folder / "nb.ipynb").write_text("<<<<<<< ours")
    assert "+'nb.ipynb' is not valid JSON" in git(two_commits, "diff").replace(str(two_commits.folder), "")


def test_git_calls_it_as_its_diff_command(two_commits: Shell) -> None:
    git(two_commits, "config", "diff.nbrucio.command", "nbrucio diff --git")
    shown = git(two_commits, "diff", "HEAD~1")
    lines = shown.splitlines()
    assert lines[0] == "Data of nb.ipynb:"
    assert lines[1].startswith("  added    more  sandbox:runners.other (1 file, 700 B, ")
    git(two_commits, "mv", "nb.ipynb", "renamed.ipynb")
    git(two_commits, "diff", "HEAD")
    (two_commits.folder / "new.ipynb").write_bytes((two_commits.folder / "renamed.ipynb").read_bytes())
    git(two_commits, "add", "-N", "new.ipynb")
    assert "added    small  sandbox:runners (3 files" in git(two_commits, "diff", "--", "new.ipynb")


def test_the_same_data_ends_with_0_and_other_with_3(shell: Shell, small: dict[str, Any], other: str) -> None:
    one, two = locked(shell, small, name="one.ipynb"), locked(shell, small, name="two.ipynb")
    same = shell("nbrucio", "diff", one, two)
    assert (same.exit_code, same.out) == (0, "The data is the same.\n")
    different = locked(shell, {"did": other, "handle": "small"}, name="three.ipynb")
    done = shell("nbrucio", "diff", one, different, "--json")
    facts = json.loads(done.out)
    assert (done.exit_code, facts["exit_code"]) == (3, 3)
    (change,) = facts["changes"]
    assert (change["change"], change["old"]["bytes"], change["new"]["bytes"]) == ("changed", 15_000, 700)
    # The store remembers both lists from the locking.
    assert change["files"]["added"] == ["sandbox:runners/other.dat"]
    assert len(change["files"]["removed"]) == 3
    assert shell("nbrucio", "diff", one, different).out.startswith(
        "changed  small  sandbox:runners (3 files, 15.0 kB, "
    )
