"""A standalone Spark cluster: a master and workers, each a process with an environment of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.runners.conftest import Shell
from tests.world.test_other_programs import until

_CLASSES = "org.apache.spark.deploy"


@contextmanager
def standalone(shell: Shell, workers: Sequence[Mapping[str, str]], enter: Sequence[str] = ()) -> Iterator[str]:
    """Provide the URL of a master with a worker for each environment; ``enter`` begins the command of each worker."""
    with ExitStack() as stack:
        words = ["master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        log = _started(stack, shell, "master", words, {})
        url = until(lambda: re.search(r"Starting Spark master at (spark://127.0.0.1:\d+)", log.read_text()))[1]
        for number, env in enumerate(workers):
            words = ["worker.Worker", url, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0", "--cores", "1"]
            folder = shell.folder.parent / f"spark-{number}"
            words += ["--memory", "512m", "--work-dir", str(folder)]
            worker = _started(stack, shell, f"worker-{number}", words, env, enter)
            until(lambda: "Successfully registered with master" in worker.read_text())  # noqa: B023 - called here
        yield url


def _started(
    stack: ExitStack, shell: Shell, name: str, words: Sequence[str], env: Mapping[str, str], enter: Sequence[str] = ()
) -> Path:
    log = shell.folder.parent / f"{name}.log"
    output = stack.enter_context(log.open("w"))
    process = subprocess.Popen(
        [*enter, shell.bin / "spark-class", f"{_CLASSES}.{words[0]}", *words[1:]],
        env={**shell.env, "PYSPARK_PYTHON": str(shell.bin / "python"), **env},
        cwd=shell.folder,
        stdout=output,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)
    return log
