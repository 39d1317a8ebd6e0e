"""Questions of users, and where the pages answer each: in the first lines of a page, or below one of its headings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
#: What a reader sees without scrolling.
FIRST_LINES = 20
#: The question; the page, the beginning of the heading (empty: the beginning of the page), and words of the answer.
QUESTIONS = [
    ("How do I try it without a grid account?", "tutorial.md", "A dataset", "nbrucio sandbox start"),
    ("How do I install it in my environment?", "install.md", "", "pip install"),
    ("How do I get rid of everything?", "install.md", "Remove it", "pip uninstall nbrucio"),
    ("My proxy expired. What do I type?", "trouble.md", "", "nbrucio login"),
    ("I use several experiments. How do I choose one?", "whoami.md", "Several accounts", "--instance"),
    ("Where is rucio.cfg searched?", "login.md", "", "rucio.cfg"),
    ("I know only a part of the dataset's name.", "add.md", "", "pattern"),
    ("How do I find data by its metadata?", "find-data.md", "By metadata", "--filter"),
    ("I want three files only, to develop.", "some-files.md", "", "--first"),
    ("How do I develop on a sample, and run on everything?", "some-files.md", "A small sample", "--variant"),
    ("What does it write into my notebook?", "metadata.md", "", "One key, `metadata.nbrucio`"),
    ("A colleague needs my notebook. What do I send?", "share.md", "", "Send the notebook file"),
    ("Can I read from EOS without a copy?", "access.md", "", "mount"),
    ("Can I stream with uproot?", "access.md", "Streamed files", "uproot"),
    ("The data is on tape. How do I get it to a disk here?", "access.md", "Rules", "nbrucio stage"),
    ("Can I begin with the first files while the others download?", "arrivals.md", "", "as_completed"),
    ("Did the data change since I published?", "lock.md", "", "--check"),
    ("How do I see which files differ between two notebooks?", "lock.md", "Compare two notebooks", "nbrucio diff"),
    ("My disk is full. What may I delete?", "cleaning.md", "", "nbrucio store gc"),
    ("Can I limit the size of the cache?", "cleaning.md", "A limit on its size", "max_store"),
    ("Does a stranger's notebook download things when I open it?", "trust.md", "A notebook", "unless you agreed"),
    ("What does Rucio learn about me?", "trust.md", "What Rucio learns", "traces"),
    ("Does it work in VS Code?", "vscode-and-others.md", "", "NBRUCIO_NOTEBOOK"),
    ("How do I use it from R or C++?", "kernels.md", "", "copy the reader"),
    ("How do I read the files with uproot?", "frameworks.md", "", "uproot.concatenate"),
    ("How do I read the files with RDataFrame?", "frameworks.md", "RDataFrame", "ROOT.RDataFrame"),
    ("How do I make a coffea fileset?", "filesets.md", "", "coffea"),
    ("How do I run it in GitLab CI?", "ci.md", "GitLab CI", "nbrucio check"),
    ("How do I pass papermill parameters?", "headless.md", "Parameters", "-p"),
    ("How do I call it from my own program?", "python.md", "", "nbrucio.sync"),
    ("How do I cite the data?", "publish.md", "", "nbrucio export"),
    ("How do I install it in SWAN's image?", "operators/swan.md", "", "--no-deps"),
    ("What does exit code 10 mean?", "exit-codes.md", "", "the lock is missing"),
    ("I used rucio-jupyterlab. What must I change?", "from-rucio-jupyterlab.md", "", "nothing at first"),
    ("I used rucio download. What is the same command here?", "from-rucio-download.md", "", "nbrucio sync"),
]


@pytest.mark.parametrize(("question", "page", "heading", "words"), QUESTIONS, ids=[one[0] for one in QUESTIONS])
def test_a_question_is_answered_where_the_list_says(question: str, page: str, heading: str, words: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    sections = dict(re.findall(r"^#{2,3} (.+)\n((?:(?!^#{2,3} ).*\n)*)", text, re.MULTILINE))
    answers = [text] if not heading else [body for title, body in sections.items() if title.startswith(heading)]
    assert answers, f"{page} has no heading '{heading}' ({question})"
    first = "\n".join(answers[0].splitlines()[:FIRST_LINES])
    assert words in first, f"{page} does not say '{words}' in the first lines ({question})"


def test_no_question_is_lost() -> None:
    assert len({one[0] for one in QUESTIONS}) >= 25
