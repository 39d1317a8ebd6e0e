"""Small notebooks, and other programs' eyes to check ours with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import nbformat

from nbrucio.notebook.ipynb import parse, with_value
from tests.support.strategies import Document

PATH = Path("analysis.ipynb")
VALUE = {"version": 1, "requirements": [{"did": "user.jdoe:dimuon.2012", "handle": "dimuon"}]}
MINIMAL = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def around(metadata: str, cells: str = "[]") -> str:
    """A notebook on one line with these texts as its metadata and cells."""
    return f'{{"cells": {cells}, "metadata": {metadata}, "nbformat": 4, "nbformat_minor": 5}}'


def edited(text: str, value: object = 1) -> str:
    """The notebook ``text`` with our key set to ``value``."""
    return with_value(parse(text.encode(), PATH), value).decode()  # type: ignore[arg-type]


def with_key(document: Document, value: object) -> Document:
    """``document`` with our key, as the last one of its metadata."""
    return {**document, "metadata": {**document["metadata"], "nbrucio": value}}


def read_json(raw: bytes) -> Document:
    """What json reads from ``raw``."""
    document: Document = json.loads(raw.decode("utf-8-sig"))
    return document


def as_jupyter_writes(document: Document) -> bytes:
    """The file that Jupyter makes of ``document``."""
    file = io.StringIO()
    nbformat.write(nbformat.from_dict(document), file)
    return file.getvalue().encode()


def same(one: object, other: object) -> bool:
    """Equal as JSON texts: 1, 1.0 and true are three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
