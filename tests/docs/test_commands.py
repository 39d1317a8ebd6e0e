"""The documents name commands, options and settings that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from nbrucio_cli.app import root

from nbrucio.jupyter.extension import NbrucioApp

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/operators").glob("*.md")),
]


def commands(text: str) -> Iterator[list[str]]:
    """The words after ``nbrucio`` in inline code and in lines of a shell."""
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    blocks = "".join(re.findall(r"```(?:console|sh|yaml)\n.*?```", text, flags=re.DOTALL))
    for line in (*spans, *re.findall(r"^(?:\$ | *- (?:run: )?)?(nbrucio [a-z].*)$", blocks, re.MULTILINE)):
        for part in re.split(r"&&|\|", line):
            words = part.partition("#")[0].partition(" -- ")[0].split()
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


def test_a_page_names_every_command() -> None:
    named = {words[0] for words in commands((ROOT / "docs/commands.md").read_text(encoding="utf-8"))}
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


@pytest.mark.parametrize("page", ["panel.md", "jupyter.md"])
def test_labels_in_italics_are_those_of_the_panel(page: str) -> None:
    files = (path for room in ("src", "schema") for path in sorted((ROOT / "frontend" / room).rglob("*.*")))
    shown = " ".join(" ".join(path.read_text(encoding="utf-8") for path in files).split())
    text = re.sub(r"```.*?```|`[^`]*`", "", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    labels = {" ".join(label.split()) for label in re.findall(r"(?<![*\w])\*([^*\n][^*]*?)\*(?!\*)", text)}
    assert labels
    assert {label for label in labels if label not in shown} == set()


def test_the_shortcuts_of_the_panel_are_the_real_ones() -> None:
    schema = json.loads((ROOT / "frontend" / "schema" / "plugin.json").read_text(encoding="utf-8"))
    real = {keys["keys"][1] for keys in schema["jupyter.lab.shortcuts"]}
    (sentence,) = re.findall(r"Ctrl\+Alt\+R \(.*?\), then (.*?)\.", (ROOT / "docs" / "panel.md").read_text(), re.DOTALL)
    assert set(re.findall(r"\b[A-Z]\b", sentence)) == real
