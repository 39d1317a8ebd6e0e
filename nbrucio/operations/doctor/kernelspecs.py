"""Whether each installed Python kernel finds its data, with the nbrucio of its own Python or the one lent to it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from nbrucio.core.text import printable
from nbrucio.kernel import boot
from nbrucio.operations.doctor.values import Finding, Verdict

_AT_ONCE = 4
_TIMEOUT_S = 30.0
#: The folder of the package.
_HOME = Path(__file__).parents[2]
#: What IPython does before the first cell, then what a cell does; prints what it finds.
_CODE = """
import json, os
with open(os.environ["PYTHONSTARTUP"], encoding="utf-8") as file:
    exec(compile(file.read(), file.name, "exec"))
import nbrucio
found = {"file": nbrucio.__file__, "has_data": hasattr(nbrucio, "data")}
found["version"] = getattr(nbrucio, "__version__", None)
print(json.dumps(found))
"""
_INSTALL = "Install nbrucio into the kernel's Python, or use Python 3.9 or newer."


def kernelspecs() -> Iterator[Finding]:
    """Yield a finding for each kernel of a Python that Jupyter starts from here; none without Jupyter."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return
    manager: Any = KernelSpecManager()
    specs = {name: found["spec"] for name, found in sorted(manager.get_all_specs().items())}
    python = {name: spec for name, spec in specs.items() if str(spec.get("language", "")).lower() == "python"}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda name: _checked(name, python[name]), python)


def _checked(name: str, spec: Mapping[str, Any]) -> Finding:
    subject, argv = f"kernel {name}", [str(word) for word in spec.get("argv", ())]
    if "-m" not in argv[1:]:
        text = f"Kernel {name} is started by {printable(' '.join(argv[:1]))}, which was not tried."
        return Finding(subject, Verdict.UNCHECKED, text)
    environ = {**os.environ, **{str(key): str(value) for key, value in (spec.get("env") or {}).items()}}
    environ |= {boot.HOME_VARIABLE: str(_HOME), "PYTHONSTARTUP": str(_HOME / "launch/startup/nbrucio_startup.py")}
    try:
        done = _run([*argv[: argv.index("-m", 1)], "-c", _CODE], environ)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or "it did not answer"
        text = f"Kernel {name}: {printable(argv[0])} cannot be started: {reason}."
        return Finding(subject, Verdict.WARNING, text, "Remove or reinstall the kernel.")
    return _judged(name, done)


def _run(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    # The command is that of an installed kernel, which Jupyter runs as well.
    return subprocess.run(  # noqa: S603
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )


def _judged(name: str, done: subprocess.CompletedProcess[str]) -> Finding:
    subject = f"kernel {name}"
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        words = printable((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
        return Finding(subject, Verdict.WARNING, f"Kernel {name} does not find its data: {words}", _INSTALL)
    file = found.get("file")
    if not found.get("has_data"):
        text = f"Kernel {name} does not find its data: another module called nbrucio is first, {printable(str(file))}."
        return Finding(subject, Verdict.WARNING, text, "Rename or remove that module.")
    if file == str(_HOME / "__init__.py"):
        return Finding(subject, Verdict.OK, f"Kernel {name} finds its data with this nbrucio.")
    version, ours = str(found.get("version")), metadata.version("nbrucio")
    if version == ours:
        return Finding(subject, Verdict.OK, f"Kernel {name} finds its data with the same version of its own, {file}.")
    where = f"version {printable(version)} in {printable(str(file))}"
    text = f"Kernel {name} uses another nbrucio, {where}; this one is {ours}."
    return Finding(subject, Verdict.WARNING, text, "Install the same version there, or remove it to use this one.")
