"""Help: quick, complete, and one voice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import nbrucio_cli
import pytest
from nbrucio_cli.app import VERBS, help_text, root

from tests.cli.conftest import Cli

NAMES = [name for section in VERBS.values() for name in section]


def test_the_help_made_beforehand_is_the_one_that_click_would_print() -> None:
    made = Path(nbrucio_cli.__file__).with_name("help.txt").read_text()
    assert made == help_text(), "The verbs changed: run `make help-text`."


@pytest.mark.parametrize("word", ["--help", "-h", None])
def test_the_roots_help_imports_nothing_heavy(cli: Cli, word: str | None) -> None:
    argv = ["nbrucio"] if word is None else ["nbrucio", word]
    code = f"import sys; sys.argv = {argv!r}; import nbrucio_cli; nbrucio_cli.main(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=cli.env, capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.rpartition("\n[")
    assert text.strip() == help_text().strip()
    assert not {"'click'", "'rich'", "'nbrucio.errors'"} & set(modules.replace("]", "").split(", "))


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_has_help_and_json(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.help
    assert command.help.splitlines()[0].endswith(".")
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in commands:
        assert "--json" in {option for parameter in each.params for option in parameter.opts}, each.name


def test_status_needs_no_rucio_and_no_bar(cli: Cli) -> None:
    code = "import nbrucio_cli.status, nbrucio.pipeline.status, sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=cli.env, capture_output=True, text=True, check=True)
    for heavy in ("'rucio'", "'rich'", "'urllib3'", "'nbformat'", "'requests'", "'jsonschema'"):
        assert heavy not in done.stdout
