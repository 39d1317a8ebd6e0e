"""The main job on the command line: declare, sync, look, use."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli

Write = Callable[..., Path]
DIMUON = {"did": "sandbox:dimuon", "handle": "dimuon"}


def requests(sandbox: Sandbox) -> int:
    """Requests of nbrucio; those of the content's admin may be logged late."""
    return sum('"nbrucio/' in line for line in sandbox.access_log.read_text().splitlines())


def test_a_new_notebook_goes_from_nothing_to_data_in_code(connected: Cli) -> None:
    assert connected("init", "new.ipynb").out == "Created new.ipynb\nnext: nbrucio add new.ipynb SCOPE:NAME\n"
    added = connected("add", "new.ipynb", "sandbox:dimuon", "--as", "muons")
    assert added.out.startswith("Added sandbox:dimuon as 'muons' (DATASET, 4 files, ")
    synced = connected("sync", "new.ipynb")
    assert (synced.exit_code, synced.out.splitlines()[-1].split(",")[0]) == (0, "1 of 1 ready")
    code = (
        "import os; os.environ['NBRUCIO_NOTEBOOK'] = 'new.ipynb'\n"
        "import nbrucio, uproot; muons = nbrucio.data['muons']\n"
        "print(muons.did, len(muons), sum(uproot.open(path)['Events'].num_entries for path in muons))"
    )
    did, files, events = connected.python(code).split()
    assert (did, files) == ("sandbox:dimuon", "4")
    assert 300_000 < int(events) < 500_000


def test_adding_writes_the_instance_and_the_lock(connected: Cli) -> None:
    connected("init", "new.ipynb")
    connected("add", "new.ipynb", "sandbox:dimuon", "sandbox:growing")
    value = json.loads((connected.folder / "new.ipynb").read_text())["metadata"]["nbrucio"]
    assert value["requirements"] == [
        {"did": "sandbox:dimuon", "handle": "dimuon", "instance": "sandbox.localhost"},
        {"did": "sandbox:growing", "handle": "growing", "instance": "sandbox.localhost"},
    ]
    assert (value["lock"]["dimuon"]["files"], value["lock"]["dimuon"]["open"]) == (4, False)
    assert len(value["lock"]["growing"]["pinned"]) == value["lock"]["growing"]["files"] == 2


def test_sync_never_writes_the_notebook(connected: Cli, notebook: Write) -> None:
    path = notebook(DIMUON)
    before = path.read_bytes()
    assert connected("sync", path).exit_code == 0
    assert path.read_bytes() == before


