"""SSH keys of each common kind, registered at Rucio: which log in, and what the error of the others says."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from nbrucio.catalogue.rucio import Catalogues
from nbrucio.config import Credentials, load
from nbrucio.core.did import Did
from nbrucio.errors import CredentialsRejected
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox

pytestmark = pytest.mark.world

DIMUON = Did("sandbox", "dimuon")
#: The options of ssh-keygen, and what the error says of a key that Rucio does not accept.
KINDS: dict[str, tuple[str, str | None]] = {
    "rsa of 2048 bits in PEM": ("-t rsa -b 2048 -m PEM", None),
    "rsa of 3072 bits in OpenSSH's format": ("-t rsa -b 3072", None),
    "rsa of 4096 bits in PKCS 8": ("-t rsa -b 4096 -m PKCS8", None),
    "ed25519": ("-t ed25519", "Ed25519"),
    "ecdsa of 256 bits": ("-t ecdsa -b 256", "type EC,"),
    "ecdsa of 521 bits in PEM": ("-t ecdsa -b 521 -m PEM", "type EC,"),
    "rsa with a passphrase": ("-t rsa -b 2048 -N secret", "passphrase"),
    "ed25519 with a passphrase": ("-t ed25519 -N secret", "passphrase"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_logs_in_or_is_explained_and_never_ends_the_others_run(
    kind: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, words = KINDS[kind]
    key = tmp_path / "id"
    secret = [] if "-N" in options else ["-N", ""]
    subprocess.run(["ssh-keygen", "-q", *options.split(), *secret, "-C", kind, "-f", key], check=True)
    with sandbox.admin() as client:
        public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        client.add_identity("sandbox", public, "SSH", "sandbox@localhost")
    environ = {**sandbox.env(), "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")}
    for name, value in {**environ, "NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}.items():
        monkeypatch.setenv(name, value)
    config = load(environ, system_file=tmp_path / "none")
    known = config.instance("sandbox")
    by_key = known._replace(
        name="key", identity="key.example", auth_type="ssh", credentials=Credentials(ssh_private_key=key)
    )
    config = config._replace(instances=(known, by_key))
    with closing(Catalogues(config, environ)) as catalogues:
        if words is None:
            assert catalogues.open("key").describe(DIMUON).files == 4
            return
        with pytest.raises(CredentialsRejected, match=words) as caught:
            catalogues.open("key").describe(DIMUON)
    assert str(key) in str(caught.value)
    assert caught.value.hint
    rows = [{"did": "sandbox:dimuon", "handle": name, "instance": name} for name in ("key", "sandbox")]
    notebook = {"cells": [], "metadata": {"nbrucio": {"version": 1, "requirements": rows}}}
    (tmp_path / "nb.ipynb").write_text(json.dumps({**notebook, "nbformat": 4, "nbformat_minor": 5}))
    report = sync([tmp_path / "nb.ipynb"], config)
    assert [one.state for one in report.notebooks[0].requirements] == ["failed", "ready"]
    assert report.exit_code == 7
