"""The whole way, from a new notebook to data in a kernel, on file systems that refuse a call or answer oddly.

With `_REFUSALS` of `disk.permissions` empty, nothing can be written where chmod is refused: 2 of these tests fail, and
one of `tests/store/test_refusals.py`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, cli, connected, notebook

__all__ = ["cli", "connected", "notebook"]  # fixtures

pytestmark = [pytest.mark.world, pytest.mark.trust("M")]

ODD = [
    ["symlink=EPERM"],
    ["rename_folder=EPERM"],
    ["link=EPERM"],
    ["chmod=EPERM"],
    ["chown=EPERM"],
    ["utimens=EPERM"],
    ["fsync=EINVAL"],
    ["fsync=ENOSYS", "fsyncdir=ENOSYS"],
    ["fsyncdir=EINVAL"],
    ["statfs=ENOSYS"],
    ["rmdir=EPERM"],
    ["flock=ENOLCK", "lock=ENOLCK"],
    ["case"],
    ["space"],
    ["seconds"],
    ["symlink=ENOSYS", "link=ENOSYS", "chmod=ENOSYS", "chown=ENOSYS", "utimens=ENOSYS", "seconds", "space"],
]
#: Where Debian and Fedora have the program.
SFTP_SERVERS = [Path("/usr/lib/openssh/sftp-server"), Path("/usr/libexec/openssh/sftp-server")]
READ = "import nbrucio; print([len(open(path, 'rb').read()) for path in nbrucio.data['d']])"


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a file system that refuses the given calls; ``mount("symlink=EPERM")`` returns its folder."""
    folder, source = tmp_path / "mount", tmp_path / "source"
    served: list[subprocess.Popen[bytes]] = []

    def serve(*refused: str) -> Path:
        folder.mkdir(exist_ok=True)
        source.mkdir(exist_ok=True)
        served.append(subprocess.Popen([sys.executable, "-m", "tests.support.odd_fuse", source, folder, *refused]))
        _until(folder.is_mount)
        return folder

    yield serve
    for server in served:
        subprocess.run(["fusermount3", "-u", folder], check=False)
        server.wait(20)


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_odd_file_system_refuses_calls(mount: Callable[..., Path]) -> None:
    folder = mount("symlink=EPERM", "link=EMLINK", "flock=ENOLCK", "case", "quota=10")
    (folder / "x").touch()
    assert (folder / "X").exists()
    for code, call in (
        (errno.EPERM, lambda: (folder / "link").symlink_to("x")),
        (errno.EMLINK, lambda: (folder / "hard").hardlink_to(folder / "x")),
        (errno.ENOLCK, lambda: _lock(folder / "x")),
        (errno.EDQUOT, lambda: (folder / "file").write_bytes(bytes(11))),
    ):
        with pytest.raises(OSError, match=os.strerror(code)):
            call()


def _lock(path: Path) -> None:
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)


@pytest.mark.parametrize("refused", ODD, ids=",".join)
def test_a_notebook_and_its_data_live_on_an_odd_file_system(
    connected: Cli, mount: Callable[..., Path], refused: list[str]
) -> None:
    _whole_way(connected, mount(*refused))


def _whole_way(connected: Cli, folder: Path) -> None:
    """From a new notebook to data in a program, with everything in ``folder``."""
    own = {"NBRUCIO_STORE": str(folder / "store"), "NBRUCIO_KEEP_FREE": "0"}
    at = replace(connected, folder=folder, env=connected.env | own)
    for words in (
        ["init", "nb.ipynb"],
        ["add", "nb.ipynb", "sandbox:dimuon", "--as", "d"],
        ["sync", "nb.ipynb"],
        ["lock", "nb.ipynb", "--upgrade"],
        ["sync", "nb.ipynb", "--frozen"],
        ["verify", "nb.ipynb"],
    ):
        done = at(*words)
        assert done.exit_code == 0, (words, done.out, done.err)
    assert at("verify", "nb.ipynb").out.startswith("4 files, 9.3 MB read: all correct")
    own = replace(at, env=at.env | {"NBRUCIO_NOTEBOOK": str(folder / "nb.ipynb")})
    assert sum(map(int, own.python(READ).strip("[]\n").split(","))) > 9_000_000
    assert at("store", "gc", "--to", "0", "--keep-days", "0").exit_code == 0
    assert at("store", "--json").facts["files"] == 0


def test_d13_an_exceeded_quota_is_named_and_nothing_is_lost(
    connected: Cli, mount: Callable[..., Path], notebook: Callable[..., Path], tmp_path: Path
) -> None:
    half = notebook({"did": "sandbox:dimuon", "handle": "d", "select": {"first": 2}}, name="half.ipynb")
    path = notebook({"did": "sandbox:dimuon", "handle": "d"})
    source = tmp_path / "source" / "store"
    at = replace(connected, env=connected.env | {"NBRUCIO_STORE": str(mount("quota=6000000") / "store")})
    assert at("sync", half).exit_code == 0
    whole = {file.name: file.stat().st_mtime_ns for file in source.glob("objects/*/*/*.root")}
    done = at("sync", path)
    assert (done.exit_code, "your quota is used up" in done.err) == (6, True), done.err
    assert {file.name: file.stat().st_mtime_ns for file in source.glob("objects/*/*/*.root")} == whole
    assert at("verify", half).out.startswith("2 files")
    more = replace(at, env=at.env | {"NBRUCIO_STORE": str(source)})  # as if the quota was raised
    assert more("sync", path).exit_code == 0
    assert more("verify", path).out.startswith("4 files, 9.3 MB read: all correct")
    after = {file.name: file.stat().st_mtime_ns for file in source.glob("objects/*/*/*.root")}
    assert whole.items() < after.items()


