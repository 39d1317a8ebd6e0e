"""Whether nbformat takes a notebook: the same verdict as its own, in a sentence with the place."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbrucio.errors import MissingDependency
from nbrucio.notebook.ipynb import create_empty, load, parse
from nbrucio.notebook.validity import format_errors

PATH = Path("a.ipynb")
CODE = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [], "execution_count": None, "id": "a"}
WITHOUT_ID = {key: value for key, value in CODE.items() if key != "id"}
IMAGE = {"output_type": "display_data", "data": {"text/plain": 3}, "metadata": {}}


def document(*cells: Any, minor: Any = 5, **more: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": minor, **more}


def nbformat_refuses(content: dict[str, Any]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbformat adds missing ids and says so
        try:
            nbformat.validate(json.loads(json.dumps(content)))
        except (nbformat.ValidationError, TypeError, AssertionError):  # the latter for a minor version of another type
            return True
    return False


@pytest.mark.parametrize(
    "content",
    [
        document(),
        document(CODE),
        document(WITHOUT_ID),
        document(WITHOUT_ID, minor=4),
        document(CODE, CODE),
        document({**CODE, "later": 1}, {"cell_type": "later", "metadata": {}}, minor=99),
        document(CODE, metadata={"nbrucio": {"anything": 1}, "kernelspec": {"name": "R", "display_name": "R"}}),
    ],
)
def test_a_notebook_that_nbformat_takes_is_valid(content: dict[str, Any]) -> None:
    assert not nbformat_refuses(content)
    assert format_errors(parse(json.dumps(content).encode("utf-8-sig"), PATH)) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (document({**CODE, "metadata": 3}), "4.5: cells[0].metadata must be an object."),
        (
            document(CODE, {"cell_type": "code", "id": "b"}),
            "cells[1] lacks the key 'metadata', and 3 other places too.",
        ),
        (document({**CODE, "outputs": [IMAGE]}), "cells[0].outputs[0].data['text/plain'] must be a string or a list."),
        (document({**CODE, "execution_count": "1"}), "cells[0].execution_count must be a whole number."),
        (document({"cell_type": "later"}), "cells[0] has a form that is not known here."),
        (document(3), "cells[0] must be an object."),
        (document({**CODE, "outptus": []}), "cells[0].outptus is not a known key."),
        (document(CODE, minor=4), "4.4: cells[0].id is not a known key."),
        (document(minor="5"), "4.0: nbformat_minor must be a whole number."),
        (document(minor=-1), "4.0: nbformat_minor must be at least 0."),
        (document(extra=1), "extra is not a known key."),
        (document(metadata={"kernelspec": {"display_name": "R"}}), "metadata.kernelspec lacks the key 'name'."),
    ],
)
def test_a_notebook_that_nbformat_refuses_says_where(content: dict[str, Any], words: str) -> None:
    assert nbformat_refuses(content)
    (error,) = format_errors(parse(json.dumps(content).encode(), PATH))
    assert error.message.startswith("'a.ipynb' is not a valid notebook of format 4.")
    assert error.message.endswith(words)
    assert (error.exit_code, error.subject) == (2, "a.ipynb")


def test_a_text_notebook_and_numbers_of_any_size_are_no_fault(tmp_path: Path) -> None:
    assert format_errors(load(create_empty(tmp_path / "a.md").path)) == ()
    text = json.dumps(document(metadata={"n": 0})).replace('"n": 0', '"n": ' + "9" * 5000)
    assert format_errors(parse(text.encode(), PATH)) == ()


def test_a_missing_nbformat_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nbformat", None)
    monkeypatch.setitem(sys.modules, "nbformat.validator", None)
    with pytest.raises(MissingDependency, match=r"^Notebooks cannot be checked: nbformat is not installed\.$"):
        format_errors(parse(json.dumps(document()).encode(), PATH))
    with pytest.raises(MissingDependency, match=r"^A notebook cannot be created: nbformat is not installed\.$"):
        create_empty(tmp_path / "new.ipynb")
    assert list(tmp_path.iterdir()) == []
