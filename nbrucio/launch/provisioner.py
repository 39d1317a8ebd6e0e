"""Starts kernels like Jupyter, with the environment of `nbrucio.launch.kernel_environment`.

It never blocks and never raises: the browser ignores "Run all" while a kernel starts, and a kernel without nbrucio is
better than none.
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
    """Jupyter's local provisioner, with the gate."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - Jupyter's signature
        """Return the arguments for the kernel's start."""
        prepared = await super().pre_launch(**kwargs)
        try:
            self._add_variables(prepared.setdefault("env", os.environ.copy()), prepared.get("cwd"))
        except Exception:
            self.log.exception("nbrucio: the kernel starts without nbrucio")
        return prepared

    def _add_variables(self, environment: dict[str, str], folder: str | None) -> None:
        told = environment.get(where.NOTEBOOK_VARIABLE)
        notebook = None if told else executed_notebook(environment, folder)
        if notebook is not None:
            environment[where.NOTEBOOK_VARIABLE] = str(notebook)
            if where.MANIFEST_VARIABLE in os.environ:  # inherited from the kernel that started the program
                environment.pop(where.MANIFEST_VARIABLE, None)
        variables = for_kernel(environment)
        if str(self.kernel_spec.language).lower() == "python":
            environment.update(variables)
            return
        # Kernels of other languages may run the user's own Python. Their readers need the path of the manifest.
        environment[COMMAND_VARIABLE] = variables[COMMAND_VARIABLE]
        known = environment.get(where.NOTEBOOK_VARIABLE)
        if known and not environment.get(where.MANIFEST_VARIABLE):
            expected = where.runtime_folder(environment).absolute() / where.manifest_name(known)
            environment[where.MANIFEST_VARIABLE] = str(where.find_manifest(known, environment) or expected)
