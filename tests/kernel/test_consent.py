"""Questions for consent in the kernel: who is asked, how long it waits, and what ends the wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from nbrucio.errors import UsageError
from nbrucio.jupyter import questions
from nbrucio.kernel import Data, consent
from nbrucio.kernel.consent import MIME, await_entries
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestError
from nbrucio.pipeline.manifest_files import path_for, write
from tests.support.manifests import local_entry

ERROR = ManifestError("consent-needed", "Downloading 2 files, 1.0 MB, needs your consent.")


class Line:
    """What the cell shows; each question is given to ``answer``."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)

    def ask(self, text: str, bundle: Mapping[str, object]) -> None:
        self.texts.append(text)
        named = bundle[MIME]
        assert isinstance(named, dict)
        if callable(self.answer):
            self.answer(named["id"])


class Cell:
    """A notebook whose data needs consent, and the environment of its kernel in Jupyter."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.notebook = folder / "a.ipynb"
        monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(folder / "runtime"))
        write(Manifest.of(self.notebook, [ManifestEntry("muons", "s:muons", None, "failed", error=ERROR)]))
        self.environ = {"NBRUCIO_MANIFEST": str(path_for(self.notebook))}
        self.data = Data(None, self.environ)

    def run(self, line: Line, *, attended: bool = True, **environ: str) -> list[str]:
        """The states of the data once the cell waits no more."""
        found = await_entries(self.data, ["muons"], [], line, lambda: attended, self.environ | environ)
        return [entry.state for entry in found]


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    return Cell(tmp_path, monkeypatch)


def test_nobody_is_asked_where_nobody_is(cell: Cell) -> None:
    for arguments in ({"attended": False}, {"NBRUCIO_NOTEBOOK": "a.ipynb"}, {"NBRUCIO_MANIFEST": ""}):
        line = Line()
        assert cell.run(line, **arguments) == ["failed"]
        assert line.texts == []


def test_a_question_that_no_browser_shows_is_given_up(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "SHOWN_S", 0.0)
    assert cell.run(Line()) == ["failed"]
    assert questions.pending(cell.notebook) == {"question": None}


def test_a_shown_question_waits_until_its_data_is_synced(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent, "SHOWN_S", 0.0)

    def shown(identity: str) -> None:
        assert questions.pending(cell.notebook) == {"question": {"id": identity, "handles": ["muons"]}}
        with pytest.raises(UsageError, match="No cell waits"):
            questions.answer(cell.notebook, "0" * 32, "declined")
        questions.answer(cell.notebook, identity, "shown")
        entry = local_entry(tmp_path, "muons", "x")
        threading.Timer(0.5, write, [Manifest.of(cell.notebook, [entry])]).start()

    assert cell.run(Line(shown)) == ["ready"]
    assert sorted(path.suffix for path in path_for(cell.notebook).parent.iterdir()) == [".json", ".tsv"]


def test_not_now_ends_the_wait_and_wrong_answers_do_not(cell: Cell) -> None:
    def declined(identity: str) -> None:
        answer = path_for(cell.notebook).with_suffix(".answer")
        answer.write_text(json.dumps({"id": "another", "answer": "declined"}))
        questions.answer(cell.notebook, identity, "declined")

    line = Line(declined)
    assert cell.run(line) == ["failed"]
    assert line.texts[-1] == "nbrucio: muons was not downloaded."


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": "x"}', '{"pid": 99999999, "id": "1", "handles": []}'])
def test_a_question_of_nobody_is_not_pending(cell: Cell, content: str) -> None:
    path_for(cell.notebook).with_suffix(".question").write_text(content)
    assert questions.pending(cell.notebook) == {"question": None}
