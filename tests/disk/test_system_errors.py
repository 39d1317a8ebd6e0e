"""A disk that fails is not a bug in nbrucio."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nbrucio.disk.libraries import unexpected
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.system_errors import lacking
from tests.support.limits import few_files


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [(errno.ENOSPC, 6), (errno.EDQUOT, 6), (errno.EFBIG, 6), (errno.EACCES, 2), (errno.EROFS, 2), (errno.EIO, 4)],
)
def test_an_error_of_the_system_names_the_file_and_has_its_exit_code(code: int, exit_code: int) -> None:
    error = unexpected(OSError(code, os.strerror(code), "/data/x"))
    assert (error.exit_code, error.subject) == (exit_code, "/data/x")
    assert error.message.startswith("/data/x cannot be ")
    assert error.hint


def test_a_full_disk_is_one_also_where_the_system_names_no_file() -> None:
    error = unexpected(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert (error.exit_code, error.message) == (6, "A file cannot be written: no space left on device.")


@pytest.mark.parametrize("error", [ConnectionResetError(errno.ECONNRESET, "reset"), OSError("words"), ValueError("x")])
def test_anything_else_is_a_bug(error: Exception) -> None:
    assert unexpected(error).code == "internal"


def test_a_folder_that_was_removed_under_a_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError) as found:
        Path.cwd()
    assert unexpected(found.value).message == "The folder in which this command runs was removed."


def test_a_folder_in_which_nothing_can_be_made_is_an_error_and_not_a_loop() -> None:
    with pytest.raises(OSError, match="nbrucio"):
        make_private_folder(Path("/proc/self/nbrucio/folder"))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_a_limit_of_the_machine_is_named_with_what_to_do(error: Exception) -> None:
    found = unexpected(error)
    assert (found.exit_code, found.message) == (4, "This machine gives nbrucio no more memory or threads.")
    assert "`ulimit -v`" in (found.hint or "")


@pytest.mark.parametrize(("code", "whose"), [(errno.EMFILE, "this process"), (errno.ENFILE, "this machine")])
def test_too_many_open_files_are_no_fault_of_the_file_that_could_not_be_opened(code: int, whose: str) -> None:
    found = unexpected(OSError(code, os.strerror(code), "/data/x"))
    assert (found.exit_code, found.subject) == (4, None)
    assert found.message == f"nbrucio cannot open more files: {whose} has too many open."
    assert "`ulimit -n 4096`" in (found.hint or "")


def test_a_process_with_hardly_any_more_files_lacks_them() -> None:
    assert lacking() is None
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    with few_files(4):
        found = lacking()
    assert found is not None
    assert "too many open" in found.message
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208
