"""``--json`` gives one JSON document on stdout, also where the arguments are wrong, with every verb."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import nbrucio_schemas
import pytest
from click.testing import CliRunner, Result
from nbrucio_cli.app import root

from tests.cli.conftest import Cli

SCHEMA = nbrucio_schemas.load("error-1")


def commands(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *words, name)


COMMANDS = dict(commands(root))
NEED_ARGUMENTS = [
    words
    for words, command in COMMANDS.items()
    if any(isinstance(one, click.Argument) and one.required for one in command.params)
]


def check(result: Result) -> str:
    facts = json.loads(result.stdout)
    jsonschema.validate(facts, SCHEMA)
    assert (result.exit_code, facts["exit_code"], facts["error"]["code"]) == (2, 2, "usage")
    message = facts["error"]["message"]
    assert message in result.stderr
    return str(message)


def test_every_verb_takes_json() -> None:
    lacking = [
        words
        for words, command in COMMANDS.items()
        if not isinstance(command, click.Group) and "as_json" not in {one.name for one in command.params}
    ]
    assert lacking == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_unknown_option_with_json_is_one_json_document(words: tuple[str, ...]) -> None:
    for args in (["--json", "--no-such-option"], ["--no-such-option", "--json"]):
        assert "No such option" in check(CliRunner().invoke(root, [*words, *args]))


@pytest.mark.parametrize("words", NEED_ARGUMENTS, ids=" ".join)
def test_a_missing_argument_with_json_is_one_json_document(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, [*words, "--json"])
    assert "Missing argument" in check(result)
    assert json.loads(result.stdout)["error"]["next_command"] == " ".join(["root", *words, "--help"])


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["snyc", "--json"], "Did you mean sync?"),
        (["--json"], "No such option"),
        (["--jsn", "sync", "--json"], "No such option"),
        (["sync", "a.ipynb", "--locked", "--frozen", "--json"], "exclude each other"),
        (["add", "a.ipynb", "s:n", "--json", "--first", "0"], "--first"),
        (["add", "a.ipynb", "s:n", "--json", "--max-bytes", "many"], "--max-bytes"),
        (["add", "a.ipynb", "s:n", "--access", "steal", "--json"], "--access"),
        (["diff", "a.ipynb", "--json"], "Give two notebooks"),
    ],
)
def test_every_kind_of_wrong_arguments_is_one_json_document(args: list[str], why: str) -> None:
    assert why in check(CliRunner().invoke(root, args))


@pytest.mark.parametrize("args", [["sync"], ["sync", "--", "--json"], ["show", "--no-such-option"]])
def test_without_json_stdout_stays_empty(args: list[str]) -> None:
    result = CliRunner().invoke(root, args)
    assert (result.exit_code != 0, result.stdout) == (True, "")


def test_help_with_json_is_the_help() -> None:
    result = CliRunner().invoke(root, ["sync", "--json", "--help"])
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")


def test_the_installed_command_does_the_same(cli: Cli) -> None:
    result = cli("sync", "--json")
    assert result.exit_code == 2
    jsonschema.validate(result.facts, SCHEMA)
    assert result.facts["error"]["next_command"] == "nbrucio sync --help"
    assert result.err.startswith("Usage: nbrucio sync")


def test_a_missing_library_is_json_too(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['click'] = None\n")
    result = cli("sync", "nb.ipynb", "--json", PYTHONPATH=str(tmp_path))
    jsonschema.validate(result.facts, SCHEMA)
    assert (result.exit_code, result.facts["exit_code"]) == (2, 2)


def test_other_errors_have_the_same_form(cli: Cli) -> None:
    jsonschema.validate(cli("show", "nocolon", "--json").facts, SCHEMA)
