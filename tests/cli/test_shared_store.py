"""A group's store below one's own: from the setting to the data in code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.support.access_log import new_requests

Write = Callable[..., Path]


@pytest.fixture
def member(connected: Cli, sandbox: Sandbox, tmp_path: Path) -> Cli:
    """A member of a group whose store the configuration names."""
    text = Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text()
    file = tmp_path / "config.toml"
    file.write_text(text.replace("[store]\n", f'[store]\nshared = ["{tmp_path}/group"]\n'))
    file.chmod(0o600)
    return Cli(connected.folder, connected.env | {"NBRUCIO_CONFIG": str(file)})


def test_what_the_group_has_is_used_in_place_and_the_rest_is_downloaded(
    member: Cli, connected: Cli, notebook: Write, sandbox: Sandbox, tmp_path: Path
) -> None:
    group = tmp_path / "group"
    first = notebook({"did": "sandbox:dimuon", "handle": "mu"})
    assert connected("sync", first, NBRUCIO_STORE=str(group)).exit_code == 0
    there = sorted(path for path in group.rglob("*.root") if "objects" in path.parts)
    path = notebook({"did": "sandbox:dimuon", "handle": "mu"}, name="mine.ipynb")
    assert member("lock", path).exit_code == 0
    with new_requests(sandbox.storage_log) as downloads:
        synced = member("sync", path, "--json")
    assert (synced.exit_code, synced.facts["downloaded_files"], downloads) == (0, 0, [])
    used = [Path(line) for line in member("paths", path).out.split()]
    assert sorted(used) == there
    read = 'import nbrucio; print(sum(len(open(path, "rb").read()) for path in nbrucio.data["mu"]))'
    reader = Cli(member.folder, member.env | {"NBRUCIO_NOTEBOOK": str(path)})
    assert int(reader.python(read)) == sum(file.stat().st_size for file in there)
    there[0].chmod(0o600)
    there[0].unlink()
    (row,) = member("status", path, "--json").facts["notebooks"][0]["requirements"]
    assert (row["state"], row["here_files"]) == ("partial", 3)
    again = member("sync", path, "--json")
    assert (again.exit_code, again.facts["downloaded_files"]) == (0, 1)
    assert len([file for file in member.store.rglob("*.root") if "objects" in file.parts]) == 1
    assert not there[0].exists(), "nothing is written to the group's store"


def test_cleaning_ones_own_store_leaves_the_groups_alone(member: Cli, notebook: Write, tmp_path: Path) -> None:
    group = tmp_path / "group"
    path = notebook({"did": "sandbox:dimuon", "handle": "mu"})
    assert member("sync", path, NBRUCIO_STORE=str(group)).exit_code == 0
    before = sorted(group.rglob("*.root"))
    assert member("sync", path).exit_code == 0
    assert member("store", "gc", "--to", "0").exit_code == 0
    assert sorted(group.rglob("*.root")) == before
    assert "1 of 1 ready" in member("status", path).out


def test_the_setting_is_shown_with_its_origin_and_a_wrong_one_is_named(member: Cli, tmp_path: Path) -> None:
    shown = member("config", "show", "--origin").out
    assert f'shared = ["{tmp_path}/group"]' in shown
    assert "config.toml:" in next(line for line in shown.splitlines() if line.startswith("shared"))
    file = Path(member.env["NBRUCIO_CONFIG"])
    file.write_text(file.read_text().replace(f'["{tmp_path}/group"]', "3"))
    wrong = member("status", "nb.ipynb")
    assert wrong.exit_code == 2
    assert "shared" in wrong.err
