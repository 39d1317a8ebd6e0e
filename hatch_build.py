"""Builds the JupyterLab extension for a wheel, by npm, if `make frontend` has not built it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("nbrucio/labextension")
INSTALLED = "share/jupyter/labextensions/nbrucio"
_STEPS = (("ci", "--no-audit", "--no-fund", "--ignore-scripts"), ("run", "build"))


class LabExtension(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the built extension where JupyterLab looks for it; an sdist contains it, so that its wheel needs no node."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; an editable install has a link instead, so that it never needs node."""
        if version != "standard":
            return
        built = Path(self.root) / BUILT
        if not (built / "package.json").is_file():
            _build(Path(self.root) / "frontend")
        if self.target_name == "wheel":
            build_data["shared_data"][str(built)] = INSTALLED
            build_data["shared_data"][str(Path(self.root) / "frontend/install.json")] = f"{INSTALLED}/install.json"


def _build(frontend: Path) -> None:
    """Build the extension with npm, which `build_backend.py` adds to the build's requirements where there is none.

    Raises:
        SystemExit: it cannot be built; without the panel an installation would be incomplete.
    """
    npm = shutil.which("npm")
    try:
        for step in _STEPS:
            subprocess.run([npm or "npm", "--prefix", str(frontend), *step], check=True)  # noqa: S603 - our own steps
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"error: The JupyterLab extension is not built, and npm cannot build it: {error}.\n\n"
            "hint: Run `make frontend` in the checkout, then install again."
        ) from error
