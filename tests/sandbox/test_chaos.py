"""The sandbox's servers are faulty on request; a sync gets the right bytes or says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.errors import UsageError
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.chaos import KINDS, Chaos
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files

DATA = {f"chaos.{number}": bytes([number]) * 300_000 for number in range(4)}


@pytest.fixture(scope="module")
def dataset(sandbox: Sandbox) -> str:
    """Four files at the https storage."""
    files = [NewFile(Did("sandbox", name), data) for name, data in DATA.items()]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        return str(add_dataset(client, "sandbox", "chaos", [file.did for file in files], closed=True))


@pytest.fixture
def chaos(sandbox: Sandbox) -> Iterator[Callable[..., None]]:
    """Causes faults for one test."""

    def cause(shares: dict[str, float], seed: int = 0) -> None:
        sandbox.cause(Chaos(shares, seed))

    yield cause
    sandbox.cause(Chaos())


@pytest.fixture
def notebook(tmp_path: Path, dataset: str) -> Path:
    """A notebook that needs the dataset."""
    path = tmp_path / "nb.ipynb"
    value = {"version": 1, "requirements": [{"did": dataset, "handle": "data"}]}
    path.write_text(json.dumps({"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def found(path: Path, config: Config) -> tuple[set[str], list[bytes]]:
    """The codes of a sync's errors, and the bytes under final names."""
    report = sync([path], config)
    files = [file for one in report.notebooks[0].requirements for file in one.files if file.path is not None]
    assert all(file.path.read_bytes() == DATA[file.did.name] for file in files if file.path is not None)
    return {error.code for error in report.errors()}, [file.path.read_bytes() for file in files if file.path]


@pytest.mark.parametrize(
    ("kind", "code"), [("corrupt", "integrity"), ("truncate", "transfer-failed"), ("drop", "offline")]
)
def test_where_every_answer_is_faulty_nothing_has_a_final_name_and_the_error_says_why(
    notebook: Path, config: Config, chaos: Callable[..., None], kind: str, code: str
) -> None:
    chaos({kind: 1.0})
    assert found(notebook, config) == ({code}, [])
    chaos({})
    assert found(notebook, config) == (set(), list(DATA.values()))


@pytest.mark.parametrize("kind", ["busy", "expire", "slow"])
def test_faults_that_pass_are_waited_out(notebook: Path, config: Config, chaos: Callable[..., None], kind: str) -> None:
    chaos({kind: 0.4}, seed=3)
    assert found(notebook, config) == (set(), list(DATA.values()))


def test_the_seed_decides_which_answers_are_faulty() -> None:
    def hits(seed: int) -> list[bool]:
        return [Chaos({"corrupt": 0.5}, seed).hits("corrupt", "/a", number) for number in range(200)]

    assert hits(1) == hits(1) != hits(2)
    assert 60 < sum(hits(1)) < 140
    assert not any(Chaos({"slow": 1.0}).hits("corrupt", "/a", number) for number in range(200))


def test_wrong_faults_and_shares_are_refused() -> None:
    for kind, share in (("melt", 0.5), ("slow", 0.0), ("slow", 1.5)):
        with pytest.raises(UsageError):
            Chaos().with_fault(kind, share, 0)


def test_a_damaged_file_of_faults_means_none(tmp_path: Path) -> None:
    for text in ("", "[]", '{"shares": {"slow": "x"}, "seed": 0}', '{"shares": 3, "seed": 0}'):
        (tmp_path / "chaos.json").write_text(text)
        assert Chaos.read(tmp_path / "chaos.json") == Chaos()


def test_the_command_adds_shows_and_ends_faults(sandbox: Sandbox, chaos: Callable[..., None]) -> None:
    chaos({})
    where = ["--root", str(sandbox.root)]
    run = CliRunner().invoke
    assert run(root, ["sandbox", "chaos", *where]).stdout == "No faults.\n"
    run(root, ["sandbox", "chaos", "slow", "--share", "0.5", *where])
    both = run(root, ["sandbox", "chaos", "corrupt", *where]).stdout
    assert (
        both
        == "slow      50% of answers: storage sends 256 kB/s\ncorrupt   30% of answers: storage sends wrong bytes\n"
    )
    assert json.loads(run(root, ["sandbox", "chaos", "--json", *where]).stdout)["shares"] == {
        "slow": 0.5,
        "corrupt": 0.3,
    }
    assert run(root, ["sandbox", "chaos", "off", *where]).stdout == "No faults.\n"
    assert sandbox.chaos() == Chaos()


def test_the_command_names_every_fault(tmp_path: Path) -> None:
    printed = CliRunner().invoke(root, ["sandbox", "chaos", "--help"]).stdout
    assert all(f"{kind} " in printed and words in printed for kind, words in KINDS.items())
    refused = CliRunner().invoke(root, ["sandbox", "chaos", "slow", "--root", str(tmp_path / "none")])
    assert refused.exit_code == 4
    assert "not running" in refused.stderr
