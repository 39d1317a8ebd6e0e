"""A newcomer types what the README shows, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import yaml
from nbrucio_cli.app import root

from nbrucio.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
#: Needs an account at an experiment in the README; a dataset of the sandbox takes its place.
DATASET = "user.jdoe:dimuon.2012"


def test_the_first_lines_work_as_they_are_typed(sandbox: Sandbox, tmp_path: Path) -> None:
    commands, code = re.findall(r"```(?:console|python)\n(.*?)```", README, re.DOTALL)[:2]
    assert DATASET in commands
    folder = tmp_path / "empty"
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NBRUCIO_", "RUCIO_"))}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "NBRUCIO_STORE": str(tmp_path / "store"), "NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    env = {**kept, **sandbox.env(), **own, "NBRUCIO_GRANTS": str(tmp_path / "grants.json")}

    def typed(command: str) -> str:
        done = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    outputs = [typed(line.removeprefix("$ ")) for line in commands.replace(DATASET, "sandbox:dimuon").splitlines()]
    assert "1 of 1 ready" in outputs[-1]
    (folder / "look.py").write_text(code + "print(len(events))\n", encoding="utf-8")
    assert typed("python look.py") == "400000\n"


#: Words of the README, and the test that shows what they say; a figure names the page with its command.
SHOWN = {
    "downloads the files on any": "cli/test_init_to_sync.py::test_a_new_notebook_goes_from_nothing_to_data_in_code",
    "nbrucio.filesets(tree=": (
        "world/cluster/test_filesets.py::test_coffea_preprocesses_and_runs_a_fileset_of_paths_mounts_and_urls"
    ),
    "ROOT.RDataFrame(": "world/cluster/test_filesets.py::test_root_reads_a_specification_and_the_paths",
    "carries its declaration and its lock": "cli/test_init_to_sync.py::test_adding_writes_the_instance_and_the_lock",
    "prints the paths of the executed notebook": (
        "cli/test_demo.py::test_the_demo_ends_with_a_plot_and_what_to_try_next"
    ),
    "[tutorial]": "docs/test_tutorial.py::test_a_page_prints_what_it_shows",
    "runs unchanged on a laptop": "world/cluster/test_notebook.py::test_jobs_of_slurm_read_the_copy_of_their_node",
    "This also builds the JupyterLab panel": (
        "world/test_install_from_checkout.py::test_pip_install_of_a_checkout_builds_the_panel"
    ),
    "or fails and says": (
        "world/test_install_from_checkout.py::test_a_panel_that_cannot_be_built_fails_the_installation_with_the_way_out"
    ),
    "the same `rucio.cfg` and login": "config/test_default_instance.py::test_a_rucio_cfg_is_the_default_instance",
    "`nbrucio config init` asks": "cli/test_config_init.py::test_questions_are_asked_at_a_terminal",
    "| says in the notebook which data": "cli/test_init_to_sync.py::test_adding_writes_the_instance_and_the_lock",
    "| the same notebook in JupyterLab": "runners/test_every_runner.py::test_every_form_of_use_works_on_an_empty_store",
    "| kernels |": "jupyter/test_other_kernels.py::test_r_reads_the_manifest",
    "| one cache for all notebooks": "cli/test_init_to_sync.py::test_a_file_that_two_notebooks_need_is_brought_once",
    "with a size limit": (
        "cli/test_store_verb.py::test_a_sync_stays_within_max_store_by_removing_the_least_recently_used_if_allowed"
    ),
    "| 1,000 files of 1 MB over https": "benchmarks.md: 12.2 times",
    "| nothing to do, 1,000 files": "benchmarks.md: 153 times faster",
    "| replicas by rule on a mounted disk": (
        "operations/test_stage.py::test_a_rule_goes_from_replicating_to_ok_and_the_mounted_copy_is_read"
    ),
    "both go on working beside nbrucio": "world/test_rucio_jupyterlab.py::test_old_notebooks_show_the_same",
    "is downloaded when the notebook opens": (
        "jupyter/test_open_policy.py::test_an_explicit_sync_is_consent_also_for_the_next_opening"
    ),
    "that you agreed to": "jupyter/test_open_policy.py::test_nothing_is_downloaded_before_somebody_agreed",
    "a cell waits for it": "e2e/test_lab.py::test_restart_kernel_and_run_all_reads_its_data_every_time",
    "searches Rucio, attaches data": (
        "e2e/test_explore.py::test_four_clicks_and_one_search_from_lab_to_a_cell_that_read_the_data"
    ),
    "[no configuration]": (
        "jupyter/test_session_config.py::test_server_kernel_and_terminal_know_the_instances_of_the_session"
    ),
    "`nbrucio check --offline` checks": "runners/test_check_cli.py::test_offline_asks_nobody",
    "only after its length and checksum are right": (
        "cli/test_bad_input.py::test_a_file_whose_every_replica_is_corrupted"
    ),
    "nbrucio tries": "cli/test_bad_input.py::test_a_corrupted_replica_is_passed_over",
    "0 means that all data is available": (
        "cli/test_bad_input.py::test_rucio_download_ends_with_0_when_nothing_came_and_we_do_not"
    ),
    "A second sync sends no request": "cli/test_init_to_sync.py::test_the_second_sync_asks_nobody",
    "A killed sync leaves no incomplete file": (
        "cli/test_bad_input.py::test_a_killed_sync_leaves_no_file_and_the_next_one_completes"
    ),
    "it never supplies hosts": "docs/test_threats.py::test_every_attempt_has_a_test_that_exists",
    "a promise of what stays": "test_api.py::test_the_public_names_are_those_of_the_page",
}
#: Rows of the table that say what others do or what nbrucio does not do.
OF_OTHERS = ("| accounts, quotas", "| srm and gsiftp", "| downloads by URL", "| released,")


def test_every_statement_has_a_test_that_exists() -> None:
    for words, test in SHOWN.items():
        assert words in README, words
        file, _, name = test.partition("::")
        if name:
            assert f"def {name}(" in (ROOT / "tests" / file).read_text("utf-8"), test
        else:
            page, _, figure = test.partition(": ")
            assert figure in (ROOT / "docs" / page).read_text("utf-8"), test


def test_no_row_and_no_promise_is_without_one() -> None:
    table = README.partition("## Why")[2].partition("\n\n[")[0]
    promises = README.partition("## What you can rely on")[2].partition("## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| |")]
    points = re.findall(r"^- (?:.*\n(?:  .*\n)*)", promises, re.MULTILINE)
    assert (len(lines), len(points)) == (11, 6)
    for text in [*lines, *points]:
        assert any(words in text for words in SHOWN) or text.startswith(OF_OTHERS), text


def test_the_job_for_gitlab_is_yaml_of_commands_that_exist() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    job = yaml.safe_load(block)["notebooks"]
    assert len(block.splitlines()) <= 9
    assert job["cache"]["paths"] == [job["variables"]["NBRUCIO_STORE"]]
    for line in job["script"]:
        assert line.startswith("pip ") or line.split()[1] in root.list_commands(click.Context(root))
