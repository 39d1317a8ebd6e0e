"""`nbrucio run` with kernels that do not start, end, print or are interrupted: one error each, and no traceback."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.runners.conftest import Shell

KERNELS = {
    "gone": ["/no/such/program", "-f", "{connection_file}"],
    "mute": ["sh", "-c", "echo No module named ipykernel >&2; exit 3"],
}


def _run_with(shell: Shell, kernel: str) -> str:
    folder = shell.folder / "share/kernels" / kernel
    folder.mkdir(parents=True)
    spec = {"argv": KERNELS[kernel], "display_name": kernel, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    done = shell("nbrucio", "run", shell.notebook(code=("1",)), "-k", kernel, JUPYTER_PATH=str(shell.folder / "share"))
    assert done.exit_code == 1
    assert "Traceback" not in done.err
    return done.err


def test_a_kernel_whose_program_is_missing_is_named(shell: Shell) -> None:
    assert "The program /no/such/program of the kernel cannot be started: No such file" in _run_with(shell, "gone")


def test_a_kernel_that_ends_at_its_start_is_quoted(shell: Shell) -> None:
    told = _run_with(shell, "mute")
    assert "The kernel died before replying to kernel_info. Its last output: 'No module named ipykernel'." in told


@pytest.mark.parametrize("cell", ["import os; os.kill(os.getpid(), 9)", "import os; os._exit(0)"])
def test_a_kernel_that_ends_in_a_cell_leaves_the_outputs_before(shell: Shell, cell: str) -> None:
    path = shell.notebook(code=("print('first')", cell))
    done = shell("nbrucio", "run", path, "-q", "--json")
    assert (done.exit_code, json.loads(done.out)["error"]["code"]) == (1, "kernel-failed")
    assert "The kernel died." in done.err
    assert "first" in path.with_suffix(".out.ipynb").read_text()


def test_what_a_kernel_prints_by_itself_is_not_before_the_document(shell: Shell) -> None:
    code = "import os\nos.system('echo from a program')\nos.write(1, b'from C\\n')\nos.write(2, b'an error from C\\n')"
    path = shell.notebook(code=(code,))
    done = shell("nbrucio", "run", path, "--json")
    assert json.loads(done.out)["exit_code"] == 0
    assert "from C" not in done.err
    executed = path.with_suffix(".out.ipynb").read_text()
    assert "from a program" in executed
    assert "from C" in executed


def test_ctrl_c_stops_a_run_without_a_traceback(shell: Shell) -> None:
    started = Path(shell.folder, "started")
    path = shell.notebook(code=(f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)",))
    running = shell.start("nbrucio", "run", path)
    while not started.exists():
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "error: Stopped." in err
    assert "Traceback" not in err


def test_an_output_that_cannot_be_written_says_where_to_write(shell: Shell) -> None:
    done = shell("nbrucio", "run", shell.notebook(code=("1",)), "/dev/null/out.ipynb", "-q")
    assert done.exit_code == 2
    assert "The executed notebook /dev/null/out.ipynb cannot be written" in done.err
    assert "/nb.ipynb OUTPUT." in done.err


@pytest.mark.parametrize("url", ["s3://bucket/out.ipynb", "https://example.org/out.ipynb", "gs://a/b.ipynb"])
def test_a_url_is_no_place_for_the_output(shell: Shell, url: str) -> None:
    notebook = shell.notebook(code=("1",))
    done = shell("nbrucio", "run", notebook, url)
    assert (done.exit_code, "error: OUTPUT must be a local file, and " in done.err) == (2, True)
    assert [path.name for path in shell.folder.iterdir()] == [notebook.name]


@pytest.mark.parametrize("words", [(), ("-k", "absent")])
def test_a_kernel_that_is_not_installed_leaves_no_output(shell: Shell, words: tuple[str, ...]) -> None:
    kernel = {"display_name": "x", "language": "python", "name": "python3" if words else "absent"}
    done = shell("nbrucio", "run", shell.notebook(code=("1",), kernelspec=kernel), "out/nb.ipynb", *words)
    assert (done.exit_code, "The notebook needs the kernel 'absent', which is not installed." in done.err) == (2, True)
    assert not (shell.folder / "out").exists()
