"""The documents speak the words of the field: download, missing, cached; never synonyms of our own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/operators").glob("*.md")),
]
#: What a reader would have to translate first, and what to write.
DIALECT = {
    r"bring(s|ing)?|brought": "download",
    r"(is|are|be) had|had by": "access, available",
    r"coming|on (its|their) way": "downloading",
    r"not here|is here|are here": "missing, available",
    r"glance|lookout|handover|tally|sidecar": "a word of the glossary",
    r"hand(s|ed|ing)? over": "give, pass",
    r"let(s)? (you|nobody|somebody) in": "log in",
    r"known? well enough": "resolved",
    r"ends with \d+": "exit code",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_words_of_our_own(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = {match[0]: better for words, better in DIALECT.items() for match in re.finditer(rf"\b({words})\b", text)}
    assert found == {}
