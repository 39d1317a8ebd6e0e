"""The rows of the table in docs/headless.md that need programs of their own, and notebooks in R in every runner."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.runners.conftest import Done, Shell, printed
from tests.runners.test_every_runner import COMMANDS, DOCUMENTED, PROVISIONER, as_text, downloads, forms
from tests.support.programs import need

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

T = TypeVar("T")
KERNELS_MD = Path(__file__).parents[2] / "docs" / "kernels.md"
R = {"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}}
LIMIT_S = 120


def until(ready: Callable[[], T | None]) -> T:
    """The first result of ``ready`` that is true."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@contextmanager
def running(shell: Shell, log: Path, program: str, *words: object, **env: str) -> Iterator[None]:
    """Run a server during the block; its output goes to the file ``log``."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [shell.bin / program, *map(str, words)],
            cwd=shell.folder,
            env=shell.env | env,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(LIMIT_S)


def url_in(log: Path) -> str:
    """The address of a server that took the first free port, from what it writes, when it listens there."""

    def listening() -> str | None:
        found = re.search(r"http://[\w.]+:(\d+)", log.read_text())
        with socket.socket() as connection:
            return found and found[0] if found and not connection.connect_ex(("127.0.0.1", int(found[1]))) else None

    return until(listening)


def read(url: str, body: object = None, token: str = "") -> str:
    """The answer of a server."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"token {token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        text: str = answer.read().decode()
        return text


def voila(shell: Shell, target: str = "nb.ipynb", page: str = "", *options: str) -> str:
    """The page of nb.ipynb."""
    log = shell.folder.parent / "voila.log"
    words = [target, "--no-browser", "--show_tracebacks=True", *options]
    with running(shell, log, "voila", *words, **PROVISIONER):
        return read(url_in(log) + page)


def console(shell: Shell, lines: tuple[str, ...], kernel: str = "python3") -> str:
    """What a console shows that is given these lines."""
    done = subprocess.run(
        [shell.bin / "jupyter", "console", "--simple-prompt", "--kernel", kernel],
        cwd=shell.folder,
        env=shell.env | PROVISIONER | {"NBRUCIO_NOTEBOOK": str(shell.folder / "nb.ipynb")},
        input="".join(f"{line}\n" for line in (*lines, "exit" if kernel == "python3" else "quit()")),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    return done.stdout + done.stderr


def scheduled(shell: Shell) -> tuple[dict[str, Any], Path]:
    """A job that executes nb.ipynb, when it is over, and its folder."""
    log = shell.folder.parent / "server.log"
    words = [
        "server",
        "--no-browser",
        "--allow-root",
        "--IdentityProvider.token=t",
        f"--ServerApp.root_dir={shell.folder}",
    ]
    with running(shell, log, "jupyter", *words, **PROVISIONER):
        url = url_in(log)
        job = {"name": "j", "input_uri": "nb.ipynb", "output_formats": ["ipynb"], "runtime_environment_name": "any"}
        number = json.loads(read(f"{url}/scheduler/jobs", job, "t"))["job_id"]

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = json.loads(read(f"{url}/scheduler/jobs/{number}", token="t"))
            return found if found["status"] in ("COMPLETED", "FAILED") else None

        return until(over), next(Path(shell.env["HOME"]).rglob(f"scheduler_staging_area/{number}"))


def reader_in_r() -> str:
    """The reader that the guide gives for R."""
    found = re.search(r"```r\n(.*?)```", KERNELS_MD.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1].replace('paths <- nbrucio("muons")\n', "")


def in_r(shell: Shell, requirement: dict[str, Any]) -> Path:
    """A notebook in R that writes into a file how many files it found."""
    need("R")
    code = (reader_in_r(), 'cat(length(nbrucio("small")), file = "found")')
    return shell.notebook(requirement, code=code, **R)


def found(folder: Path) -> str | None:
    """What the notebook wrote; None for nothing."""
    file = folder / "found"
    return file.read_text().strip() or None if file.exists() else None


@pytest.mark.parametrize("runner", COMMANDS)
def test_a_notebook_in_r_has_its_data_in_every_runner(shell: Shell, small: dict[str, Any], runner: str) -> None:
    path = in_r(shell, small)
    if "nb.py" in runner:
        path = as_text(shell, path, "R:percent")

    def run() -> Done:
        program, *words = shlex.split(runner.replace("nb.py", path.name))
        return shell(program, *words, **(PROVISIONER if DOCUMENTED[runner].provisioner else {}))

    if DOCUMENTED[runner].r == "synced":
        run()
        assert found(shell.folder) is None  # the table would say "yes" otherwise
        assert shell("nbrucio", "sync", path).exit_code == 0
    done = run()
    assert (done.exit_code, found(shell.folder)) == (0, "3"), done.told


@pytest.mark.parametrize("way", ["one notebook", "a folder", "preheated"])
def test_voila(world: Shell, small: dict[str, Any], way: str) -> None:
    world.notebook({**small, "bind": True}, code=forms(small))
    target, page, options = {
        "one notebook": ("nb.ipynb", "", ()),
        "a folder": (".", "/voila/render/nb.ipynb", ()),
        "preheated": ("nb.ipynb", "", ("--preheat_kernel=True", "--pool_size=1")),
    }[way]
    voila(world, target, page, *options)
    # A preheated page has kernels in reserve, which run the notebook, too.
    assert set((found(world.folder) or "").splitlines()) == {"3 3 3 3 3"}
    if way != "preheated":
        assert downloads(world) == DOCUMENTED["voila nb.ipynb"].downloads


def test_voila_within_a_jupyter_server_needs_no_variable_and_a_sync(world: Shell, small: dict[str, Any]) -> None:
    path = world.notebook({**small, "bind": True}, code=forms(small))
    assert world("nbrucio", "sync", path).exit_code == 0
    log = world.folder.parent / "server.log"
    words = ["server", "--no-browser", "--allow-root", "--IdentityProvider.token=t"]
    with running(world, log, "jupyter", *words, f"--ServerApp.root_dir={world.folder}"):
        read(f"{url_in(log)}/voila/render/nb.ipynb", token="t")
    assert found(world.folder) == "3 3 3 3 3"


def test_voila_in_r(world: Shell, small: dict[str, Any]) -> None:
    path = in_r(world, small)
    voila(world)
    assert found(world.folder) is None
    assert world("nbrucio", "sync", path).exit_code == 0
    voila(world)
    assert found(world.folder) == "3"


def test_voila_says_why_data_is_missing(world: Shell, erased: str) -> None:
    code = ("open('began', 'w').close()", "import nbrucio\nfiles = nbrucio.data['small']", "open('ran', 'w')")
    world.notebook({"did": erased, "handle": "small"}, code=code)
    assert f"{erased}&#39; does not exist in sandbox" in voila(world)
    assert (world.folder / "began").exists()
    assert not (world.folder / "ran").exists()


def test_console(world: Shell, small: dict[str, Any]) -> None:
    world.notebook({**small, "bind": True})
    code = ("import nbrucio", "print(len(nbrucio.data['small']), len(small), *map(len, [%s]))")
    shown = console(world, (code[0], "m = %rucio " + small["did"], code[1] % f"m, nbrucio.data('{small['did']}')"))
    assert "3 3 3 3" in shown


def test_console_in_r(world: Shell, small: dict[str, Any]) -> None:
    path = in_r(world, small)
    (world.folder / "reader.R").write_text(reader_in_r())
    lines = ('source("reader.R")', 'cat("found", length(nbrucio("small")))')
    assert "found 3" not in console(world, lines, "ir")
    assert world("nbrucio", "sync", path).exit_code == 0
    assert "found 3" in console(world, lines, "ir")


def test_console_says_why_data_is_missing(world: Shell, erased: str) -> None:
    world.notebook({"did": erased, "handle": "small"})
    shown = console(world, ("import nbrucio", "nbrucio.data['small']", "print('goes', 'on')"))
    assert f"'{erased}' does not exist in sandbox" in shown
    assert "goes on" in shown


def test_scheduler(world: Shell, small: dict[str, Any]) -> None:
    world.notebook({**small, "bind": True}, code=forms(small))
    job, folder = scheduled(world)
    assert (job["status"], found(folder)) == ("COMPLETED", "3 3 3 3 3"), job
    assert downloads(replace(world, folder=folder)) == DOCUMENTED["a job of jupyter-scheduler"].downloads


def test_scheduler_in_r_finds_no_data_even_after_a_sync(world: Shell, small: dict[str, Any]) -> None:
    path = in_r(world, small)
    assert world("nbrucio", "sync", path).exit_code == 0
    job, folder = scheduled(world)
    assert (job["status"], found(folder)) == ("FAILED", None), job


def test_scheduler_says_why_data_is_missing(world: Shell, erased: str) -> None:
    code = ("open('began', 'w').close()", "import nbrucio\nfiles = nbrucio.data['small']", "open('ran', 'w')")
    world.notebook({"did": erased, "handle": "small"}, code=code)
    job, folder = scheduled(world)
    assert job["status"] == "FAILED"
    assert f"'{erased}' does not exist in sandbox" in job["status_message"]
    assert ((folder / "began").exists(), (folder / "ran").exists()) == (True, False)


def test_engines_of_ipyparallel(world: Shell, small: dict[str, Any]) -> None:
    code = (
        "import nbrucio\nlen(nbrucio.data['small'])",
        "def there():\n    import nbrucio\n    return len(nbrucio.data['small']), len(nbrucio.data('{did}'))",
        "import ipyparallel\nwith ipyparallel.Cluster(n=2, log_level=40) as cluster:\n"
        "    print('found', cluster[:].apply_sync(there))",
    )
    world.notebook(small, code=tuple(cell.replace("{did}", small["did"]) for cell in code))
    done = world("nbrucio", "run", "nb.ipynb", "out.ipynb", "-q")
    assert done.exit_code == 0, done.told
    assert "found [(3, 3), (3, 3)]" in printed(world.folder / "out.ipynb")
