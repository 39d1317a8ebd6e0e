"""A notebook with its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.core.declaration import Declaration, from_attachments
from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.errors import NbrucioError
from nbrucio.notebook.base import ATTACHMENTS_KEY, Notebook
from nbrucio.notebook.ipynb import load


class Declared(NamedTuple):
    """A notebook with its declaration."""

    notebook: Notebook
    declaration: Declaration

    @property
    def path(self) -> Path:
        """Path of the notebook."""
        return self.notebook.path


def read_declared(path: Path, parameters: Mapping[str, object] = NO_PARAMETERS) -> Declared:
    """Read the notebook at ``path`` and its declaration, or else the attachments of rucio-jupyterlab.

    Args:
        parameters: parameter values of this run.

    Raises:
        BadNotebook: the notebook cannot be read.
        BadDeclaration: its declaration as a whole cannot be read.
    """
    notebook = load(path)
    value = notebook.value()
    try:
        if value is None:
            return Declared(notebook, from_attachments(notebook.metadata.get(ATTACHMENTS_KEY)))
        return Declared(notebook, Declaration.parse(value, parameters))
    except NbrucioError as error:
        error.subject = error.subject or str(path)
        raise
