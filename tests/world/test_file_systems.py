"""The whole way, from a new notebook to data in a kernel, on file systems that refuse a call or answer oddly."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, cli, connected, notebook

__all__ = ["cli", "connected", "notebook"]  # fixtures

pytestmark = pytest.mark.world

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
    ["space"],
    ["seconds"],
    ["symlink=ENOSYS", "link=ENOSYS", "chmod=ENOSYS", "chown=ENOSYS", "utimens=ENOSYS", "seconds", "space"],
]
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


@pytest.mark.parametrize("refused", ODD, ids=",".join)
def test_a_notebook_and_its_data_live_on_an_odd_file_system(
    connected: Cli, mount: Callable[..., Path], refused: list[str]
) -> None:
    folder = mount(*refused)
    at = replace(connected, folder=folder, env=connected.env | {"NBRUCIO_STORE": str(folder / "store")})
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
