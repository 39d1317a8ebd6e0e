"""The ways to a first Rucio instance besides typing its address: other programs' settings, and the sandbox.

The panel shows them when no instance is configured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from nbrucio.config.importable import importable
from nbrucio.config.load import parse_toml, read_layers
from nbrucio.config.write import add_instances, require_open
from nbrucio.disk.libraries import has_sandbox
from nbrucio.disk.read import SMALL_BYTES, read_file
from nbrucio.errors import Unavailable

_SANDBOX = "sandbox"
#: The first start creates a database and adds data.
_START_S = 300


def ways() -> dict[str, object]:
    """Return which ways are possible here, as a JSON object."""
    return {
        "sandbox": has_sandbox(),
        "import": bool(importable(os.environ)),
    }


def try_sandbox() -> Path:
    """Start the user's sandbox, add it to the user's configuration file as ``sandbox``, and return the file.

    Raises:
        ConsentNeeded: the administrator does not allow further instances.
        UsageError: an instance of this name is configured already.
        BadConfig: the configuration cannot be written.
        Unavailable: the sandbox does not start.
    """
    require_open(read_layers(os.environ))
    _command("start")
    variables = json.loads(_command("env"))["env"]
    file = Path(variables["NBRUCIO_CONFIG"])
    table = parse_toml(read_file(file, SMALL_BYTES).decode(), file)["instances"]
    assert isinstance(table, dict)
    # Its port, and so its address, differs after each start; its rucio.cfg always has the present one.
    own = {name: value for name, value in table[_SANDBOX].items() if name in ("identity", "storage_ca", "file_roots")}
    settings = {"rucio_cfg": variables["RUCIO_CONFIG"], **own, "traces": False, "mounts": table[_SANDBOX]["mounts"]}
    return add_instances({_SANDBOX: settings})


def _command(verb: str) -> str:
    """Run ``nbrucio sandbox``. In a process of its own, because this floor is below the sandbox's."""
    command = [sys.executable, "-m", "nbrucio_cli", "sandbox", verb, "--json"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"The sandbox did not start within {_START_S} s.", subject=_SANDBOX) from error
    if done.returncode == 0:
        return done.stdout.decode()
    raise _failure(done.stdout.decode(errors="replace"), done.returncode)


def _failure(printed: str, code: int) -> Unavailable:
    try:
        error = json.loads(printed)["error"]
        message, hint = str(error["message"]), error.get("hint")
    except (ValueError, KeyError, TypeError):
        message, hint = f"The sandbox did not start: exit code {code}.", None
    return Unavailable(message, subject=_SANDBOX, hint=hint)
