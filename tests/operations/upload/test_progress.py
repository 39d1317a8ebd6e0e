"""How far a file has been sent, seen from outside."""

from __future__ import annotations

import threading
from pathlib import Path

from nbrucio.operations.upload.progress import UploadProgress, sent_bytes


def test_the_position_of_the_source_counts_while_it_is_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(100_000))
    assert sent_bytes(str(source)) is None
    with source.open("rb", buffering=0) as file:
        assert sent_bytes(str(source)) == 0
        file.read(60_000)
        assert sent_bytes(str(source)) == 60_000


def test_what_is_written_under_the_temporary_name_counts_where_the_source_stands_still(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target.rucio.upload"
    source.write_bytes(bytes(100_000))
    # As shutil.copy does, whose sendfile moves no position of the source.
    with source.open("rb"), target.open("wb", buffering=0) as written:
        written.write(bytes(70_000))
        assert sent_bytes(str(source)) == 70_000


def test_nothing_is_told_before_the_file_is_sent(tmp_path: Path) -> None:
    source, told, heard = tmp_path / "source", [], threading.Event()
    source.write_bytes(bytes(1000))

    def tell(size: int) -> None:
        told.append(size)
        heard.set()

    with source.open("rb", buffering=0) as file, UploadProgress(source, tell) as watch:
        file.read(400)  # for the checksum
        assert not heard.wait(0.6)
        watch.begin()
        assert heard.wait(10)
    assert told == [400]
