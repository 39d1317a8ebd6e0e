"""`nbrucio stage` and `nbrucio sync --stage`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.cli.conftest import Cli

Write = Callable[..., Path]


def test_staged_data_is_waited_for_and_then_used_in_place(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        file = NewFile(Did("sandbox", "cli.staged/0"), b"staged")
        add_files(client, [file], ["SANDBOX_POSIX"])
        add_dataset(client, "sandbox", "cli.staged", [file.did], closed=True)
    path = notebook({"did": "sandbox:cli.staged", "handle": "data", "access": "rule"})
    made = connected("stage", path)
    assert (made.exit_code, made.out) == (
        0,
        "'data' rule added: sandbox:cli.staged at SANDBOX_MOUNT: REPLICATING, 0 of 1 file OK\n",
    )
    assert connected("sandbox", "transfer", "--root", sandbox.root).exit_code == 0
    listed = connected("stage", path, "--list", "--json").facts["rules"][0]["rule"]
    assert (listed["state"], listed["ok"], listed["ours"]) == ("OK", 1, True)
    synced = connected("sync", path, "--stage", "--json")
    assert synced.exit_code == 0
    assert synced.facts["notebooks"][0]["requirements"][0]["files"][0]["access"] == "mount"


def test_notebooks_folders_and_handles_are_told_apart(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        for name in ("cli.muons", "cli.jets"):
            add_files(client, [NewFile(Did("sandbox", f"{name}/0"), b"staged")], ["SANDBOX_POSIX"])
            add_dataset(client, "sandbox", name, [Did("sandbox", f"{name}/0")], closed=True)
    muons, jets = {"did": "sandbox:cli.muons", "handle": "muons"}, {"did": "sandbox:cli.jets", "handle": "jets"}
    notebook(muons, jets, name="a.ipynb")
    notebook(muons, name="below/b.ipynb")
    (connected.folder / "jets").mkdir()  # links of a sync, for one
    made = connected("stage", "a.ipynb", "below", "muons", "jets", "--json")
    assert (made.exit_code, made.err) == (0, "")
    rows = [(one["notebook"], one["handle"], one["act"]) for one in made.facts["rules"]]
    assert rows == [
        ("a.ipynb", "muons", "made"),
        ("a.ipynb", "jets", "made"),
        ("below/b.ipynb", "muons", "reused"),
    ]
    assert len({one["rule"]["id"] for one in made.facts["rules"]}) == 2
    listed = connected("stage", "--list", "a.ipynb", "below/b.ipynb", "muons").out.splitlines()
    assert listed[1] == "below/b.ipynb 'muons' rule: sandbox:cli.muons at SANDBOX_MOUNT: REPLICATING, 0 of 1 file OK"


def test_options_that_exclude_each_other_are_refused(connected: Cli, notebook: Write) -> None:
    assert connected("stage", notebook(), "--list", "--remove").exit_code == 2


def test_the_stage_that_an_unreadable_file_suggests_works(
    connected: Cli, notebook: Write, placed: Callable[..., list[Path]]
) -> None:
    placed("cli.gone.dat", b"gone", "SANDBOX_HTTPS")[0].unlink()
    path = notebook({"did": "sandbox:cli.gone.dat", "handle": "gone"})
    done = connected("sync", path, "--json")
    command = f"nbrucio stage {path} gone"
    assert f"`{command}`" in done.err
    assert f"`{command}`" in done.facts["errors"][0]["hint"]
    assert connected(*command.split()[1:]).exit_code == 0
