"""The command line under strace: which system calls it makes on files below a folder, and runs in which one fails."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.programs import need

#: ``PID CALL(ARGUMENTS) = RESULT``, or its first half; the second half starts with ``<...``.
_LINE = re.compile(r"(?P<task>\d+) +(?P<name>\w+)\((?P<rest>.*)")
_PATH_OF_DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<(/[^>]*)>")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class SystemCall:
    """The ``n``-th call ``name`` of a process or thread."""

    name: str
    n: int


def may_trace() -> bool:
    """Whether this user may trace processes; some containers forbid it."""
    return subprocess.run([need("strace"), "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def prefix(log: Path, calls: str, *options: str) -> list[str]:
    """Return the prefix that runs the command line with ``calls`` traced to ``log``."""
    traced = ["strace", "-f", "-y", "-qq", "-s0", "--seccomp-bpf", "-o", str(log), "-e", f"trace={calls}", *options]
    # Not `python -m`, which looks for its modules in the working folder, too.
    return [*traced, "-e", "signal=none", str(Path(sys.executable).with_name("nbrucio"))]


def injecting(log: Path, call: SystemCall, code: str) -> list[str]:
    """Return the prefix that runs the command line with a call that fails with ``code``, in each process and thread."""
    return prefix(log, call.name, "-e", f"inject={call.name}:error={code}:when={call.n}")


def calls_below(folder: Path, log: Path) -> list[SystemCall]:
    """Return the calls in ``log`` on files below ``folder``; the working folder must be there too."""
    return [call for call, is_below, _ in _read(folder, log) if is_below]


def met(folder: Path, log: Path) -> tuple[list[str], bool]:
    """Return the lines of the calls that failed on purpose, and whether all were on files below ``folder``."""
    lines, below = list[str](), list[bool]()
    for _, is_below, line in _read(folder, log):
        if line.endswith("(INJECTED)"):
            lines.append(line)
            below.append(is_below)
    return lines, all(below)


def _read(folder: Path, log: Path) -> Iterator[tuple[SystemCall, bool, str]]:
    counts, halves = Counter[tuple[str, str]](), dict[str, str]()
    for line in log.read_text("utf-8", "replace").splitlines():
        task, _, second = line.partition(" ")
        if second.lstrip().startswith("<... "):
            line = halves.pop(task, "") + second.partition("resumed>")[2]
        elif line.endswith("<unfinished ...>"):
            halves[task] = line.removesuffix("<unfinished ...>")
            continue
        found = _LINE.match(line)
        if found:
            counts[task, found["name"]] += 1
            call = SystemCall(found["name"], counts[task, found["name"]])
            yield call, _is_below(str(folder), found["rest"]), line


def _is_below(folder: str, arguments: str) -> bool:
    """Whether a call has a path or an open file below ``folder``. Relative paths are: the working folder is there."""
    descriptors = _PATH_OF_DESCRIPTOR.findall(arguments)
    text = _TEXT.search(arguments)
    if text is not None and text[1].startswith("/"):
        return text[1].startswith(folder)
    return bool(descriptors) and descriptors[0].startswith(folder)
