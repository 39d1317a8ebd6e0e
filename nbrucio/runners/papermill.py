"""Entry point of ``papermill --engine nbrucio``.

papermill imports the module of every engine when it starts, and an error in one stops it. So this module imports
nothing; `nbrucio.runners.papermill_engine` is loaded when a notebook is executed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class NbrucioEngine:
    """Syncs a notebook, then executes it like papermill's own engine."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **kwargs: Any) -> Any:  # noqa: ANN401 - papermill's own
        """See papermill's `Engine.execute_notebook`."""
        return _engine().execute_notebook(nb, kernel_name, **kwargs)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:  # noqa: ANN401 - papermill's own
        """See papermill's `Engine.nb_kernel_name`."""
        return _engine().nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:  # noqa: ANN401 - papermill's own
        """See papermill's `Engine.nb_language`."""
        return _engine().nb_language(nb, language)


def _engine() -> Any:  # noqa: ANN401 - a class of an untyped library
    from nbrucio.runners.papermill_engine import SyncingEngine

    return SyncingEngine
