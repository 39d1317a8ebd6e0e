"""Files in a pickle: a worker in another process or on another machine finds its own copy of each.

A pickle has the logical name of a file, its replicas in order, its size and checksum, and the path of the sender. It
has no credentials: a worker opens the file with its own. `nbrucio.pipeline.sent` reads it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .manifest import Entry

#: The version of a pickle's facts.
VERSION = 1
# A pickle names what restores it by module and name, and a worker without nbrucio would only say that there is no such
# module. So it names `eval`, with this one text: without an nbrucio of this version it returns paths that exist, or an
# object whose use raises an error that helps. It must not raise itself, because a worker of Dask that cannot unpickle a
# task loses its scheduler, and all its tasks. Any folder of that name is found as a package, so each step is looked up.
_RESTORE = """(
    __import__("nbrucio.pipeline.sent", fromlist=["sent"]).restored(facts, files)
    if __import__("importlib.util").util.find_spec("nbrucio")
    and __import__("importlib.util").util.find_spec("nbrucio.pipeline")
    and __import__("importlib.util").util.find_spec("nbrucio.pipeline.sent")
    and __import__("nbrucio.kernel.travel", fromlist=["travel"]).VERSION >= facts["version"]
    else (tuple(places) if facts["whole"] else places[0])
    if all(place and "://" in place or __import__("os").path.exists(place) for place in places)
    else type("Missing", (), {
        "__reduce__": lambda self: (
            eval, (restore, {"facts": facts, "files": files, "places": places, "restore": restore})
        ),
        "__getattr__": lambda self, name: str(self) if name[:1] != "_" else object.__getattribute__(self, name),
        **dict.fromkeys(
            ("__fspath__", "__str__", "__format__", "__add__", "__radd__", "__iter__", "__len__", "__getitem__"),
            lambda self, *words: (_ for _ in ()).throw(ModuleNotFoundError(
                __import__("socket").gethostname() + " has no copy of " + files[0]["did"] + " at " + places[0]
                + ", and no nbrucio of this version to find one: run pip install --upgrade nbrucio there"
            )),
        ),
    })()
)"""


def all_files(entry: Entry) -> tuple[Any, ...]:
    """Return the value of ``__reduce__`` for the files of ``entry`` as one value."""
    return reduced(_facts(entry, whole=True), [_file(entry, file) for file in entry.files])


def one_file(entry: Entry, index: int) -> tuple[Any, ...]:
    """Return the value of ``__reduce__`` for the file of ``entry`` at ``index``, negative from the end."""
    return reduced(_facts(entry, whole=False), [_file(entry, entry.files[index])])


def reduced(facts: Mapping[str, Any], files: list[dict[str, Any]]) -> tuple[Any, ...]:
    """Return the value of ``__reduce__`` for files that were sent with these facts."""
    places = [file["path"] or next((pfn for _, pfn in file["replicas"]), "") for file in files]
    return eval, (_RESTORE, {"facts": facts, "files": files, "places": places, "restore": _RESTORE})


def _facts(entry: Entry, *, whole: bool) -> dict[str, Any]:
    return {"version": VERSION, "handle": entry.handle, "did": entry.did, "whole": whole}


def _file(entry: Entry, file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "did": file["did"],
        "instance": entry.instance,
        "bytes": file.get("bytes"),
        "checksum": file.get("checksum"),
        "path": file.get("path"),
        "replicas": [(one["rse"], one["pfn"]) for one in file.get("replicas") or ()],
    }
