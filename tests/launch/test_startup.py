"""What a Python kernel runs before its first cell, in the environment that every kernel gets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from nbrucio.launch.kernel_environment import for_kernel
from tests.support.jupyter_server import Output, base_environment, collect

LEFT = (
    "import os\nprint(os.environ.get('PYTHONSTARTUP'), [n for n in globals() if 'nbrucio' in n or n == 'annotations'])"
)
GATES = "print([type(one).__name__ for one in get_ipython().ast_transformers])"


@contextmanager
def kernel(environment: Mapping[str, str]) -> Iterator[object]:
    """Gives a function that runs a cell."""
    manager, client = start_new_kernel(env=dict(environment))
    try:

        def run(code: str) -> Output:
            return collect(client, client.execute(code))

        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_the_users_own_startup_file_runs_and_nothing_else_stays(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("from math import pi as mine\nprint('started')")
    environment = base_environment(tmp_path) | {"PYTHONSTARTUP": str(own)}
    with kernel(environment | for_kernel(environment)) as run:
        assert run(f"print(mine)\n{LEFT}\n{GATES}").text == f"3.141592653589793\n{own} []\n['Gate']\n"


def test_a_startup_that_fails_leaves_the_kernel_running(tmp_path: Path) -> None:
    environment = base_environment(tmp_path)
    broken = {"NBRUCIO_HOME": str(tmp_path / "gone"), "PYTHONPATH": str(tmp_path)}
    (tmp_path / "nbrucio.py").write_text("raise OSError('broken')")
    with kernel(environment | for_kernel(environment) | broken) as run:
        assert run(f"{LEFT}\n{GATES}").text == "None []\n[]\n"


def test_a_prompt_of_python_is_as_it_would_be(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("mine = 1")
    environment = {"PATH": os.environ["PATH"], "PYTHONSTARTUP": str(own)}
    done = subprocess.run(
        [sys.executable, "-i"],
        env=environment | for_kernel(environment),
        input=f"print(mine)\n{LEFT}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"1\n{own} []\n"


def test_what_a_kernel_starts_itself_gets_the_users_own_again(tmp_path: Path) -> None:
    environment = {"PYTHONSTARTUP": str(tmp_path / "own.py")}
    again = environment | for_kernel(environment)
    assert for_kernel(again)["PYTHONSTARTUP"] == again["PYTHONSTARTUP"]
    assert (again | for_kernel(again))["NBRUCIO_PYTHONSTARTUP"] == str(tmp_path / "own.py")
