"""Whether a notebook is valid by nbformat, with which every program of Jupyter reads and writes notebooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nbrucio.core.schema import SchemaFault, faults_of
from nbrucio.core.text import plural, printable
from nbrucio.core.whole import whole_number
from nbrucio.disk.libraries import unusable_library
from nbrucio.errors import BadNotebook
from nbrucio.notebook.base import Notebook
from nbrucio.notebook.ipynb import number_from_digits

#: The first minor version of format 4 in which a cell needs an id.
_IDS_SINCE = 5


def require_nbformat() -> None:
    """Load nbformat.

    Raises:
        MissingDependency: it cannot be loaded.
    """
    _validators()


def format_errors(notebook: Notebook) -> tuple[BadNotebook, ...]:
    """Return the error of a notebook that nbformat refuses; none for a valid one, and for a text notebook.

    Raises:
        MissingDependency: nbformat cannot be loaded.
    """
    if notebook.outline is None:
        return ()
    content = json.loads(notebook.raw.decode("utf-8-sig"), parse_int=number_from_digits)
    minor = max(0, whole_number(content.get("nbformat_minor")) or 0)
    if minor >= _IDS_SINCE:
        _give_ids(content["cells"])
    faults = _faults(content, minor)
    if not faults:
        return ()
    rest = f", and {plural(len(faults) - 1, 'other place')} too" if faults[1:] else ""
    path, reason = printable(str(notebook.path), 400), faults[0].message.rstrip(".")
    return (
        BadNotebook(
            f"{path} is not a valid notebook of format 4.{minor}: {reason}{rest}.",
            subject=str(notebook.path),
            hint="Correct it in a text editor, or restore the file from a copy.",
        ),
    )


def _give_ids(cells: list[Any]) -> None:
    """Add ids, as nbformat does when it reads a notebook; their absence is no reason to refuse it."""
    for cell in cells:
        if isinstance(cell, dict):
            cell.setdefault("id", "absent")


def _faults(content: object, minor: int) -> tuple[SchemaFault, ...]:
    get_validator = _validators()
    # The compiled validator is ten times as fast, and the other one says where the fault is.
    if not any(True for _ in get_validator(4, minor).iter_errors(content)):
        return ()
    return faults_of(get_validator(4, minor, name="jsonschema").iter_errors(content))


def _validators() -> Callable[..., Any]:
    try:
        from nbformat.validator import get_validator
    except ImportError as error:
        raise unusable_library(error, "nbformat", "Notebooks cannot be checked") from error
    validators: Callable[..., Any] = get_validator
    return validators
