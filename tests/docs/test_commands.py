"""The documents name commands, options and settings that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from nbrucio_cli.app import root

from nbrucio.jupyter.extension import NbrucioApp

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(text: str) -> Iterator[list[str]]:
    """The words after ``nbrucio`` in inline code and in lines of a shell."""
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    blocks = "".join(re.findall(r"```.*?```", text, flags=re.DOTALL))
    for line in (*spans, *re.findall(r"^(?:\$ | *- (?:run: )?)?(nbrucio [a-z].*)$", blocks, re.MULTILINE)):
        for part in re.split(r"&&|\|", line):
            words = part.split()
            if words[:1] == ["nbrucio"] and len(words) > 1:
                yield words[1:]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words call, and the rest of them."""
    found: click.Command = root
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        inner = found.get_command(click.Context(found), words[0])
        assert inner is not None, words
        found, words = inner, words[1:]
    return found, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for words in commands(page.read_text(encoding="utf-8")):
        command, rest = command_of(words)
        known = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help"}
        used = {match[0] for word in rest if (match := re.match(r"\[?(--?[a-z][a-z-]*)", word))}
        used = {option.lstrip("[") for option in used}
        assert used <= known, words


def test_the_readme_names_every_command() -> None:
    named = {words[0] for words in commands((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert set(root.list_commands(click.Context(root))) - named == {"completion"}


def test_the_settings_of_the_server_have_their_real_defaults() -> None:
    text = (ROOT / "docs" / "jupyter.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `c\.NbrucioApp\.(\w+)` \| (.*?) \|", text, re.MULTILINE))
    traits = NbrucioApp.class_own_traits(config=True)
    assert set(rows) == set(traits)
    assert rows.pop("open_budget_bytes") == "2 GB"
    assert traits["open_budget_bytes"].default_value == 2_000_000_000
    assert {name: rows[name].strip("`").strip('"') for name in rows} == {
        name: str(traits[name].default_value) for name in rows
    }
