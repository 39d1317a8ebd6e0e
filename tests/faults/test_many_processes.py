"""Thirty-two syncs of the same files at once, with locks that work, that are missing, and that everybody gets.

With `try_lock` returning at once, four syncs download two files eight times.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.support.faulty_disk import objects, partials
from tests.support.hostile_storage import GOOD, Hostile, write_ca
from tests.support.trust import Rounds

pytestmark = pytest.mark.trust("P")

REPOSITORY = Path(__file__).parents[2]
LOCKS = ["real", "absent", "lying"]
FILES = 2


def test_each_process_gets_the_right_bytes_and_locks_save_downloads(
    server: Hostile, tmp_path: Path, rounds: Rounds
) -> None:
    ca = str(write_ca(server.ca, tmp_path))

    def together(seed: int, folder: Path) -> int:
        locks = LOCKS[seed % len(LOCKS)]
        # Slow enough that every process starts before the first one has a file.
        rows = [[str(n), len(GOOD), f"{zlib.adler32(GOOD):08x}", server.url(f"slow/{n}")] for n in range(FILES)]
        tasks = folder / "tasks.json"
        tasks.write_text(json.dumps({"files": rows, "ca": ca, "per_host": 4, "locks": locks}))
        command = [sys.executable, "-m", "tests.support.fetch_tasks", str(folder / "store"), str(tasks)]
        running = [
            subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
            for _ in range(32 if rounds.long else 4)
        ]
        texts = [process.communicate(timeout=240)[0] for process in running]
        assert [process.returncode for process in running] == [0] * len(running)
        begun = sum(text.count("started ") for text in texts)
        assert begun >= FILES
        assert locks != "real" or begun == FILES, f"{begun} downloads of {FILES} files"
        assert [path.read_bytes() == GOOD for path in objects(folder / "store")] == [True] * FILES
        assert [path for path in partials(folder / "store") if path.suffix == ".part"] == []
        return len(running)

    rounds.seeds(together, quick=3)
