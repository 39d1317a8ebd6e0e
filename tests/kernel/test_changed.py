"""A kernel refuses a file that is not the one that was verified, and says what heals it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from nbrucio.kernel import Data, DataNotHere
from nbrucio.pipeline.manifest import ManifestEntry, ManifestFile
from nbrucio.pipeline.manifest_files import write
from tests.support.damage import BYTES, THINGS, Damage, flip_silently, swap
from tests.support.manifests import of


class Kernel:
    """A store of two files in ``folder``, a manifest that was written when they were verified, and what code gets."""

    def __init__(self, folder: Path, *, inodes: bool = True) -> None:
        self.objects = folder / "objects"
        self.paths = [self.objects / "ab" / f"{name}-key" / f"{name}.root" for name in "xy"]
        for path in self.paths:
            path.parent.mkdir(parents=True)
            path.write_bytes(b"0123456789")
        self.environ = {"NBRUCIO_RUNTIME_DIR": str(folder / "run")}
        self.notebook = folder / "nb.ipynb"
        objects = (str(self.objects), self.objects.stat().st_ino) if inodes else None
        files = tuple(self._file(path, inodes) for path in self.paths)
        self.manifest = write(
            of(self.notebook, ManifestEntry("h", "s:h", "r.example", "ready", files, objects=objects)), self.environ
        )
        self.environ["NBRUCIO_MANIFEST"] = str(self.manifest)
        self.data = Data(environ=self.environ)

    @staticmethod
    def _file(path: Path, inodes: bool) -> ManifestFile:
        found = path.stat()
        stat = (found.st_size, found.st_mtime_ns, found.st_ino if inodes else None)
        return ManifestFile(f"s:{path.stem}", str(path), bytes=found.st_size, stat=stat)

    def refusal(self) -> DataNotHere:
        with pytest.raises(DataNotHere) as caught:
            self.data["h"]
        return caught.value


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.mark.parametrize("asked_before", [False, True])
@pytest.mark.parametrize("damage", [*BYTES, *THINGS, os.remove, lambda path: os.utime(path, (1, 1))])
def test_a_file_that_is_not_the_one_that_was_verified_is_refused(
    kernel: Kernel, damage: Damage, asked_before: bool
) -> None:
    if asked_before:
        assert len(kernel.data["h"]) == 2
    damage(kernel.paths[1])
    refusal = kernel.refusal()
    assert str(kernel.paths[1]) in refusal.message
    assert refusal.next_command == f"nbrucio sync {kernel.notebook}"


def test_what_was_written_to_is_told_in_words(kernel: Kernel) -> None:
    os.utime(kernel.paths[0], (1, 1))
    assert kernel.refusal().message == (
        f"'h' (s:h) must be synced again: {kernel.paths[0]} was written to after it was verified."
    )


def test_a_whole_store_that_was_restored_is_used_by_its_sizes_and_times(kernel: Kernel, tmp_path: Path) -> None:
    kernel.objects.rename(tmp_path / "old")
    shutil.copytree(tmp_path / "old", kernel.objects)
    assert len(kernel.data["h"]) == 2
    os.utime(kernel.paths[0], (1, 1))
    assert "was written to" in kernel.refusal().message


def test_where_inodes_do_not_last_size_and_time_decide(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, inodes=False)
    swap(kernel.paths[0])
    assert len(kernel.data["h"]) == 2
    os.utime(kernel.paths[0], (1, 1))
    assert "was written to" in kernel.refusal().message


def test_bytes_that_changed_under_the_same_stat_are_for_verify(kernel: Kernel) -> None:
    flip_silently(kernel.paths[0])
    assert len(kernel.data["h"]) == 2


def older(kernel: Kernel) -> None:
    """Make the manifest one of an older nbrucio, or its files mounted ones, of which only the size is known."""
    content = json.loads(kernel.manifest.read_text())
    del content["data"]["h"]["objects"]
    for file in content["data"]["h"]["files"]:
        del file["stat"]
    kernel.manifest.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda path: path.write_bytes(b"more than ten"), "has 13 bytes instead of 10"),
        (os.remove, "is gone"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "is no longer a file"),
    ],
)
def test_of_a_mounted_file_the_size_is_checked(kernel: Kernel, damage: Damage, fault: str) -> None:
    older(kernel)
    assert len(kernel.data["h"]) == 2
    damage(kernel.paths[0])
    assert kernel.refusal().message.endswith(f"{kernel.paths[0]} {fault}.")


def test_a_mounted_file_may_be_a_link_and_may_be_touched(kernel: Kernel) -> None:
    older(kernel)
    kernel.paths[0].rename(kernel.objects / "real")
    kernel.paths[0].symlink_to(kernel.objects / "real")
    os.utime(kernel.paths[1], (1, 1))
    assert len(kernel.data["h"]) == 2
