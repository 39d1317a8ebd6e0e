"""The Python interpreters on this machine that the kernel part is tried with.

The running one is always among them. Others are taken when they are installed: as ``python3.X`` on the PATH, or by
pyenv. ``NBRUCIO_TEST_PYTHONS=3.9,3.13`` makes these versions required: a test fails where one is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

#: The oldest and the newest that kernels may run on; what lies between differs from neither in what nbrucio uses.
VERSIONS = ("3.9", "3.13")
RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"


@cache
def find(version: str) -> Path | None:
    """An interpreter of this version that starts, or None."""
    if version == RUNNING:
        return Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [Path(on_path)] if on_path else []
    beside = Path(sys.base_prefix).parent  # where a version manager keeps the running one and others
    candidates += sorted({*pyenv.glob(f"{version}.*/bin/python"), *beside.glob(f"{version}.*/bin/python")})
    return next((path for path in candidates if _starts(path, version)), None)


def present() -> list[str]:
    """The versions to test with: those found, and those that must be."""
    required = [version for version in os.environ.get("NBRUCIO_TEST_PYTHONS", "").split(",") if version]
    return sorted({*required, RUNNING, *(v for v in VERSIONS if find(v))}, key=lambda v: int(v.partition(".")[2]))


def get(version: str) -> Path:
    """The interpreter of a version in `present`; fails with what to do when a required one is missing."""
    path = find(version)
    assert path is not None, f"Python {version} is required by NBRUCIO_TEST_PYTHONS and not installed (apt or pyenv)"
    return path


def _starts(path: Path, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version
