"""Logins that fail beside logins that work, and a login without a configured account."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli


@pytest.fixture
def configured(connected: Cli) -> Callable[[Callable[[str], str]], Cli]:
    """A command line whose configuration for the sandbox is changed as a function of its text says."""

    def change(edit: Callable[[str], str]) -> Cli:
        path = connected.folder / "changed.toml"
        path.touch(mode=0o600)
        path.write_text(edit(Path(connected.env["NBRUCIO_CONFIG"]).read_text()))
        return Cli(connected.folder, {**connected.env, "NBRUCIO_CONFIG": str(path)})

    return change


@pytest.mark.parametrize(("kind", "passphrase"), [("ed25519", ""), ("rsa", "secret")])
def test_one_bad_login_does_not_end_what_the_others_do(
    configured: Callable[[Callable[[str], str]], Cli],
    notebook: Callable[..., Path],
    sandbox: Sandbox,
    tmp_path: Path,
    kind: str,
    passphrase: str,
) -> None:
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-m", "PEM", "-f", key], check=True)
    host = sandbox.status().server_url
    other = f'[instances.other]\nidentity = "other"\nhost = "{host}"\nauth_type = "ssh"\nssh_private_key = "{key}"\n'
    cli = configured(lambda text: f"{text}\n{other}")
    path = notebook(
        {"did": "sandbox:dimuon", "handle": "good"},
        {"did": "sandbox:dimuon", "handle": "bad", "instance": "other"},
    )
    synced = cli("sync", path, "--json")
    assert synced.exit_code == 7, synced.err
    assert "Login to other failed" in synced.err
    assert str(key) in synced.err
    assert len(cli("paths", path, "good").out.split()) == 4


def test_an_upload_works_without_a_configured_account(
    configured: Callable[[Callable[[str], str]], Cli], sandbox: Sandbox
) -> None:
    cli = configured(lambda text: re.sub(r"(?m)^account = .*\n", "", text))
    own = uuid.uuid4().hex[:8]
    file = cli.folder / f"{own}.dat"
    file.write_bytes(b"content")
    words = ("--rse", "SANDBOX_SCRATCHDISK", "--scope", "user.sandbox", "--dataset", f"set.{own}")
    sent = cli("upload", file, *words)
    assert sent.exit_code == 0, sent.out + sent.err
    with sandbox.client() as client:
        (rule,) = client.list_did_rules("user.sandbox", f"set.{own}")
    assert rule["account"] == "sandbox"
