"""Nothing that nbrucio writes by itself is below a home on EOS, as SWAN's sessions have it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

Write = Callable[..., Path]


def _tree(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.fixture
def session(connected: Cli) -> Cli:
    """A command line whose home is on EOS, with nothing but the local disk of a session."""
    eos = connected.folder.parent / "eos" / "user" / "t" / "tester"
    eos.mkdir(parents=True)
    local = connected.folder.parent / "local"
    local.mkdir()
    env = {name: value for name, value in connected.env.items() if name not in ("NBRUCIO_STORE", "NBRUCIO_GRANTS")}
    own = connected.folder / "config.toml"
    own.touch(mode=0o600)
    own.write_text(re.sub(r"\[store\]\npath = .*\n", "", Path(env["NBRUCIO_CONFIG"]).read_text()))
    form = f"{eos.parents[1]}/{{username[0]}}/{{username}}/"
    names = {"HOME": str(eos), "EOS_PATH_FORMAT": form, "TMPDIR": str(local), "XDG_CACHE_HOME": str(eos / ".cache")}
    # IPython's folder is on the local disk in SWAN, too: the doctor starts kernels.
    names |= {"NBRUCIO_CONFIG": str(own), "IPYTHONDIR": str(local / "ipython")}
    return Cli(connected.folder, env | names)


def test_commands_write_only_to_the_sessions_disk(session: Cli, notebook: Write) -> None:
    home = Path(session.env["HOME"])
    path = notebook()
    for words in (
        ("add", path, "sandbox:dimuon", "--as", "dimuon"),
        ("sync", path),
        ("status", path),
        ("whoami",),
        ("store",),
        ("doctor",),
        ("sandbox", "status"),
    ):
        result = session(*words)
        assert result.exit_code in (0, 1), (words, result.err)
        assert _tree(home) == set(), words
    local = Path(session.env["TMPDIR"])
    assert list(local.glob(f"nbrucio-cache-{os.getuid()}/store/objects/*/*/*.root"))
    assert list(local.glob(f"nbrucio-cache-{os.getuid()}/tokens/token-*"))
    assert list(local.glob(f"nbrucio-config-{os.getuid()}/grants.json"))


def test_a_private_folder_holds_tokens_and_consent(connected: Cli, notebook: Write) -> None:
    folder = connected.folder.parent / "local" / "jdoe"
    configured = Path(connected.env["NBRUCIO_CONFIG"]).read_text()
    own = connected.folder / "config.toml"
    own.touch(mode=0o600)
    own.write_text(f'private_dir = "{folder.parent}/$USER"\n{configured}')
    env = {"NBRUCIO_CONFIG": str(own), "USER": "jdoe", "XDG_RUNTIME_DIR": str(connected.folder)}
    assert connected("sync", notebook({"did": "sandbox:dimuon", "handle": "dimuon"}), **env).exit_code == 0
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path for path in folder.glob("tokens/token-*") if path.suffix != ".lock"]
    assert json.loads((folder / "grants.json").read_text())["grants"]
    shown = connected("config", "show", "--origin", **env)
    assert f'private_dir = "{folder}"' in shown.out
    assert f"{own}:1" in shown.out
    assert _tree(Path(connected.env["HOME"])) == set()
