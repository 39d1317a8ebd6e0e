"""Whose partial file may be taken over."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nbrucio.store import Store
from nbrucio.store.names import object_key
from nbrucio.store.owner import Writer, this_writer
from nbrucio.store.partial import ABANDONED_S
from tests.support.faulty_disk import INSTANCE, entry, partials

WANTED = entry("x", b"0123456789")
KEY = object_key(INSTANCE, WANTED.did)
_DEAD_PID = 2**22 + 1  # above what Linux gives out by default


def _leave(root: Path, writer: Writer, content: bytes) -> Path:
    Store(root).session()
    path = root / "partial" / writer.partial_name(KEY)
    path.write_bytes(content)
    return path


def _begin(root: Path) -> int:
    """How many bytes a new writer starts with."""
    partial = Store(root).session().begin(INSTANCE, WANTED, lambda: None)
    size_bytes = partial.size_bytes
    partial.discard()
    return size_bytes


def test_a_dead_writers_bytes_are_taken_over(tmp_path: Path) -> None:
    _leave(tmp_path, replace(this_writer(), pid=_DEAD_PID), b"01234")
    assert _begin(tmp_path) == 5
    assert partials(tmp_path) == []


def test_a_number_that_another_process_has_by_now_is_no_life_sign(tmp_path: Path) -> None:
    _leave(tmp_path, replace(this_writer(), start=this_writer().start - 1), b"01234")
    assert _begin(tmp_path) == 5


def test_of_several_the_largest_is_taken_and_the_others_go(tmp_path: Path) -> None:
    for pid, content in ((_DEAD_PID, b"0"), (_DEAD_PID + 1, b"012"), (_DEAD_PID + 2, b"01")):
        _leave(tmp_path, replace(this_writer(), pid=pid), content)
    assert _begin(tmp_path) == 3
    assert partials(tmp_path) == []


def test_a_living_writers_file_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nbrucio.store import Store\n"
        "from tests.support.faulty_disk import *\n"
        "partial = Store(Path(sys.argv[1])).session().begin(INSTANCE, entry('x', b'0123456789'), lambda: None)\n"
        "partial.write(b'0123'); print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    folder = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        assert _begin(tmp_path) == 0
        assert len(partials(tmp_path)) == 1
        other.kill()
        other.communicate()
    assert _begin(tmp_path) == 4


def test_a_partial_of_this_process_that_no_thread_holds_is_taken_over(tmp_path: Path) -> None:
    session = Store(tmp_path).session()
    partial = session.begin(INSTANCE, WANTED, lambda: None)
    partial.write(b"012")
    assert _begin(tmp_path) == 0
    partial.keep()
    assert _begin(tmp_path) == 3


@pytest.mark.parametrize("age_s", [ABANDONED_S - 3600, ABANDONED_S + 3600])
def test_another_hosts_file_is_left_alone_until_it_is_old(tmp_path: Path, age_s: int) -> None:
    path = _leave(tmp_path, replace(this_writer(), place="0" * 16), b"01234")
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    assert _begin(tmp_path) == 0
    assert path.exists() == (age_s < ABANDONED_S)


def test_old_litter_is_swept_folders_too(tmp_path: Path) -> None:
    Store(tmp_path).session()
    litter = tmp_path / "partial" / "1.abc.tmp"
    litter.mkdir()
    (litter / "link").symlink_to("nowhere")
    os.utime(litter, (1, 1))
    _begin(tmp_path)
    assert partials(tmp_path) == []
