"""Start kernels that are told something, without touching the environment of this process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

from jupyter_client.manager import AsyncKernelManager

from nbrucio.errors import KernelFailed


def kernel_manager_with(environment: Mapping[str, str], output: IO[bytes] | None = None) -> type[AsyncKernelManager]:
    """A kernel manager whose kernels have ``environment`` beside that of this process.

    For nbclient's ``kernel_manager_class``. `os.environ` would do for one notebook, but threads that execute several
    would tell each other's kernels.

    Args:
        output: the file that gets what the kernel writes to its stdout and stderr besides the outputs of cells; None
            leaves it to those of this process.
    """
    streams = {} if output is None else {"stdout": output, "stderr": output}

    class ToldKernelManager(AsyncKernelManager):
        async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override] # noqa: ANN401 - theirs is untyped
            # A restart takes the arguments of the start, and so the same environment.
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

    return ToldKernelManager
