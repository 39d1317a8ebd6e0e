"""Mark data in a manifest as out of date after an edit of its notebook's declaration. Python kernels compare the
declaration themselves (`nbrucio.kernel.asked`). Kernels of other languages read only the manifest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbrucio.disk.atomic import write_file
from nbrucio.kernel import where
from nbrucio.kernel.asked import Asked
from nbrucio.kernel.manifest import MAX_BYTES, read_regular
from nbrucio.kernel.quoting import quoted_path
from nbrucio.pipeline.manifest import ManifestError
from nbrucio.pipeline.manifest_files import plain_path


def outdate(notebook: Path, metadata: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> None:
    """Mark the handles in the manifest of ``notebook`` whose declaration in ``metadata`` differs from the manifest. Do
    nothing if the manifest is missing or cannot be written: the next sync replaces it.
    """
    path = where.find_manifest(notebook, environ)
    if path is not None:
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            _mark(path, Asked(metadata), notebook)


def _mark(path: Path, asked: Asked, notebook: Path) -> None:
    content = json.loads(read_regular(path, MAX_BYTES))
    present = content["data"]
    old = {handle for handle, entry in present.items() if not asked.answered(handle, entry.get("answers"))}
    new = [handle for handle in asked.handles() if handle not in present]
    if not old and not new:
        return
    command = f"nbrucio sync {quoted_path(notebook)}"
    error = ManifestError("changed", "The notebook was changed after its last sync.", None, command)._asdict()
    # Keep the request of the last sync, so that it still differs from the declaration.
    marked = {
        handle: {**present[handle], "state": "failed", "files": [], "folder": None, "error": error} for handle in old
    }
    added = {
        handle: {"did": asked.did(handle), "state": "failed", "files": [], "error": error, "answers": {}}
        for handle in new
    }
    content["data"] = {
        handle: marked.get(handle, entry) for handle, entry in present.items() if handle in asked
    } | added
    if content["state"] == "ready":
        content["state"] = "failed"
    lines = plain_path(path).read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.partition(b"\t")[0].decode("utf-8", "surrogateescape") not in old]
    kept += [f"{handle}\tfailed\t\t\n".encode() for handle in content["data"] if handle in old or handle in added]
    write_file(plain_path(path), b"".join(kept))
    write_file(path, json.dumps(content).encode())
