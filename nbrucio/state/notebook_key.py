"""The file name under which the memory of one notebook is stored."""

from __future__ import annotations

import os
from hashlib import sha256


def notebook_key(notebook: str | os.PathLike[str]) -> str:
    """Return the key of the notebook at this path: the SHA-256 of its real path, as 64 hex digits."""
    return key_of_real_path(os.path.realpath(notebook))


def key_of_real_path(real_path: str) -> str:
    """Return the key of the notebook with this real path, without access to the file system."""
    return sha256(os.fsencode(real_path)).hexdigest()
