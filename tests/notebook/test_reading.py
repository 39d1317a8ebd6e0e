"""What a notebook says, and what each bad file gets."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.errors import BadNotebook
from nbrucio.notebook.ipynb import create_empty, load, parse, with_value
from tests.support.notebook_texts import MINIMAL, PATH, VALUE, around
from tests.support.strategies import Document, Tidy


def test_value_is_what_stands_under_the_key() -> None:
    assert parse(around('{"nbrucio": {"version": 1}}').encode(), PATH).value() == {"version": 1}
    assert parse(MINIMAL.encode(), PATH).value() is None


def test_metadata_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        parse(MINIMAL.encode(), PATH).metadata["a"] = 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, None),
        ({"kernelspec": {"language": "R"}, "language_info": {"name": "python"}}, "R"),
        ({"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}}, "python"),
        ({"kernelspec": "python", "language_info": {"name": 3}}, None),
    ],
)
def test_language_is_what_the_notebook_says(metadata: Document, language: str | None) -> None:
    assert parse(around(json.dumps(metadata)).encode(), PATH).language() == language


def test_code_cells_are_the_sources_of_code_cells() -> None:
    cells = [
        {"cell_type": "code", "source": "one\ntwo"},
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "source": ["three\n", "four"]},
        {"cell_type": "code", "source": ["five", 6]},
        {"cell_type": "code"},
        "no cell",
    ]
    text = around("{}", cells=json.dumps(cells))
    assert parse(text.encode(), PATH).code_cells() == ("one\ntwo", "three\nfour")


def test_reading_a_large_notebook_takes_about_as_long_as_json_does() -> None:
    lines = [f"line {number}\n" for number in range(2000)]
    cell = {"cell_type": "code", "outputs": [{"text": lines, "data": list(range(2000)), "image": "A" * 50_000}]}
    raw = Tidy(1).spell({"cells": [cell] * 60, "metadata": {}, "nbformat": 4})

    def seconds(act: Callable[[], object]) -> float:
        start = time.process_time()
        act()
        return time.process_time() - start

    plain = min(seconds(lambda: json.loads(raw)) for _ in range(3))
    ours = min(seconds(lambda: with_value(parse(raw, PATH), VALUE)) for _ in range(3))
    assert ours < 4 * plain + 0.05


# --- what a bad file gets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message", "hint", "next_command"),
    [
        (b"", "'analysis.ipynb' is empty.", "Create a notebook in its place.", "nbrucio init analysis.ipynb"),
        (
            b"\xef\xbb\xbf\n",
            "'analysis.ipynb' is empty.",
            "Create a notebook in its place.",
            "nbrucio init analysis.ipynb",
        ),
        (b'{"a": "\xe9"}', "'analysis.ipynb' is not UTF-8 text: byte 7 is wrong.", "Save it as UTF-8.", None),
        (
            b'{"cells": [],\n "metadata": {},\n "nbformat" 4}',
            "'analysis.ipynb' is not valid JSON: line 3, column 13: expecting ':' delimiter.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"cells": [',
            "'analysis.ipynb' is not valid JSON: line 1, column 12: expecting value.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"cells": [1 2]}',
            "'analysis.ipynb' is not valid JSON: line 1, column 14: expecting ',' delimiter.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"a": 1} x',
            "'analysis.ipynb' is not valid JSON: line 1, column 10: extra data.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"cells": ["NaN",\nNaN], "nbformat": 4}',
            "'analysis.ipynb' is not valid JSON: line 2, column 1: found NaN.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"metadata": {"a": -Infinity}}',
            "'analysis.ipynb' is not valid JSON: line 1, column 20: found -Infinity.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"cells": [\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> other\n]}',
            "'analysis.ipynb' is not valid JSON: line 2, column 1: expecting value.",
            "Resolve the merge conflict in it.",
            None,
        ),
        (
            b'{"cells": ' + b"[" * 100_000,
            "'analysis.ipynb' cannot be read: it is nested too deeply.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b"[1, 2]",
            "'analysis.ipynb' is not a notebook: it is JSON without an nbformat number.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"nbformat": true}',
            "'analysis.ipynb' is not a notebook: it is JSON without an nbformat number.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"nbformat": 4, "cells": []}',
            "'analysis.ipynb' is not a notebook: it is JSON without cells or metadata.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"nbformat": 4, "cells": 1, "metadata": {}}',
            "'analysis.ipynb' is not a notebook: it is JSON without cells or metadata.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"nbformat": 4, "cells": [], "metadata": []}',
            "'analysis.ipynb' is not a notebook: it is JSON without cells or metadata.",
            "Restore the file from a copy.",
            None,
        ),
        (
            b'{"nbformat": 3, "metadata": {}, "worksheets": []}',
            "'analysis.ipynb' has the old notebook format 3; nbrucio reads format 4.",
            "Convert it to format 4.",
            "jupyter nbconvert --to notebook --nbformat 4 --inplace analysis.ipynb",
        ),
        (
            b'{"nbformat": 5}',
            "'analysis.ipynb' has the notebook format 5; nbrucio reads format 4.",
            "Update nbrucio.",
            None,
        ),
        (
            b'{"metadata": {}, "cells": [], "nbformat": 4, "meta\\u0064ata": {}}',
            "'analysis.ipynb' has the key 'metadata' twice.",
            "Remove one of them; programs disagree on which one counts.",
            None,
        ),
        (
            b'{"metadata": {"nbrucio": 1, "nbrucio": 2}, "cells": [], "nbformat": 4}',
            "'analysis.ipynb' has the key 'nbrucio' twice.",
            "Remove one of them; programs disagree on which one counts.",
            None,
        ),
        (
            b'{"cells": [], "cells": [], "metadata": {}, "nbformat": 4}',
            "'analysis.ipynb' has the key 'cells' twice.",
            "Remove one of them; programs disagree on which one counts.",
            None,
        ),
        (
            b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat": 4}',
            "'analysis.ipynb' has the key 'nbformat' twice.",
            "Remove one of them; programs disagree on which one counts.",
            None,
        ),
    ],
)
def test_a_bad_file_says_what_is_wrong(
    content: bytes, message: str, hint: str | None, next_command: str | None
) -> None:
    with pytest.raises(BadNotebook) as caught:
        parse(content, PATH)
    error = caught.value
    assert (error.message, error.hint, error.next_command) == (message, hint, next_command)
    assert error.subject == "analysis.ipynb"


@pytest.mark.parametrize(
    ("ours", "key"),
    [
        (
            '{"requirements": [{"did": "s:a", "handle": "a"}], "requirements": [{"did": "s:b", "handle": "b"}]}',
            "requirements",
        ),
        ('{"requirements": [{"did": "s:a", "handle": "a", "did": "s:b"}]}', "did"),
        ('{"requirements": [], "lock": {"a": {}, "a": {}}}', "a"),
    ],
)
def test_a_merge_that_kept_both_sides_of_a_declaration_is_an_error(ours: str, key: str) -> None:
    raw = f'{{"metadata": {{"nbrucio": {ours}}}, "cells": [], "nbformat": 4}}'
    with pytest.raises(BadNotebook, match=f"has the key '{key}' twice in 'nbrucio'"):
        parse(raw.encode(), PATH)
    assert parse(raw.replace("nbrucio", "other").encode(), PATH).value() is None


def test_a_notebook_that_is_not_there_can_be_made(tmp_path: Path) -> None:
    path = tmp_path / "my analysis.ipynb"
    with pytest.raises(BadNotebook) as caught:
        load(path)
    assert caught.value.message == f"'{path}' does not exist."
    assert caught.value.next_command == f"nbrucio init '{path}'"


def test_a_name_without_its_suffix_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "analysis.ipynb").write_text("{}")
    with pytest.raises(BadNotebook) as caught:
        load(tmp_path / "analysis")
    assert (caught.value.hint, caught.value.next_command) == (f"Did you mean '{tmp_path}/analysis.ipynb'?", None)
    with pytest.raises(BadNotebook) as caught:
        load(tmp_path / ("n" * 252))  # with the suffix longer than a name can be
    assert caught.value.next_command is not None


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (Path.mkdir, "is a folder, not a notebook."),
        (make_fifo, "cannot be read: it is not a regular file."),
        (lambda path: path.symlink_to("/dev/zero"), "cannot be read: it is not a regular file."),
        (lambda path: path.symlink_to("gone"), "cannot be read: it is a link to a file that does not exist."),
        (make_loop, "cannot be read: too many levels of symbolic links."),
    ],
)
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, make: Callable[[Path], None], what: str) -> None:
    path = tmp_path / "odd.ipynb"
    make(path)
    with pytest.raises(BadNotebook) as caught:
        load(path)
    assert caught.value.message == f"'{path}' {what}"


def test_a_file_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    path = tmp_path / "closed.ipynb"
    path.write_text(MINIMAL)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BadNotebook) as caught:
        load(path)
    assert caught.value.message == f"'{path}' cannot be read: permission denied."


def test_a_path_that_no_file_can_have_is_refused() -> None:
    for act in (load, create_empty):
        with pytest.raises(BadNotebook, match="embedded null byte"):
            act(Path("a\0b.ipynb"))
