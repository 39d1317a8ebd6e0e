"""Load and save a notebook without changing a byte outside our key, ``metadata.nbrucio``.

A notebook is untrusted input, possibly large, and its text belongs to its author. It is read with the standard
library's json, since nbformat takes seconds to import and rewrites the whole file. It is written by replacing only the
characters of our key. nbformat makes new notebooks. Every defect of a file raises `BadNotebook`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from nbrucio.core.text import printable
from nbrucio.disk.atomic import copy_of, create_file, replace_file
from nbrucio.disk.read import read_file, reason
from nbrucio.disk.system_errors import FULL
from nbrucio.errors import BadNotebook, NoSpace
from nbrucio.notebook.base import KEY, MAX_BYTES, Notebook
from nbrucio.notebook.json_edit import (
    MemberEdit,
    ObjectText,
    find_not_a_number,
    same_json,
    scan_object,
    skip_space,
)

_BOM = "\ufeff"
_BLANK = _BOM + " \t\r\n"
_CONFLICT_MARKS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_RESTORE = "Restore the file from a copy."
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def load(path: Path) -> Notebook:
    """Return the notebook at ``path``.

    Raises:
        BadNotebook: the file is missing, cannot be read, is not a notebook that can be edited safely, or is the text of
            an ``.ipynb`` that has the declaration (see `nbrucio.notebook.pairs`).
    """
    path = Path(path)  # programs may pass a str
    raw = _read(path)
    try:
        notebook = parse(raw, path)
    except BadNotebook as error:
        copy = copy_of(path)
        if copy.is_file():
            error.hint = f"An earlier write was interrupted. The previous content is in {_shown(copy)}."
            error.next_command = f"{_command('cp', copy)} {_command('', path).strip()}"
        raise
    if notebook.outline is None:
        from nbrucio.notebook.pairs import check_declared_here

        check_declared_here(notebook, load)
    return notebook


def parse(raw: bytes, path: Path) -> Notebook:
    """Parse a notebook. ``path`` appears in errors, and its suffix selects the format.

    Integers with more digits than Python converts, and floats out of range, are read as infinity; their text stays in
    the file.

    Raises:
        BadNotebook: ``raw`` is not UTF-8, not JSON, nested too deeply, not a notebook of format 4, or has a key twice,
            among ``metadata``, ``cells``, ``nbformat``, ours and those in ours, so that programs would disagree on its
            content.
        MissingDependency: it is a text notebook, and the library for those is not installed.
    """
    if path.suffix != ".ipynb":
        from nbrucio.notebook.text import is_text, parse_text

        if is_text(path):
            return parse_text(raw, path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(path, f"is not UTF-8 text: byte {error.start} is wrong", hint="Save it as UTF-8.") from error
    if not text.strip(_BLANK):
        raise _bad(
            path, "is empty", hint="Create a notebook in its place.", next_command=_command("nbrucio init", path)
        )
    try:
        document, inner, values = _scan(text)
    except json.JSONDecodeError as error:
        raise _not_json(path, text, error) from error
    except _RepeatedKeyError as error:
        hint = "Merge them into one; otherwise only the last one counts."
        raise _bad(path, f"has the key {printable(str(error))} twice in {KEY!r}", hint=hint) from error
    except RecursionError as error:
        raise _bad(path, "cannot be read: it is nested too deeply", hint=_RESTORE) from error
    _check_format(path, values)
    metadata, cells = values.get("metadata"), values.get("cells")
    if document is None or inner is None or not isinstance(metadata, dict) or not isinstance(cells, list):
        raise _bad(path, "is not a notebook: it is JSON without cells or metadata", hint=_RESTORE)
    _check_unrepeated(path, document, inner)
    return Notebook(path, raw, MappingProxyType(metadata), (document, inner), tuple(_code(cells)))


def with_value(notebook: Notebook, value: Mapping[str, object] | None) -> bytes:
    """Return the notebook's bytes with our key set to ``value``; None removes the key.

    No byte outside our key changes. The value takes the style of the surrounding metadata: indentation or a single
    line, line ends, and non-ASCII letters unless the file escapes all of them. A new key goes where Jupyter's next save
    would put it, if the file's keys are sorted like Jupyter's; otherwise to the end. When the notebook already has this
    value, in any spelling, the same bytes are returned. Removing a key that was set here restores the earlier bytes.

    Raises:
        BadNotebook: ``value`` is nested too deeply or contains a number that JSON cannot represent.
    """
    if notebook.outline is None:
        from nbrucio.notebook.text import text_with_value

        return text_with_value(notebook, value)
    text = notebook.raw.decode("utf-8")
    document, inner = notebook.outline
    edit = MemberEdit(text, document, document.named("metadata")[0], inner, KEY)
    if value is None:
        return edit.remove().encode("utf-8")
    try:
        # Compare with the text, because a caller may have changed the values in `metadata` by mistake.
        for member in inner.named(KEY):
            if same_json(_EXACT.raw_decode(text, member.value_start)[0], value):
                return notebook.raw
        return edit.set(value).encode("utf-8")
    except (RecursionError, ValueError) as error:
        what = "was not changed: the declaration contains a number out of range or is nested too deeply"
        raise _bad(notebook.path, what, hint="Correct the value.") from error


def save(notebook: Notebook, value: Mapping[str, object] | None) -> Notebook:
    """Set our key of the notebook on disk to ``value`` (None removes it); return the saved notebook.

    Nothing is written when nothing changes. Otherwise the file is replaced atomically, or written in place where a
    replacement would change its permissions (see `nbrucio.disk.atomic`). A symlink's target changes.

    Raises:
        BadNotebook: the file changed since it was loaded, or it or its folder cannot be written.
        NoSpace: the disk is full; the notebook is unchanged.
    """
    new = with_value(notebook, value)
    _refuse_if_changed(notebook)
    if new == notebook.raw:
        return notebook
    saved = parse(new, notebook.path)  # parse before writing, to be sure that the result can be read
    with _write_errors(notebook.path):
        replace_file(notebook.path, new, last_check=lambda: _refuse_if_changed(notebook))
    return saved


def can_create(path: Path) -> bool:
    """Whether `create_empty` writes ``path``: it does not exist, or it is only white space and not a text notebook.

    A file that an interrupted write left is none of these: its previous content is beside it.

    Raises:
        BadNotebook: the file cannot be read.
    """
    if not path.exists():
        return True
    blank = not _read(path).decode("utf-8", "replace").strip(_BLANK)
    return blank and not _is_text(path) and not copy_of(path).is_file()


def _is_text(path: Path) -> bool:
    from nbrucio.notebook.text import is_text

    return is_text(path)


def create_empty(path: Path) -> Notebook:
    """Create a Python notebook without cells at ``path``, in the format that its suffix names.

    A file for which `can_create` is true is replaced.

    Raises:
        BadNotebook: ``path`` exists with content, or the file cannot be created.
        MissingDependency: nbformat cannot be loaded, or jupytext for a text notebook.
        NoSpace: the disk is full; no file is left.
    """
    try:
        from nbformat import v4
    except ImportError as error:
        from nbrucio.disk.libraries import unusable_library

        raise unusable_library(error, "nbformat", "A notebook cannot be created") from error
    content = v4.new_notebook(metadata={"kernelspec": _KERNEL})
    raw = f"{v4.writes(content)}\n".encode()
    if path.suffix != ".ipynb":
        from nbrucio.notebook.text import empty_text

        raw = empty_text(path, content) if _is_text(path) else raw
    with _write_errors(path):
        if path.is_file():
            _refuse_if_filled(path)
            replace_file(path, raw, last_check=lambda: _refuse_if_filled(path))
        else:
            create_file(path, raw)
    return parse(raw, path)


def _refuse_if_filled(path: Path) -> None:
    if not can_create(path):
        raise FileExistsError


def number_from_digits(digits: str) -> float | int:
    """Return the whole number of a JSON text; infinity if it has more digits than Python converts."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise _NotANumberError(name)


