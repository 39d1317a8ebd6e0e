"""Starts kernels as Jupyter does, with the environment of `nbrucio.launch.kernel_environment`.

It never waits and never raises: while a kernel starts, "Run all" pressed in the browser is lost, and a kernel that does
not start is worse than one without a gate.
"""

from __future__ import annotations

import os
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from nbrucio.kernel import where
from nbrucio.kernel.boot import COMMAND_VARIABLE
from nbrucio.launch.executed_notebook import executed_notebook
from nbrucio.launch.kernel_environment import for_kernel


class NbrucioProvisioner(LocalProvisioner):
    """Jupyter's own provisioner, with the gate."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - Jupyter's signature
        """What the kernel is started with."""
        prepared = await super().pre_launch(**kwargs)
        try:
            self._tell(prepared.setdefault("env", os.environ.copy()))
        except Exception:
            self.log.exception("nbrucio: the kernel starts without nbrucio")
        return prepared

    def _tell(self, environment: dict[str, str]) -> None:
        notebook = None if environment.get(where.NOTEBOOK_VARIABLE) else executed_notebook()
        if notebook is not None:
            environment[where.NOTEBOOK_VARIABLE] = str(notebook)
            if where.MANIFEST_VARIABLE in os.environ:  # of the kernel in which that program was started
                environment.pop(where.MANIFEST_VARIABLE, None)
        told = for_kernel(environment)
        # A kernel of another language may run Python, which is then the user's own.
        python = str(self.kernel_spec.language).lower() == "python"
        environment.update(told if python else {COMMAND_VARIABLE: told[COMMAND_VARIABLE]})
