"""jupytext's pairs: an ``.ipynb`` and its text of the same name.

jupytext writes the metadata of a text over that of its ``.ipynb``, and by default writes no key of ours into the text.
So the next ``jupytext --sync`` replaces the declaration of the ``.ipynb`` by one that is added to such a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote

from nbrucio.errors import BadNotebook
from nbrucio.notebook.base import ATTACHMENTS_KEY, KEY, Notebook


def check_declared_here(text: Notebook, load: Callable[[Path], Notebook]) -> None:
    """Raise for a text without a declaration whose ``.ipynb`` has one.

    A text that only has the name of the ``.ipynb`` is no text of it: jupytext's ``formats`` must name both, in the
    header of the text, the metadata of the ``.ipynb`` or the configuration of jupytext.

    Args:
        load: reads the ``.ipynb``.

    Raises:
        BadNotebook: the declaration is in the ``.ipynb``.
    """
    beside = text.path.with_suffix(".ipynb")
    if text.value() is not None or not beside.is_file():
        return
    try:
        notebook = load(beside)
    except BadNotebook:
        return  # its own error, at the verbs that name it
    if not {KEY, ATTACHMENTS_KEY} & notebook.metadata.keys():
        return
    formats = _formats(text) or _formats(notebook) or _configured_formats(text.path)
    if not {"ipynb", text.path.suffix[1:]} <= set(re.findall(r"(?:^|[,/.])(\w+)(?=[,:]|$)", formats)):
        return
    raise BadNotebook(
        f"{text.path} is the text of {beside.name}, which has the declaration.",
        subject=str(text.path),
        hint=f"Name {beside.name} instead.",
        next_command=f"nbrucio status {quote(str(beside))}",
    )


def _formats(notebook: Notebook) -> str:
    about = notebook.metadata.get("jupytext")
    formats = about.get("formats") if isinstance(about, Mapping) else None
    return formats if isinstance(formats, str) else ""


def _configured_formats(path: Path) -> str:
    """Return the formats in the ``jupytext.toml`` or the like that applies to ``path``.

    A ``.jupytext.py`` is not read: that would run code that came with the notebook.
    """
    try:
        from jupytext.config import find_jupytext_configuration_file, load_jupytext_configuration_file
    except ImportError:
        return ""  # without jupytext, nothing is paired by its configuration
    try:
        file = find_jupytext_configuration_file(path.absolute())
        if file is None or file.endswith(".py"):
            return ""
        return load_jupytext_configuration_file(file).default_formats(str(path.absolute())) or ""
    except (ValueError, OSError, AttributeError):  # invalid, which is jupytext's own error, unreadable, or empty
        return ""