class _NotANumberError(Exception):
    """NaN or Infinity in place of a JSON number."""


class _RepeatedKeyError(Exception):
    """An object in our value has this key twice, for example after a merge that kept both sides."""


def _without_repeats(members: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(members)
    if len(values) < len(members):
        keys = [key for key, _ in members]
        raise _RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return values


_EXACT = json.JSONDecoder(parse_int=number_from_digits, parse_constant=_refuse_constant)
_OURS = json.JSONDecoder(
    parse_int=number_from_digits, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats
)
#: For values needed only for their end and the sources: float reads any number of digits, without a Python call.
_QUICK = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)


def _scan(text: str) -> tuple[ObjectText | None, ObjectText | None, dict[str, object]]:
    """Return positions of the document and of its metadata, None for anything but an object, and the values."""
    inner: ObjectText | None = None

    def read(key: str, position: int) -> tuple[object, int]:
        nonlocal inner
        if key != "metadata" or not text.startswith("{", position):
            return _QUICK.raw_decode(text, position)
        inner, metadata = scan_object(
            text, position, lambda key, at: (_OURS if key == KEY else _EXACT).raw_decode(text, at)
        )
        return metadata, inner.end

    document: ObjectText | None = None
    values: dict[str, object] = {}
    start = skip_space(text, 1 if text.startswith(_BOM) else 0)
    try:
        if text.startswith("{", start):
            document, values = scan_object(text, start, read)
            end = document.end
        else:
            _, end = _QUICK.raw_decode(text, start)
    except _NotANumberError as error:
        raise json.JSONDecodeError(f"Found {error}", text, find_not_a_number(text)) from error
    if skip_space(text, end) < len(text):
        raise json.JSONDecodeError("Extra data", text, skip_space(text, end))
    return document, inner, values


