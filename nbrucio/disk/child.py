"""Processes of our own modules whose libraries are those of nbrucio's environment, whatever the user's variables name.

A child gets one line of JSON on stdin, which stays open: it ends when stdin closes, so that it never outlives its
parent. It writes one line of JSON per event on stdout.
"""

from __future__ import annotations

import io
import json
import os
import signal
import site
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from nbrucio.disk.threads import DaemonThread

_END_S = 10.0
_CHECK_S = 0.1
_VARIABLE = "PYTHONPATH"

#: Extends the search path, restores the variable for further processes, and runs ``main`` of the module.
_START = """\
import os, site, sys
folder, variable, user = {folder!r}, {variable!r}, {user!r}
sys.path = [folder, *(each for each in sys.path if each)]
if variable is not None:
    os.environ["PYTHONPATH"] = variable
    sys.path += [each for each in variable.split(os.pathsep) if each]
if user is not None:
    site.addsitedir(user)
from {module} import main
main()
"""


def child_command(module: str, environ: Mapping[str, str]) -> list[str]:
    """Return the command that runs ``main()`` of ``module`` of nbrucio, in an environment without PYTHONPATH.

    Its search path is the folder that nbrucio came from, the site-packages of this interpreter, the folders of
    PYTHONPATH, and the user's site-packages where this interpreter uses them. Not the working folder. Where this
    interpreter ignores Python's variables, as in an LCG view whose PYTHONHOME is another Python's, so does the process.
    """
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    folder = str(Path(__file__).parents[2])
    code = _START.format(folder=folder, variable=environ.get(_VARIABLE), user=user, module=module)
    options = ["-E"] if sys.flags.ignore_environment else []
    return [sys.executable, *options, "-s", "-c", code]


def start(module: str, environ: Mapping[str, str], encoding: str | None = None) -> subprocess.Popen[Any]:
    """Start a process that runs ``main()`` of ``module``, with pipes of bytes unless there is an ``encoding``."""
    return subprocess.Popen(  # noqa: S603 (our own interpreter)
        child_command(module, environ),
        env={name: value for name, value in environ.items() if name != _VARIABLE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding=encoding,
        start_new_session=True,  # Ctrl-C goes to this process only, and subprocesses such as xrdcp end with the child
    )


@contextmanager
def running(
    module: str,
    environ: Mapping[str, str],
    order: Mapping[str, Any],
    cancel: threading.Event | None = None,
    limit_s: float | None = None,
) -> Iterator[Iterator[dict[str, Any]]]:
    """Run ``main()`` of ``module`` with ``order``; provide its events as they arrive.

    They end early when ``cancel`` is set or after ``limit_s`` seconds: the child is ended then, and always with the
    block.
    """
    child: subprocess.Popen[str] = start(module, environ, encoding="utf-8")
    done = threading.Event()
    guard = DaemonThread(_end_when, args=(child, cancel, limit_s, done))
    guard.start()
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(BrokenPipeError):  # it ended at once, without events
            child.stdin.write(json.dumps(order) + "\n")
            child.stdin.flush()
        yield map(json.loads, child.stdout)
    finally:
        done.set()
        guard.join()
        _end(child)
        if child.stdout is not None:
            child.stdout.close()


def serve(carry_out: Callable[[dict[str, Any], Callable[..., None]], None]) -> None:
    """Be the child: call ``carry_out`` with the order and a function that writes an event, then write ``end``."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # rucio-clients print to stdout in places
    lock = threading.Lock()

    def say(event: str, **facts: object) -> None:
        with lock:
            out.write(json.dumps({"event": event, **facts}) + "\n")

    parent, sys.stdin = sys.stdin, io.StringIO()  # a library that asks the user gets no answer
    order = json.loads(parent.readline())
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    carry_out(order, say)
    say("end")


def _end_with(parent: TextIO) -> None:
    parent.read()
    os._exit(1)


def _end_when(
    child: subprocess.Popen[str], cancel: threading.Event | None, limit_s: float | None, done: threading.Event
) -> None:
    began = time.monotonic()
    while not done.wait(_CHECK_S):
        late = limit_s is not None and time.monotonic() - began > limit_s
        if late or (cancel is not None and cancel.is_set()):
            _end(child)
            return


def _end(child: subprocess.Popen[str]) -> None:
    with suppress(OSError, ValueError):
        if child.stdin is not None:
            child.stdin.close()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(_END_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
