"""Starts kernels as Jupyter does, and has Python kernels load the gate.

It never waits and never raises: while a kernel starts, "Run all" pressed in the browser is lost, and a kernel that does
not start is worse than one without a gate.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from nbrucio.kernel import boot


class NbrucioProvisioner(LocalProvisioner):
    """Jupyter's own provisioner, with the gate."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - Jupyter's signature
        """What the kernel is started with."""
        prepared = await super().pre_launch(**kwargs)
        try:
            self._add_gate(prepared)
        except Exception:
            self.log.exception("nbrucio: the kernel starts without the gate")
        return prepared

    def _add_gate(self, prepared: dict[str, Any]) -> None:
        environment = prepared.setdefault("env", os.environ.copy())
        environment.setdefault(boot.COMMAND_VARIABLE, shlex.join([sys.executable, "-I", "-m", "nbrucio_cli"]))
        if self.kernel_spec.language.lower() != "python" or "ipykernel" not in " ".join(self.kernel_spec.argv):
            return
        # The kernel's Python may lack nbrucio. The folder that is added holds one module, which finds it in ours, takes
        # the folder off the path again, and gives way to an nbrucio that the kernel's Python has.
        folder = str(Path(__file__).parent / "kernel_path")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, environment.get("PYTHONPATH")]))
        environment[boot.HOME_VARIABLE] = str(Path(__file__).parents[1])
        prepared["cmd"] = [*prepared["cmd"], f"--ext={boot.MODULE}"]
