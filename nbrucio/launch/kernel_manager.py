"""Starts kernels with extra environment variables, without changing this process's environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

from jupyter_client.manager import AsyncKernelManager

from nbrucio.errors import KernelFailed


def kernel_manager_with(environment: Mapping[str, str], output: IO[bytes] | None = None) -> type[AsyncKernelManager]:
    """Return a kernel manager class that adds ``environment`` to the environment of its kernels.

    For nbclient's ``kernel_manager_class``. `os.environ` would suffice for one notebook, but not for threads that
    execute several.

    Args:
        output: receives the kernel's stdout and stderr apart from the outputs of cells; None means this process's.
    """
    streams = {} if output is None else {"stdout": output, "stderr": output}

    class EnvironmentKernelManager(AsyncKernelManager):
        async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override] # noqa: ANN401 - theirs is untyped
            # A restart uses the arguments of the start, and so the same environment.
            env = {**os.environ, **(kwargs.pop("env", None) or {}), **environment}
            try:
                await super().start_kernel(env=env, **{**kwargs, **streams})
            except OSError as error:
                program = f"The program {error.filename} of the kernel" if error.filename else "The kernel"
                raise KernelFailed(
                    f"{program} cannot be started: {error.strerror or error}.",
                    hint="Check its kernelspec.",
                    next_command="jupyter kernelspec list",
                ) from error

    return EnvironmentKernelManager
