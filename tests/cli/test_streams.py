"""The command line with standard streams that are closed or full, or whose encoding lacks characters.

With `nbrucio_cli.streams._unwritten` returning the system's error as it is, a full disk for the output ends with a
traceback, or an error about some file: 5 of these tests fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

pytestmark = pytest.mark.trust("E")

FULL = "error: The output cannot be written: No space left on device.\n\nhint: Redirect it to another file.\n"


def run(cli: Cli, words: str, redirections: str) -> subprocess.CompletedProcess[str]:
    """Run nbrucio from a shell that redirects its streams."""
    line = f"exec '{sys.executable}' -m nbrucio_cli {words} {redirections}"
    return subprocess.run(
        ["sh", "-c", line], cwd=cli.folder, env=cli.env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("words", ["--help", "status --help", "status nb.ipynb", "status --json nb.ipynb"])
def test_a_full_disk_for_the_output_is_an_error_without_a_traceback(
    cli: Cli, notebook: Callable[..., Path], words: str
) -> None:
    notebook()
    done = run(cli, words, ">/dev/full")
    assert (done.returncode, done.stderr) == (6, FULL)


def test_an_error_reaches_stderr_although_its_json_cannot_be_written(cli: Cli) -> None:
    done = run(cli, "status --json none.ipynb", ">/dev/full")
    assert done.returncode == 6
    assert FULL in done.stderr


@pytest.mark.parametrize("redirections", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_sync_with_closed_or_full_streams_downloads_the_right_bytes(
    connected: Cli, notebook: Callable[..., Path], redirections: str
) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "d"})
    done = run(connected, f"sync {path}", redirections)
    assert done.returncode == 0
    assert connected("verify", path).out.startswith("4 files, 9.3 MB read: all correct")


def test_a_failure_with_closed_streams_keeps_its_exit_code(cli: Cli) -> None:
    assert run(cli, "status none.ipynb", "<&- >&- 2>&-").returncode == 2
    assert run(cli, "status none.ipynb", "2>/dev/full").returncode == 2


def test_help_can_be_printed_in_an_encoding_without_its_characters(cli: Cli) -> None:
    done = cli("sync", "--help", PYTHONIOENCODING="latin-1")
    assert (done.exit_code, done.err) == (0, "")
    assert done.out.startswith("Usage: nbrucio sync [OPTIONS] NOTEBOOK\\u2026\n")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("verb", ["status", "check", "verify"])
def test_a_name_that_is_not_utf_8_or_has_terminal_codes_is_shown_escaped_and_ends_no_command(
    connected: Cli, notebook: Callable[..., Path], verb: str, encoding: str
) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "d"})
    odd = os.fsdecode(b"m\xe9\x1b[2J\n::error::.ipynb")
    path.rename(path.with_name(odd))
    env = {"PYTHONIOENCODING": encoding}
    done = connected(verb, ".", **env)
    assert "a bug in nbrucio" not in done.err
    assert "\x1b" not in done.out + done.err
    assert "\n::error" not in done.out + done.err
    facts = connected(verb, ".", "--json", **env).facts
    assert facts["exit_code"] == done.exit_code
    assert [each["notebook"] for each in facts["notebooks"]] == [odd]