def test_the_second_sync_asks_nobody(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook(DIMUON, {"did": "sandbox:muons", "handle": "all"})
    assert connected("sync", path).exit_code == 0
    before, storage = requests(sandbox), sandbox.storage_log.read_text()
    again = connected("sync", path, "--json")
    assert (again.exit_code, again.facts["downloaded_files"]) == (0, 0)
    assert requests(sandbox) == before
    assert sandbox.storage_log.read_text() == storage


def test_what_is_locked_and_here_is_used_without_a_validator(connected: Cli, notebook: Write) -> None:
    path = notebook(DIMUON)
    assert connected("lock", path).exit_code == connected("sync", path).exit_code == 0
    told = [connected(verb, path, PYTHONPROFILEIMPORTTIME="1") for verb in ("status", "sync", "paths", "lock")]
    assert all("nbrucio.notebook.ipynb" in each.err for each in told)
    loads = ["jsonschema" in each.err or "nbformat" in each.err for each in told]
    assert loads == [False, False, False, True]
    code = f"import os, sys; os.environ['NBRUCIO_NOTEBOOK'] = {str(path)!r}\n"
    code += "import nbrucio; assert len(nbrucio.data['dimuon']) == 4; print(*sys.modules)"
    assert not {"jsonschema", "nbformat"} & set(connected.python(code).split())


def test_the_first_sync_costs_four_requests(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook(DIMUON)
    before = requests(sandbox)
    assert connected("sync", path).exit_code == 0
    assert requests(sandbox) - before <= 4


def test_the_first_sync_of_a_thousand_files_costs_no_more(
    connected: Cli, notebook: Write, sandbox: Sandbox, thousand: str
) -> None:
    path = notebook({"did": thousand, "handle": "many"})
    before = requests(sandbox)
    result = connected("sync", path, "--json")
    assert (result.exit_code, result.facts["downloaded_files"]) == (0, 1000)
    assert requests(sandbox) - before <= 4


def test_a_file_that_two_notebooks_need_is_brought_once(connected: Cli, notebook: Write) -> None:
    one, two = (
        notebook(DIMUON, name="a/one.ipynb"),
        notebook({"did": "sandbox:muons", "handle": "m"}, name="a/two.ipynb"),
    )
    facts = connected("sync", "a", "--json").facts
    assert [Path(each["notebook"]).name for each in facts["notebooks"]] == [one.name, two.name]
    assert facts["downloaded_files"] == 6  # four of dimuon, two more of the container


def test_status_tells_what_is_here_without_asking(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook(DIMUON)
    before = requests(sandbox)
    unknown = connected("status", path)
    assert "failed" in unknown.out
    assert f"next: nbrucio sync {path}" in unknown.out
    assert requests(sandbox) == before
    connected("sync", path)
    ready = connected("status", path)
    assert (ready.exit_code, ready.out.splitlines()[-1]) == (0, "1 of 1 ready")
    assert ready.out.splitlines()[1].split()[:3] == ["ready", "dimuon", "sandbox:dimuon"]


def test_paths_prints_files_that_are_there(connected: Cli, notebook: Write) -> None:
    path = notebook(DIMUON)
    connected("sync", path)
    printed = connected("paths", path, "dimuon").out.splitlines()
    assert len(printed) == 4
    assert all(Path(line).is_file() for line in printed)
    folder = Path(connected("paths", path, "--folder").out.strip())
    assert sorted(link.resolve() for link in folder.rglob("*.root")) == sorted(Path(line).resolve() for line in printed)


def test_a_mounted_replica_is_used_in_place(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook({"did": "sandbox:mounted", "handle": "here"})
    facts = connected("sync", path, "--json").facts
    files = facts["notebooks"][0]["requirements"][0]["files"]
    assert (facts["downloaded_bytes"], {file["access"] for file in files}) == (0, {"mount"})
    assert all(Path(file["path"]).is_relative_to(sandbox.root / "storage") for file in files)


def test_what_was_brought_has_the_catalogues_bytes(connected: Cli, notebook: Write) -> None:
    path = notebook(DIMUON)
    connected("sync", path)
    status = connected("status", path, "--json").facts
    for file in status["notebooks"][0]["requirements"][0]["files"]:
        content = Path(file["path"]).read_bytes()
        assert len(content) == file["bytes"]
        assert f"adler32:{zlib.adler32(content):08x}" == file["checksum"]


def test_a_selection_brings_only_what_it_selects(connected: Cli, notebook: Write) -> None:
    path = notebook({**DIMUON, "select": {"first": 1}})
    facts = connected("sync", path, "--json").facts
    assert facts["downloaded_files"] == 1
    assert len(facts["notebooks"][0]["requirements"][0]["files"]) == 1


def test_removing_and_locking_twice_change_nothing_more(connected: Cli) -> None:
    connected("init", "new.ipynb")
    connected("add", "new.ipynb", "sandbox:dimuon", "sandbox:growing")
    connected("remove", "new.ipynb", "growing")
    digest = hashlib.sha256((connected.folder / "new.ipynb").read_bytes()).hexdigest()
    assert connected("lock", "new.ipynb").out.splitlines()[-1] == "new.ipynb is already locked."
    assert connected("lock", "new.ipynb", "--upgrade").exit_code == 0
    assert hashlib.sha256((connected.folder / "new.ipynb").read_bytes()).hexdigest() == digest


def test_attachments_of_the_other_extension_sync_and_are_taken_over(connected: Cli) -> None:
    attached = [{"did": "sandbox:dimuon", "type": "collection", "variableName": "ds"}]
    content = {"cells": [], "metadata": {"rucio_attachments": attached}, "nbformat": 4, "nbformat_minor": 5}
    path = connected.folder / "old.ipynb"
    path.write_text(json.dumps(content))
    assert connected("sync", path).exit_code == 0
    connected("add", path, "sandbox:growing")
    metadata = json.loads(path.read_text())["metadata"]
    assert metadata["rucio_attachments"] == attached
    assert [each["handle"] for each in metadata["nbrucio"]["requirements"]] == ["ds", "growing"]


def test_run_executes_a_notebook_on_its_data(connected: Cli, notebook: Write) -> None:
    path = notebook(DIMUON, kernelspec={"name": "python3", "language": "python", "display_name": "Python 3"})
    content = json.loads(path.read_text())
    source = "import nbrucio\nprint('files:', len(nbrucio.data['dimuon']), 'times', factor)"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    parameters = {**cell, "id": "b", "source": "factor = 1", "metadata": {"tags": ["parameters"]}}
    path.write_text(json.dumps({**content, "cells": [parameters, cell]}))
    result = connected("run", path, "-p", "factor", "3")
    assert result.exit_code == 0, result.err
    assert "files: 4 times 3" in (path.parent / "nb.out.ipynb").read_text()
    assert "WARNING" not in result.err  # of ipykernel, about what goes to the kernel unencrypted


@pytest.mark.parametrize(
    "says",
    [{}, {"language_info": {"name": "Python"}}, {"kernelspec": {"name": "python3", "display_name": "Python 3"}}],
    ids=["nothing", "language", "kernel"],
)
def test_run_finds_the_kernel_that_a_notebook_does_not_name(
    connected: Cli, notebook: Write, says: dict[str, object]
) -> None:
    path = notebook(**says)
    content = json.loads(path.read_text())
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "print('n =', n)", "outputs": []}
    path.write_text(json.dumps({**content, "cells": [{**cell, "execution_count": None}]}))
    result = connected("run", path, "-q", "-p", "n", "3")
    assert result.exit_code == 0, result.err
    assert "n = 3" in path.with_suffix(".out.ipynb").read_text()


@pytest.mark.parametrize(
    ("says", "options", "wanted"),
    [
        ({}, ["-k", "nope"], "The notebook needs the kernel 'nope', which is not installed."),
        (
            {"language_info": {"name": "fortran"}},
            [],
            "The notebook does not name a kernel, and no kernel for fortran is installed.",
        ),
    ],
    ids=["asked for", "of the language"],
)
def test_run_says_which_kernel_is_not_installed(
    connected: Cli, notebook: Write, says: dict[str, object], options: list[str], wanted: str
) -> None:
    result = connected("run", notebook(**says), "-q", *options)
    assert (result.exit_code, result.out) == (2, ""), result.err
    assert f"error: {wanted}\n" in result.err
    assert "next: jupyter kernelspec list\n" in result.err


def test_run_says_that_parameters_cannot_be_written_in_a_language(connected: Cli, notebook: Write) -> None:
    path = notebook(kernelspec={"name": "python3", "language": "klingon", "display_name": "tlhIngan"})
    result = connected("run", path, "-q", "-p", "n", "3")
    assert (result.exit_code, result.out) == (2, ""), result.err
    assert "error: papermill cannot run the notebook: No parameter translator functions" in result.err


def test_run_tells_which_cell_failed(connected: Cli, notebook: Write) -> None:
    path = notebook(kernelspec={"name": "python3", "language": "python", "display_name": "Python 3"})
    content = json.loads(path.read_text())
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1/0", "outputs": [], "execution_count": None}
    path.write_text(json.dumps({**content, "cells": [cell]}))
    result = connected("run", path, "-q")
    assert (result.exit_code, result.out) == (1, "")
    assert "failed: ZeroDivisionError: division by zero\n" in result.err


def test_search_and_show_look_around(connected: Cli) -> None:
    found = connected("search", "sandbox:dim*")
    assert found.out.split()[:2] == ["DATASET", "sandbox:dimuon"]
    shown = connected("show", "sandbox:dimuon", "--json").facts
    assert (shown["type"], len(shown["files"]), shown["replicas"]["SANDBOX_HTTPS"]) == ("DATASET", 4, 4)


def test_the_lines_of_sandbox_env_are_shell(connected: Cli, sandbox: Sandbox) -> None:
    printed = connected("sandbox", "env", "--root", sandbox.root).out
    done = subprocess.run(["sh", "-c", f"{printed}\necho $NBRUCIO_CONFIG"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sandbox.env()["NBRUCIO_CONFIG"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_command(cli: Cli, shell: str) -> None:
    assert "_NBRUCIO_COMPLETE" in cli("completion", shell).out


def test_paths_and_verify_before_a_sync_name_the_sync_and_are_not_offline(connected: Cli) -> None:
    connected("init", "my data.ipynb")
    connected("add", "my data.ipynb", "sandbox:growing", "--as", "x")
    before = connected("paths", "my data.ipynb")
    assert (before.exit_code, before.out) == (4, "")
    assert before.err.splitlines()[0] == (
        "error: sandbox:growing.1.root is not cached. The same for 1 more; --json lists them."
    )
    assert before.err.splitlines()[1:] == ["", "next: nbrucio sync 'my data.ipynb'"]
    (error, _) = connected("paths", "my data.ipynb", "--json").facts["errors"]
    assert (error["code"], error["next_command"]) == ("unavailable", "nbrucio sync 'my data.ipynb'")
    without = connected("paths", "my data.ipynb", NBRUCIO_SAFE="1")
    assert without.exit_code == 8
    assert "sandbox:growing.1.root is not cached, and nbrucio is offline." in without.err
    assert without.err.endswith("hint: Run `nbrucio sync 'my data.ipynb'` once with a network.\n")
    assert connected("sync", "my data.ipynb").exit_code == 0
    assert connected("paths", "my data.ipynb").exit_code == 0


@pytest.mark.parametrize("verb", ["paths", "verify"])
def test_data_that_was_never_resolved_here_is_not_called_offline(connected: Cli, notebook: Write, verb: str) -> None:
    path = notebook(DIMUON)
    done = connected(verb, path)
    assert done.exit_code == 4
    assert done.err == (
        f"error: The file list of sandbox:dimuon is not on this machine.\n\nnext: nbrucio sync {path}\n"
    )
    without = connected(verb, path, NBRUCIO_SAFE="1")
    assert (without.exit_code, "nbrucio is offline and has never resolved" in without.err) == (8, True)
