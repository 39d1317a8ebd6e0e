"""Adds nbrucio and the gate to a Python kernel, which runs this file before its first cell because of PYTHONSTARTUP.

Uses the nbrucio that is installed in this Python, else the kernel part of the one in NBRUCIO_HOME. An error does not
prevent the kernel's start. This runs among the user's variables, so it removes all its names.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType


def _nbrucio_startup() -> CodeType | str:
    import importlib.util
    import os
    import sys

    own = os.environ.pop("NBRUCIO_PYTHONSTARTUP", None)
    if own is None:
        os.environ.pop("PYTHONSTARTUP", None)
    else:
        os.environ["PYTHONSTARTUP"] = own
    try:
        if importlib.util.find_spec("nbrucio") is None:
            home = os.environ["NBRUCIO_HOME"]
            found = importlib.util.spec_from_file_location(
                "nbrucio", f"{home}/__init__.py", submodule_search_locations=[home]
            )
            if found is None or found.loader is None:
                raise ImportError(f"{home} is no package")
            module = importlib.util.module_from_spec(found)
            sys.modules["nbrucio"] = module
            found.loader.exec_module(module)
        if "IPython" in sys.modules:  # otherwise a kernel of another language started a Python prompt
            import nbrucio

            nbrucio.load_ipython_extension(sys.modules["IPython"].get_ipython())
    except Exception as error:  # noqa: BLE001 - the kernel must start in any case; it prints the error
        print(f"nbrucio is not available in this kernel: {error}", file=sys.stderr)  # noqa: T201
    if own is None or not os.path.isfile(own):  # noqa: PTH113 - an import would add a name
        return ""
    with open(own, encoding="utf-8") as file:  # noqa: PTH123
        return compile(file.read(), own, "exec", dont_inherit=True)


_nbrucio_own = _nbrucio_startup()
del _nbrucio_startup, annotations, TYPE_CHECKING
exec(_nbrucio_own)  # noqa: S102 - the user's own PYTHONSTARTUP, which this file replaced
del _nbrucio_own
