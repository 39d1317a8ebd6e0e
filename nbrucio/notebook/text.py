"""Text notebooks: our key in the YAML header that jupytext writes.

Scripts (``py:percent`` and similar) have the header in comments, with the notebook's metadata under ``jupyter``.
Markdown has it between ``---`` lines, MyST with the metadata at its top level. marimo's notebooks, and scripts without
such a header, have our key in the block ``# /// script``. Only the lines of our key are written.
jupytext preserves a key in a header; ``notebook_metadata_filter = "nbrucio"`` in ``jupytext.toml`` makes it also write
ours into the text of a paired ``.ipynb``.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbrucio.disk.read import open_regular
from nbrucio.errors import BadNotebook
from nbrucio.notebook.base import KEY, MAX_BYTES, Notebook
from nbrucio.notebook.script_header import ScriptHeader, is_marimo
from nbrucio.notebook.yaml_header import COMMENTS, Header, missing

_LANGUAGES = {".py": "python", ".r": "R", ".jl": "julia", ".cpp": "c++"}


class TextNotebook(Notebook):
    """A text notebook. Make one with `nbrucio.notebook.ipynb.load`."""

    def language(self) -> str | None:
        """Return the language in the header, else that of a script's suffix."""
        return super().language() or _LANGUAGES.get(self.path.suffix.lower())

    def code_cells(self) -> tuple[str, ...]:
        """Return the source of each code cell, in order.

        Raises:
            MissingDependency: jupytext is not installed.
            BadNotebook: jupytext cannot read the text.
        """
        return tuple(cell.source for cell in _read(self.path, self.raw).cells if cell.cell_type == "code")


def is_text(path: Path) -> bool:
    """Whether ``path`` has the suffix of a text notebook."""
    return path.suffix.lower() in COMMENTS


def declares_in_text(path: Path) -> bool:
    """Whether ``path`` is a text whose header has our key, unlike other scripts in a folder."""
    if not is_text(path):
        return False
    try:
        with open_regular(path, MAX_BYTES) as file:
            return _mentions(file.read(65_536).decode("utf-8-sig", "replace"), path)
    except OSError:
        return False


def _mentions(text: str, path: Path) -> bool:
    header = _header(text, path)
    return header is not None and header.declares()


def _header(text: str, path: Path) -> Header | ScriptHeader | None:
    """Return the header that has our key, else the one that may get it."""
    header, block = Header.find(text, path), ScriptHeader.find(text, path)
    if header is None or (block is not None and block.declares() and not header.declares()):
        return block
    return header


def parse_text(raw: bytes, path: Path) -> TextNotebook:
    """Parse a text notebook; the suffix of ``path`` selects its format. Without a header, it has no metadata.

    Raises:
        BadNotebook: it is not UTF-8, or its header is not YAML or TOML that can be read safely.
        MissingDependency: PyYAML is not installed.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadNotebook(
            f"{path} is not UTF-8 text: byte {error.start} is wrong.", subject=str(path), hint="Save it as UTF-8."
        ) from error
    header = _header(text, path)
    metadata = header.metadata() if header else {}
    return TextNotebook(path, raw, metadata, None, ())


def empty_text(path: Path, content: Mapping[str, object]) -> bytes:
    """Return the notebook ``content`` of nbformat as text in the format of ``path``; scripts in percent form.

    Raises:
        MissingDependency: jupytext is not installed.
    """
    try:
        import jupytext
    except ImportError as error:
        raise missing("jupytext", error) from error
    suffix = path.suffix
    text: str = jupytext.writes(content, f"{suffix}:percent" if COMMENTS[suffix.lower()] else suffix)
    return text.encode()


def text_with_value(notebook: Notebook, value: Mapping[str, object] | None) -> bytes:
    """Return the bytes of a text notebook with our key set to ``value``; None removes it. No other line changes.

    Raises:
        BadNotebook: the lines of our key in the header cannot be distinguished.
    """
    plain = None if value is None else json.loads(json.dumps(value))
    if notebook.metadata.get(KEY) == plain:
        return notebook.raw
    mark = BOM_UTF8 if notebook.raw.startswith(BOM_UTF8) else b""
    text = notebook.raw.decode("utf-8-sig")
    header = _header(text, notebook.path)
    if header is None:
        kind = ScriptHeader if is_marimo(text, notebook.path) else Header
        header = kind.new(text, notebook.path)
    return mark + header.with_value(plain).encode("utf-8")


def _read(path: Path, raw: bytes) -> Any:  # noqa: ANN401 - a notebook of nbformat
    try:
        import jupytext
    except ImportError as error:
        raise missing("jupytext", error) from error
    import nbformat

    try:
        return jupytext.reads(raw.decode("utf-8-sig"), path.suffix)
    except (ValueError, KeyError, nbformat.ValidationError, jupytext.formats.JupytextFormatError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise BadNotebook(
            f"jupytext cannot read {path}: {reason}.",
            subject=str(path),
            hint="Correct the text, or save it with jupytext.",
        ) from error