def _check_unrepeated(path: Path, document: ObjectText, inner: ObjectText) -> None:
    for where, key in ((document, "metadata"), (document, "cells"), (document, "nbformat"), (inner, KEY)):
        if len(where.named(key)) > 1:
            hint = "Remove one of them; programs disagree on which one counts."
            raise _bad(path, f"has the key {key!r} twice", hint=hint)


def _check_format(path: Path, values: Mapping[str, object]) -> None:
    version = values.get("nbformat")
    if not isinstance(version, float):
        raise _bad(path, "is not a notebook: it is JSON without an nbformat number", hint=_RESTORE)
    if version < 4:
        command = _command("jupyter nbconvert --to notebook --nbformat 4 --inplace", path)
        hint = "Convert it to format 4."
        raise _bad(
            path, f"has the old notebook format {version:g}; nbrucio reads format 4", hint=hint, next_command=command
        )
    if version != 4:
        raise _bad(path, f"has the notebook format {version:g}; nbrucio reads format 4", hint="Update nbrucio.")


def _code(cells: list[object]) -> Iterator[str]:
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            yield "".join(source)
        elif isinstance(source, str):
            yield source


def _read(path: Path) -> bytes:
    """Return the bytes of the file; every error is a `BadNotebook`."""
    try:
        return read_file(path, MAX_BYTES)
    except FileNotFoundError as error:
        if _exists(f"{path}.ipynb"):
            raise _bad(path, "does not exist", hint=f"Did you mean {_shown(Path(f'{path}.ipynb'))}?") from error
        command = _command("nbrucio init", path)
        raise _bad(
            path, "does not exist", hint="Check the path, or create the notebook.", next_command=command
        ) from error
    except IsADirectoryError as error:
        raise _bad(path, "is a folder, not a notebook", hint="Name a notebook in it.") from error
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise _bad(path, f"cannot be read: {reason(error)}", hint="Correct the file or its permissions.") from error


def _refuse_if_changed(notebook: Notebook) -> None:
    if _read(notebook.path) != notebook.raw:
        raise _bad(notebook.path, "was not written: another program changed it meanwhile", hint="Try again.")


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    """Translate errors of writing ``path``."""
    try:
        yield
    except FileExistsError as error:
        raise _bad(path, "already exists", hint="Choose another name.") from error
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        message = f"{_shown(path)} cannot be written: {reason(error)}."
        if isinstance(error, OSError) and error.errno in FULL:
            raise NoSpace(message, subject=str(path), hint="Free some space there, then try again.") from error
        hint = f"Check that you may write the file and its folder {_shown(path.parent)}."
        raise BadNotebook(message, subject=str(path), hint=hint) from error


def _not_json(path: Path, text: str, error: json.JSONDecodeError) -> BadNotebook:
    if path.suffix.lower() != ".ipynb":
        what = "is not a notebook: it is not JSON, and its name does not end in .ipynb"
        return _bad(path, what, hint="Name a file that ends in .ipynb, or a text notebook in .py, .md or the like.")
    conflict = text.startswith(_CONFLICT_MARKS, text.rfind("\n", 0, error.pos) + 1)
    hint = "Resolve the merge conflict in it." if conflict else _RESTORE
    reason = error.msg[:1].lower() + error.msg[1:]
    return _bad(path, f"is not valid JSON: line {error.lineno}, column {error.colno}: {reason}", hint=hint)


def _exists(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # such as a name that is too long
        return False


def _bad(path: Path, what: str, *, hint: str | None = None, next_command: str | None = None) -> BadNotebook:
    return BadNotebook(f"{_shown(path)} {what}.", subject=str(path), hint=hint, next_command=next_command)


def _shown(path: Path) -> str:
    return printable(str(path), limit=400)


def _command(command: str, path: Path) -> str:
    from nbrucio.kernel.quoting import quoted_path  # only errors need it

    return f"{command} {quoted_path(path)}"
