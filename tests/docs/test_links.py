"""Links between the documents lead somewhere, and a page is short enough to be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbrucio.errors import SEVERITY

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
#: Pages that developers of nbrucio read.
FOR_DEVELOPERS = {"architecture.md", "store.md", "benchmarks.md"}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and GitLab make them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    words = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", sorted(set((ROOT / "docs").glob("*.md"))), ids=lambda page: page.name)
def test_a_page_for_users_is_reached_from_another_and_is_short(page: Path) -> None:
    others = (other.read_text(encoding="utf-8") for other in PAGES if other != page)
    assert any(f"{page.name})" in text or f"{page.name}#" in text for text in others)
    if page.name not in FOR_DEVELOPERS:
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 120


def test_every_exit_code_is_explained() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == {0, *SEVERITY}
    (order,) = re.findall(r"in this order: ([\d, ]+)", text)
    assert tuple(int(code) for code in order.split(",")) == SEVERITY


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/store.md"])
def test_the_files_that_the_architecture_names_are_there(page: str) -> None:
    named = set(re.findall(r"`([\w/]+/[\w/]*(?:\.py)?)`", (ROOT / page).read_text(encoding="utf-8")))
    rooms = [ROOT, ROOT / "nbrucio"]
    in_the_store = {"objects/", "partial/", "views/", "lists/", "kernels/", "aside/", "objects/ab"}
    assert {name for name in named - in_the_store if not any((room / name).exists() for room in rooms)} == set()


def test_the_code_uses_the_words_of_the_glossary() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| [^|]+? \| ([^|]+?) \|$", text.partition("## Glossary")[2], re.MULTILINE)
    glossary = [(words, where) for words, where in rows if where.startswith("`") and "json" not in where]
    assert len(glossary) > 30
    for words, where in glossary:
        paths = (ROOT / "nbrucio" / name for name in re.findall(r"`([^`]+)`", where))
        files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.glob("*.py")))]
        code = re.sub(r"[\s_]", "", "".join(file.read_text(encoding="utf-8") for file in files)).lower()
        for word in words.split(", "):
            assert word.replace(" ", "").lower() in code, f"{word} is not in {where}"
