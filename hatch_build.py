"""What of a wheel is built before it: the JupyterLab extension, by `make frontend`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("nbrucio/labextension")
INSTALLED = "share/jupyter/labextensions/nbrucio"


class LabExtension(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the built extension where JupyterLab looks for it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; an editable install has a link instead, so that it never needs node."""
        if version != "standard":
            return
        built = Path(self.root) / BUILT
        if not (built / "package.json").is_file():
            self.app.display_warning("The JupyterLab extension is not built, so this wheel has none: `make frontend`.")
            return
        build_data["shared_data"][str(built)] = INSTALLED
        build_data["shared_data"][str(Path(self.root) / "frontend/install.json")] = f"{INSTALLED}/install.json"
