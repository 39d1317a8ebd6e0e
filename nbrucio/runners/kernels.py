"""Start kernels that are told something, without touching the environment of this process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from jupyter_client.manager import AsyncKernelManager


def told_kernel_manager(environment: Mapping[str, str]) -> type[AsyncKernelManager]:
    """A kernel manager whose kernels have ``environment`` beside that of this process.

    For nbclient's ``kernel_manager_class``. `os.environ` would do for one notebook, but threads that execute several
    would tell each other's kernels.
    """

    class ToldKernelManager(AsyncKernelManager):
        async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override] # noqa: ANN401 - theirs is untyped
            # A restart takes the arguments of the start, and so the same environment.
            env = {**os.environ, **(kwargs.pop("env", None) or {}), **environment}
            await super().start_kernel(env=env, **kwargs)

    return ToldKernelManager
