"""A user without an entry in /etc/passwd, as Kubernetes and OpenShift start containers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, cli, connected, notebook
from tests.support.programs import need

__all__ = ["cli", "connected", "notebook"]  # fixtures
pytestmark = pytest.mark.world

UID = 12345
CELL = "import nbrucio, os, pwd\nassert os.getuid() == 12345\nprint(len(nbrucio.data['d']), 'files')"


def test_a_user_without_an_entry_in_passwd_syncs_and_runs(connected: Cli, notebook: Callable[..., Path]) -> None:
    path = notebook({"did": "sandbox:growing", "handle": "d"})
    content = json.loads(path.read_text())
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "source": CELL, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.write_text(json.dumps({**content, "cells": [cell], "metadata": {**content["metadata"], "kernelspec": kernel}}))

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        # In a user namespace: elsewhere another uid could not read the files of these tests.
        command = [need("unshare"), "--user", f"--map-user={UID}", "--map-group=0", sys.executable, *map(str, words)]
        return subprocess.run(command, cwd=path.parent, env=connected.env, capture_output=True, text=True, check=False)

    unknown = run("-c", "import os, pwd; pwd.getpwuid(os.getuid())")
    assert f"uid not found: {UID}" in unknown.stderr, unknown.stderr
    for words in (["sync", path], ["status", path], ["whoami"], ["run", path, "out.ipynb"]):
        done = run("-m", "nbrucio_cli", *words)
        assert done.returncode == 0, (words, done.stderr)
        assert "Traceback" not in done.stderr
    executed = json.loads((path.parent / "out.ipynb").read_text())
    assert "2 files" in json.dumps(executed["cells"][-1]["outputs"])
