"""``papermill --engine nbrucio``: the data first, then the cells; and a record of what was read."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import nbrucio_schemas
import pytest

import nbrucio
from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell, executed_cells, printed, value_of
from tests.support.access_log import new_requests

GONE = {"did": "sandbox:deleted.since", "handle": "small"}
CHOSEN = {"did": {"parameter": "dataset", "default": "sandbox:runners"}, "handle": "small"}


def papermill(shell: Shell, *words: object, **env: str) -> Any:
    return shell("papermill", "--engine", "nbrucio", "--no-progress-bar", *words, **env)


def test_the_cells_find_their_data_and_the_output_records_it(shell: Shell, small: dict[str, Any]) -> None:
    path = shell.notebook(small)
    before = path.read_bytes()
    done = papermill(shell, path, "out.ipynb")
    assert (done.exit_code, printed(shell.folder / "out.ipynb")) == (0, "read 15000\n"), done.err
    assert path.read_bytes() == before
    value = value_of(shell.folder / "out.ipynb")
    assert value["requirements"] == [small]
    assert (value["read"]["nbrucio"], value["read"]["time"][-1]) == (nbrucio.__version__, "Z")
    facts = value["read"]["data"]["small"]
    assert (facts["did"], facts["instance"], facts["type"]) == ("sandbox:runners", "sandbox.localhost", "DATASET")
    assert (facts["files"], facts["bytes"], facts["access"]) == (3, 15_000, {"download": 3})
    assert (facts["digest"][:7], len(facts["list"])) == ("sha256:", 3)
    jsonschema.Draft202012Validator(nbrucio_schemas.load("declaration-1")).validate(value)
    # Executed again, the output tells the new run.
    assert papermill(shell, "out.ipynb", "two.ipynb").exit_code == 0
    assert value_of(shell.folder / "two.ipynb")["read"]["data"]["small"]["access"] == {"store": 3}


def test_run_passes_parameters_too(shell: Shell, other: str) -> None:
    path = shell.notebook(CHOSEN)
    done = shell("nbrucio", "run", path, "out.ipynb", "-q", "-p", "dataset", other)
    assert (done.exit_code, printed(shell.folder / "out.ipynb")) == (0, "read 700\n"), done.err
    assert value_of(shell.folder / "out.ipynb")["read"]["data"]["small"]["did"] == other


def test_a_parameter_chooses_the_variant(shell: Shell, small: dict[str, Any]) -> None:
    path = shell.notebook(small)
    content = json.loads(path.read_text())
    content["metadata"]["nbrucio"] |= {
        "variants": {"dev": {"small": {"first": 1}}},
        "variant": {"parameter": "size"},
    }
    path.write_text(json.dumps(content))
    code = (
        "import sys; from pathlib import Path; from nbrucio.runners import ready\n"
        "with ready(Path(sys.argv[1]), {'size': 'dev'}) as here: print(here.report.requirements[0].size_bytes)"
    )
    done = shell("python", "-c", code, path)
    assert (done.exit_code, done.out) == (0, "5000\n"), done.err


@pytest.mark.parametrize(
    ("requirement", "words", "exit_code", "line"),
    [
        (GONE, (), 4, "Error: 'sandbox:deleted.since' does not exist in sandbox."),
        (CHOSEN, ("-p", "dataset", "nonsense"), 2, "the parameter 'dataset': 'nonsense' is not a DID"),
    ],
)
def test_without_its_data_no_cell_runs_and_one_line_says_why(
    shell: Shell, requirement: dict[str, Any], words: tuple[str, ...], exit_code: int, line: str
) -> None:
    done = papermill(shell, shell.notebook(requirement), "out.ipynb", *words)
    assert done.exit_code == exit_code
    assert line in done.last_line
    assert "Traceback" not in done.err
    assert executed_cells(shell.folder / "out.ipynb") == 0


def test_a_relative_path_and_another_working_directory_go_together(shell: Shell, small: dict[str, Any]) -> None:
    shell.notebook(small, name="deep/nb.ipynb")
    done = papermill(shell, "deep/nb.ipynb", "out.ipynb", "--cwd", "deep")
    assert (done.exit_code, printed(shell.folder / "out.ipynb")) == (0, "read 15000\n"), done.err


def test_a_notebook_from_elsewhere_works(shell: Shell, small: dict[str, Any]) -> None:
    path = shell.notebook(small)
    with path.open() as source:
        done = subprocess.run(
            [sys.executable, "-m", "papermill", "--engine", "nbrucio", "--no-progress-bar", "-", "out.ipynb"],
            stdin=source, cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, printed(shell.folder / "out.ipynb")) == (0, "read 15000\n"), done.stderr


def test_a_parameter_chooses_the_data_and_threads_do_not_mix_theirs(
    shell: Shell, small: dict[str, Any], other: str
) -> None:
    path = shell.notebook(CHOSEN)
    assert small
    code = (
        "import sys, papermill\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def run(name, values): papermill.execute_notebook(sys.argv[1], name, values, "
        "engine_name='nbrucio', progress_bar=False)\n"
        "with ThreadPoolExecutor() as pool: "
        f"list(pool.map(run, ['one.ipynb', 'two.ipynb'], [{{}}, {{'dataset': {other!r}}}]))\n"
    )
    done = shell("python", "-c", code, path)
    assert done.exit_code == 0, done.err
    assert printed(shell.folder / "one.ipynb") == "read 15000\n"
    assert printed(shell.folder / "two.ipynb") == "read 700\n"
    value = value_of(shell.folder / "two.ipynb")
    assert (value["requirements"], value["read"]["data"]["small"]["did"]) == ([CHOSEN], other)


def test_two_runs_at_once_on_an_empty_store_move_each_byte_once(
    shell: Shell, small: dict[str, Any], sandbox: Sandbox
) -> None:
    path = shell.notebook(small)
    with new_requests(sandbox.storage_log) as requests, ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda name: papermill(shell, path, name), ["one.ipynb", "two.ipynb"]))
    assert [run.exit_code for run in runs] == [0, 0], runs
    sent = sum(request.size_bytes for request in requests if request.method == "GET")
    assert sent == 15_000
    assert printed(shell.folder / "one.ipynb") == printed(shell.folder / "two.ipynb") == "read 15000\n"


def test_the_entry_point_imports_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules)\nimport nbrucio.runners.papermill\n"
        "print(sorted(set(sys.modules) - before - {'__future__'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['nbrucio', 'nbrucio.runners', 'nbrucio.runners.papermill']\n"


def test_a_broken_nbrucio_does_not_break_papermill(shell: Shell, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "nbrucio"
    real = Path(nbrucio.__file__).parent
    (broken / "runners").mkdir(parents=True)
    for name in ("__init__.py", "runners/__init__.py", "runners/papermill.py"):
        (broken / name).write_text((real / name).read_text())
    for name in ("errors.py", "runners/papermill_engine.py"):
        (broken / name).write_text("raise RuntimeError('broken')\n")
    done = shell("papermill", "--version", PYTHONPATH=str(broken.parent))
    assert (done.exit_code, done.err) == (0, "")
