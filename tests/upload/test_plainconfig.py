"""The configuration that an upload's process gets: no password on disk, and nothing left after a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.catalogue.child.config import isolated
from nbrucio.config import Credentials, Instance
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.state import load_state

SECRET = "s3cret%word"
INSTANCE = Instance(
    "x", "x.example", "https://x.example", "https://x.example", "userpass", credentials=Credentials("me", SECRET)
)

_KILLED = """
import os, signal, sys
from tests.upload.test_plainconfig import INSTANCE, isolated
with isolated(INSTANCE, {"XDG_RUNTIME_DIR": sys.argv[1]}, token=None) as environment:
    print(environment["RUCIO_HOME"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(tmp_path)}


def files_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_no_password_is_in_the_file_or_the_environment(tmp_path: Path, environ: dict[str, str]) -> None:
    with isolated(INSTANCE, environ, token=None) as environment:
        files = list(files_below(tmp_path))
        assert [path.name for path in files] == ["rucio.cfg"]
        assert "username = me" in files[0].read_text()
        assert SECRET not in files[0].read_text().replace("%%", "%")
        assert SECRET not in environment.values()
    assert list(files_below(tmp_path)) == []


def test_what_a_killed_upload_left_is_swept_and_what_lives_stays(tmp_path: Path, environ: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = Path(done.stdout.strip())
    assert left.is_dir()
    old = left.with_name("child-abc_123")
    old.mkdir()
    os.utime(old, (0, 0))
    with isolated(INSTANCE, environ, token=None) as first, isolated(INSTANCE, environ, token=None) as second:
        folders = {Path(environment["RUCIO_HOME"]) for environment in (first, second)}
        assert set(left.parent.iterdir()) == folders


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_its_folders_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with isolated(INSTANCE, {"XDG_CACHE_HOME": str(tmp_path / "new" / "cache")}, token=None) as environment:
            made = [path for path in (tmp_path / "new", *(tmp_path / "new").rglob("*")) if path.is_dir()]
            assert Path(environment["RUCIO_HOME"]) in made
            assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
            assert stat.S_IMODE(Path(environment["RUCIO_CONFIG"]).stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_real_upload_that_is_killed_leaves_no_password(sandbox: Sandbox, tmp_path: Path) -> None:
    state = load_state(sandbox.root / "state.json")
    assert state is not None
    (tmp_path / "data").write_bytes(os.urandom(1000))
    environ = {**os.environ, **sandbox.env(), "XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path)}
    (tmp_path / "run").mkdir()
    words = ["upload", tmp_path / "data", "--rse", "SANDBOX_SCRATCHDISK", "--scope", "user.sandbox"]
    upload = subprocess.Popen([sys.executable, "-m", "nbrucio_cli", *words], env=environ, stdout=subprocess.DEVNULL)
    while not (found := list((tmp_path / "run").rglob("rucio.cfg"))):
        assert upload.poll() is None
        time.sleep(0.005)
    upload.kill()
    upload.wait()
    assert found
    kept = [path for path in files_below(tmp_path) if state.user_password.encode() in path.read_bytes()]
    assert kept == []
