"""Other versions of rucio-clients than the installed one, each in a folder for PYTHONPATH."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def install_clients(folder: Path, version: str, extras: str = "") -> Path:
    """Install rucio-clients of this version, with what it needs, into ``folder``; return that."""
    wanted = f"rucio-clients{extras}=={version}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, wanted]
    subprocess.run(pip, check=True, capture_output=True)
    return folder
