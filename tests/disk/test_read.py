"""Files that anybody may have put there: read bounded, only when regular, without waiting."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.disk.read import open_regular, read_file, read_json, read_saved
from nbrucio.errors import UnreadableFile

LIMIT = 1000


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def too_large(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, LIMIT + 1)


UNREADABLE: dict[str, tuple[Callable[[Path], object], int]] = {
    "pipe": (os.mkfifo, errno.EINVAL),
    "socket": (a_socket, errno.EINVAL),
    "folder": (Path.mkdir, errno.EISDIR),
    "device": (lambda path: path.symlink_to("/dev/zero"), errno.EINVAL),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), errno.EINVAL),
    "link-to-nothing": (lambda path: path.symlink_to("nowhere"), errno.ELOOP),
    "link-to-itself": (lambda path: path.symlink_to(path), errno.ELOOP),
    "too-large": (too_large, errno.EFBIG),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    make, code = UNREADABLE[kind]
    make(tmp_path / "file")
    for read in (open_regular, read_file, read_json):
        with pytest.raises(OSError, match=r"it is|Too many") as refused:
            read(tmp_path / "file", LIMIT)
        assert refused.value.errno == code


def test_a_file_is_read_whole_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * LIMIT)
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "file", LIMIT) == read_file(tmp_path / "link", LIMIT) == b"x" * LIMIT
    with pytest.raises(OSError, match="it is a link"):
        read_file(tmp_path / "link", LIMIT, follow=False)


def test_a_file_without_a_size_is_read_up_to_the_limit() -> None:
    assert read_file("/proc/self/status", 1 << 20).startswith(b"Name:")
    with pytest.raises(OSError, match=r"larger than 0\.5 kB"):
        read_file("/proc/self/smaps", 500)


def test_deep_json_is_a_wrong_value(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "file", 1 << 20)


def kept(path: Path) -> object:
    return read_saved(path, LIMIT, lambda value: value["entries"], (), without="it is asked again")  # type: ignore[index]


def test_what_is_kept_and_absent_is_empty(tmp_path: Path) -> None:
    assert kept(tmp_path / "file") == ()
    (tmp_path / "file").write_text(json.dumps({"entries": [1]}))
    assert kept(tmp_path / "file") == [1]


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_kept_and_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, kind: str) -> None:
    UNREADABLE[kind][0](tmp_path / "file")
    with pytest.raises(UnreadableFile) as error:
        kept(tmp_path / "file")
    assert error.value.subject == str(tmp_path / "file")
    assert error.value.subject in error.value.message


@pytest.mark.parametrize(
    ("text", "why", "action"),
    [
        (b"", "not valid JSON", "move it away: it is asked again"),
        (b'{"entries": [', "not valid JSON", "move it away"),
        (b"\xff", "not UTF-8", "move it away"),
        (b"[]", "content is malformed", "move it away"),
        (b"[" * 900, "nested|not valid JSON", "move it away"),
        (b'{\n<<<<<<< HEAD\n"entries": []\n=======\n>>>>>>> theirs\n}', "not valid JSON", "Resolve the merge conflict"),
    ],
)
def test_damage_is_told_with_the_next_action(tmp_path: Path, text: bytes, why: str, action: str) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(UnreadableFile, match=why) as error:
        kept(tmp_path / "file")
    assert action in str(error.value.hint)