def test_d13_a_notebook_on_a_full_quota_stays_as_it_is(connected: Cli, mount: Callable[..., Path]) -> None:
    folder = mount("quota=4000")
    at = replace(connected, folder=folder)
    assert at("init", "nb.ipynb").exit_code == 0
    (folder / "rest").write_bytes(bytes(3990 - (folder / "nb.ipynb").stat().st_size))
    before = (folder / "nb.ipynb").read_bytes()
    done = at("add", "nb.ipynb", "sandbox:dimuon", "--as", "d")
    assert (done.exit_code, "quota" in done.err) == (6, True), done.err
    assert (folder / "nb.ipynb").read_bytes() == before
    assert sorted(each.name for each in folder.iterdir()) == ["nb.ipynb", "rest"]


@contextmanager
def _image(tmp_path: Path, make: list[str], megabytes: int = 96) -> Iterator[Path]:
    """A file with a file system of its own, made by this command."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run([*make, image], check=True, capture_output=True)
    yield image


@contextmanager
def _mounted(folder: Path, *command: object, unmount: tuple[str, ...] = ("umount",)) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    _until(folder.is_mount)
    try:
        yield folder
    finally:
        subprocess.run([*unmount, folder], check=False)


def test_a_notebook_and_its_data_live_on_ext4(connected: Cli, tmp_path: Path) -> None:
    with (
        _image(tmp_path, ["mkfs.ext4", "-q", "-F"]) as image,
        _mounted(tmp_path / "disk", "mount", "-o", "loop", image, tmp_path / "disk") as at,
    ):
        _whole_way(connected, at)


def test_a_notebook_and_its_data_live_on_exfat(connected: Cli, tmp_path: Path) -> None:
    with (
        _image(tmp_path, ["mkfs.exfat"]) as image,
        _loop(image) as device,
        _mounted(tmp_path / "disk", "mount.exfat-fuse", device, tmp_path / "disk") as at,
    ):
        _whole_way(connected, at)


@contextmanager
def _loop(image: Path) -> Iterator[str]:
    done = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True)
    device = done.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=False)


def test_a_notebook_and_its_data_live_on_an_overlay(connected: Cli, tmp_path: Path) -> None:
    with _mounted(tmp_path / "tmpfs", "mount", "-t", "tmpfs", "tmpfs", tmp_path / "tmpfs") as below:
        for name in ("lower", "upper", "work"):
            (below / name).mkdir()
        layers = f"lowerdir={below}/lower,upperdir={below}/upper,workdir={below}/work"
        with _mounted(tmp_path / "over", "mount", "-t", "overlay", "overlay", "-o", layers, tmp_path / "over") as at:
            _whole_way(connected, at)


def test_a_notebook_and_its_data_live_on_sshfs(connected: Cli, tmp_path: Path) -> None:
    """sshfs speaks to the server of sftp directly; the network in between is what ssh tests."""
    (tmp_path / "remote").mkdir()
    program = shlex.quote(str(next(path for path in SFTP_SERVERS if path.exists())))
    socket = tmp_path / "s"
    listen = ["socat", f"UNIX-LISTEN:{socket},fork", f"EXEC:{program}"]
    server = subprocess.Popen(listen)
    try:
        _until(socket.exists)
        connect = tmp_path / "ssh"
        connect.write_text(f"#!/bin/sh\nexec socat - UNIX-CONNECT:{socket}\n")
        connect.chmod(0o755)
        options = f"ssh_command={connect}"
        unmount = ("fusermount3", "-u")
        folder = tmp_path / "sshfs"
        mount = ["sshfs", f"host:{tmp_path}/remote", folder, "-o", options]
        with _mounted(folder, *mount, unmount=unmount) as at:
            _whole_way(connected, at)
    finally:
        server.terminate()
        server.wait(20)


def test_data_in_an_image_is_read_where_it_is(connected: Cli, notebook: Callable[..., Path], tmp_path: Path) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "d"})
    assert connected("lock", path).exit_code == 0
    assert connected("sync", path).exit_code == 0
    image, folder = tmp_path / "store.squashfs", tmp_path / "image"
    subprocess.run(["mksquashfs", connected.store, image, "-quiet", "-no-progress"], check=True)
    shutil.rmtree(connected.store)
    folder.mkdir()
    subprocess.run(["squashfuse", image, folder], check=True)
    try:
        at = replace(connected, env=connected.env | {"NBRUCIO_STORE": str(folder)})
        synced = at("sync", path, "--offline")
        assert synced.exit_code == 0, synced.err
        own = replace(at, env=at.env | {"NBRUCIO_NOTEBOOK": str(path)})
        assert sum(map(int, own.python(READ).strip("[]\n").split(","))) > 9_000_000
    finally:
        subprocess.run(["fusermount3", "-u", folder], check=False)
