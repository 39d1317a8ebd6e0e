"""Results with ``--json`` have the schema ``output-1``, also where something failed."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import click
import jsonschema
import nbrucio_schemas

from nbrucio.core.events import Event
from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.cli.test_json_errors import COMMANDS
from tests.support.strict_schema import strict

SCHEMA = nbrucio_schemas.load("output-1")
#: The definition of each command's result.
RESULTS = {
    tuple(command.split()): name for name, one in SCHEMA["$defs"].items() for command in one.get("x-commands", ())
}
Write = Callable[..., Path]


def check(name: str, printed: str) -> Any:
    facts = json.loads(printed)
    jsonschema.validate(facts, SCHEMA)
    definition = {"$defs": strict(SCHEMA["$defs"]), "$ref": f"#/$defs/{name}"}
    jsonschema.Draft202012Validator(definition).validate(facts)
    return facts


def main_job(folder: Path) -> list[list[object]]:
    """Commands of a notebook from its beginning, in order; each succeeds."""
    file = folder / "some.bin"
    file.write_bytes(b"data of the json outputs")
    return [
        ["init", "nb.ipynb"],
        ["add", "nb.ipynb", "sandbox:dimuon", "--as", "muons", "--first", 2],
        ["plan", "nb.ipynb"],
        ["sync", "nb.ipynb", "--dry-run"],
        ["sync", "nb.ipynb"],
        ["sync", "nb.ipynb", "--links", "data"],
        ["status", "nb.ipynb", "--check"],
        ["lock", "nb.ipynb"],
        ["verify", "nb.ipynb"],
        ["run", "nb.ipynb"],
        ["check", "nb.ipynb"],
        ["paths", "nb.ipynb"],
        ["export", "nb.ipynb", "--format", "metalink"],
        ["export", "nb.ipynb", "--format", "metalink", "-o", "nb.meta4"],
        ["search", "sandbox:*"],
        ["search", "sandbox:*", "--type", "file", "--limit", 1],
        ["show", "sandbox:dimuon"],
        ["stage", "nb.ipynb", "muons", "--list"],
        ["upload", file, "--rse", "SANDBOX_SCRATCHDISK", "--scope", "user.sandbox"],
        ["store"],
        ["store", "pin", "nb.ipynb"],
        ["store", "unpin", "nb.ipynb"],
        ["store", "rm", "sandbox:dimuon"],
        ["store", "gc", "--dry-run"],
        ["remove", "nb.ipynb", "muons"],
        ["diff", "nb.ipynb", "nb.ipynb"],
    ]


def set_up(sandbox: Sandbox) -> list[list[object]]:
    """The other commands; each succeeds."""
    at = ("--root", sandbox.root)
    env = sandbox.env()
    return [
        ["demo", *at],
        ["sandbox", "start", *at],
        ["sandbox", "status", *at],
        ["sandbox", "env", *at],
        ["sandbox", "transfer", *at],
        ["sandbox", "chaos", *at],
        ["sandbox", "stop", "--root", "another"],
        ["sandbox", "reset", "--root", "another"],
        ["whoami"],
        ["login"],
        ["logout"],
        ["doctor"],
        ["config", "show"],
        ["config", "check"],
        ["config", "import", env["RUCIO_CONFIG"], "--dry-run"],
        ["config", "init", "mine", "--host", "https://rucio.example.org", "--auth", "gss", "--no-test"],
        ["completion", "bash"],
    ]


def leaf(words: Sequence[object]) -> tuple[str, ...]:
    """The command that these words call."""
    return next(found for found in (tuple(map(str, words[:2])), (str(words[0]),)) if found in COMMANDS)


def succeeds(cli: Cli, words: Sequence[object]) -> None:
    """The command succeeds, and prints the result that the schema has for it."""
    name = "plan" if "--dry-run" in words and words[0] == "sync" else RESULTS[leaf(words)]
    done = cli(*words, "--json")
    assert done.exit_code == 0, (words, done.err)
    facts = check(name, done.out)
    assert (facts["exit_code"], facts["errors"]) == (0, []), words


def test_every_result_of_the_main_job_has_its_schema(connected: Cli, tmp_path: Path) -> None:
    for words in main_job(tmp_path):
        succeeds(connected, words)


def test_every_result_of_the_other_commands_has_its_schema(connected: Cli, sandbox: Sandbox) -> None:
    own = connected.folder / "config.toml"  # to which `config init` adds an instance
    shutil.copy(connected.env["NBRUCIO_CONFIG"], own)
    cli = Cli(connected.folder, connected.env | {"NBRUCIO_CONFIG": str(own)})
    for words in set_up(sandbox):
        succeeds(cli, words)
    assert "mine" in own.read_text("utf-8")


def test_no_command_lacks_a_result_in_the_schema_or_a_test_of_it(sandbox: Sandbox, tmp_path: Path) -> None:
    leaves = {words for words, command in COMMANDS.items() if not isinstance(command, click.Group)} | {("store",)}
    assert set(RESULTS) == leaves
    assert {leaf(words) for words in [*main_job(tmp_path), *set_up(sandbox)]} == leaves


def test_a_change_between_notebooks_is_a_result(connected: Cli, notebook: Write) -> None:
    old = notebook({"did": "sandbox:dimuon", "handle": "muons"}, name="old.ipynb")
    facts = check("diff", connected("diff", old, notebook(), "--json").out)
    assert (facts["exit_code"], [change["change"] for change in facts["changes"]]) == (3, ["removed"])


def test_a_demo_and_a_test_of_a_connection_that_fail_are_json_too(connected: Cli, sandbox: Sandbox) -> None:
    demo = connected("demo", "--root", sandbox.root, "--json", NBRUCIO_MAX_DOWNLOAD="1kB")
    facts = check("run", demo.out)
    assert (facts["output"], facts["exit_code"], len(facts["errors"])) == (None, demo.exit_code, 1)
    options = ("--host", "https://localhost:9", "--auth", "gss")
    failed = connected("config", "init", "no", *options, "--json")
    jsonschema.validate(failed.facts, nbrucio_schemas.load("error-1"))
    assert failed.facts["exit_code"] == failed.exit_code != 0
    tested = {"$defs": strict(SCHEMA["$defs"]), "$ref": "#/$defs/tested"}
    jsonschema.Draft202012Validator(tested).validate(failed.facts["test"])


def test_failures_are_in_errors_with_the_exit_code_of_the_process(connected: Cli, notebook: Write) -> None:
    path = notebook(
        {"did": "sandbox:nothing-of-this-name", "handle": "gone"},
        {"did": "sandbox:dimuon", "handle": "muons"},
        {"did": "no did", "handle": "bad"},
    )
    for name, *words in [
        ("plan", "plan", path),
        ("sync", "sync", path),
        ("status", "status", path),
        ("verify", "verify", path),
        ("check", "check", path),
        ("edit", "lock", path),
        ("paths", "paths", path, "gone"),
    ]:
        done = connected(*words, "--json")
        facts = check(name, done.out)
        assert done.exit_code == facts["exit_code"] != 0, words
        codes = [error["code"] for error in facts["errors"]]
        assert len(codes) == len({json.dumps(error) for error in facts["errors"]}), f"{words}: each once"
        assert facts["exit_code"] in {error["exit_code"] for error in facts["errors"]}, words


def test_a_command_that_fails_as_a_whole_lists_its_error_twice(connected: Cli) -> None:
    done = connected("show", "sandbox:nothing-of-this-name", "--json")
    facts = done.facts
    jsonschema.validate(facts, nbrucio_schemas.load("error-1"))
    jsonschema.validate(facts, SCHEMA)
    assert facts["errors"] == [facts["error"]]
    assert done.exit_code == facts["exit_code"] == 4


def test_every_definition_is_a_result_or_part_of_one() -> None:
    text = json.dumps(SCHEMA["$defs"])
    results = {name for name, schema in SCHEMA["$defs"].items() if "exit_code" in schema.get("properties", {})}
    assert {name for name in SCHEMA["$defs"] if f'"#/$defs/{name}"' not in text} <= results


def test_the_page_is_made_from_the_schemas() -> None:
    root = Path(__file__).parents[2]
    page = runpy.run_path(str(root / "tools/json_page.py"))["page"]()
    assert (root / "docs/json.md").read_text("utf-8") == page, "run .venv/bin/python tools/json_page.py"


def test_every_event_of_a_sync_has_its_schema(
    connected: Cli, notebook: Write, placed: Callable[..., list[Path]]
) -> None:
    (replica,) = placed("json.damaged", b"right bytes", "SANDBOX_HTTPS")
    replica.write_bytes(b"wrong bytes")
    path = notebook({"did": "sandbox:dimuon", "handle": "muons"}, {"did": "sandbox:json.damaged", "handle": "bad"})
    done = connected("sync", path, "--events", "--json")
    validator = jsonschema.Draft202012Validator(strict(nbrucio_schemas.load("events-1")))
    lines = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    for line in lines:
        validator.validate(line)
    kinds = {line["event"] for line in lines}
    assert {"ResolveStarted", "Resolved", "ApplyStarted", "FileStarted", "BytesArrived", "FileFinished"} <= kinds
    assert "FileFailed" in kinds
    assert {event.__name__ for event in get_args(Event)} - {"Planned"} == {
        each["properties"]["event"]["const"] for each in nbrucio_schemas.load("events-1")["oneOf"]
    }
