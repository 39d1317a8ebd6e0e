"""The site of the documentation: every page is on one shelf, and Sphinx has nothing to say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import speed_chart
from tools.docs_site import DOCS, ROOT, shelves


def test_every_page_is_on_one_shelf() -> None:
    links = [link for shelf in shelves((DOCS / "index.md").read_text("utf-8")).values() for _, link in shelf]
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page.parent.name != "decisions"]
    listed = [link for link in links if not link.startswith("../") and link != "decisions/"]
    assert sorted(listed) == sorted(set(pages) - {"index.md"})


@pytest.mark.real
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools/docs_site.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    site = tmp_path / "docs"
    for page, words in {
        "guide.html": "nbrucio.data",
        "cli.html": "nbrucio sync",
        "rest.html": "GET /nbrucio/status",
        "python-api.html": "downloaded_bytes",
        "decisions/index.html": "0173",
    }.items():
        assert words in (site / page).read_text("utf-8"), page
    for command in (tmp_path / "docs-source/cli.md").read_text("utf-8").split("\n## nbrucio ")[1:]:
        words = command.partition("\n")[0]
        if "COMMAND [ARGS]" not in command and words != "completion":  # the output of that is a script
            assert f"```console\n$ nbrucio {words}" in command, f"{words} has no real output"
    text = (site / "llms-full.txt").read_text("utf-8")
    assert all((DOCS / page).read_text("utf-8").splitlines()[0] in text for page in ("guide.md", "settings.md"))


def test_each_picture_is_taken_by_a_test_and_shown() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    taken = set(re.findall(r"\.shot\(\"([\w-]+)\"", code))
    assert 'shot(f"look-{look}"' in code
    taken |= {"high-contrast", speed_chart.CHART.stem}  # the look of forced colours; the test below
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "README.md", *DOCS.rglob("*.md")))
    for picture in (DOCS / "images").iterdir():
        assert picture.stem in taken, picture
        assert f"images/{picture.name}" in pages, picture


def test_the_chart_shows_what_the_tables_say() -> None:
    assert speed_chart.CHART.read_text("utf-8") == speed_chart.chart()
    (alt,) = re.findall(r"!\[(.*)\]\(docs/images/speed.svg\)", (ROOT / "README.md").read_text("utf-8"))
    groups = list(speed_chart.groups())
    for name, column in {"nbrucio": "nbrucio", "raw tool": "raw", "rucio download": "rucio"}.items():
        seconds = [getattr(group, column) for group in groups]
        assert f"{name} {min(seconds):.2g} to {max(seconds):.2g}" in alt
