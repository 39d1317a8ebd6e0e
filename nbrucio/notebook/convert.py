"""Converts text notebooks into Jupyter's format."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbrucio.notebook.text import _read, is_text


@contextmanager
def as_ipynb(path: Path) -> Iterator[Path]:
    """Provide the notebook at ``path`` as an ``.ipynb`` during the block: itself, or jupytext's conversion.

    Raises:
        MissingDependency: jupytext is not installed.
        BadNotebook: the notebook cannot be read.
    """
    if not is_text(path):
        yield path
        return
    from nbrucio.notebook.ipynb import load

    text = load(path)
    notebook = _read(path, text.raw)
    import nbformat

    if text.language() == "python":
        notebook.metadata.setdefault("kernelspec", {"name": "python3", "display_name": "Python 3"})
    with tempfile.TemporaryDirectory(prefix="nbrucio-") as folder:
        copy = Path(folder, f"{path.stem}.ipynb")
        nbformat.write(notebook, copy)
        yield copy
