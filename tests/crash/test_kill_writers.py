"""Two to eight syncs of the same files, over file, https and root, killed at any moment.

With the comparison of checksums taken out of `Worker._attempt`, and a resumed file taken for a complete one, the first
killed writer leaves wrong bytes under a final name.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.faulty_disk import objects
from tests.support.hostile_storage import GOOD, Hostile, write_ca
from tests.support.trust import Rounds
from tests.support.xrootd_server import XrootdServer

pytestmark = pytest.mark.trust("K")

REPOSITORY = Path(__file__).parents[2]
FILES = 8


@pytest.fixture
def sources(server: Hostile) -> Iterator[Mapping[str, str]]:
    """The URL of the folder or server that has the files, by its protocol."""
    # Not below pytest's folder, which only its owner may enter: xrootd runs as nobody.
    root = Path(tempfile.mkdtemp(prefix="nbrucio-xrootd-"))
    root.chmod(0o755)
    folder = root / "files"
    folder.mkdir()
    for n in range(FILES):
        (folder / str(n)).write_bytes(GOOD)
    xrootd = XrootdServer(folder, root / "run")
    xrootd.start()
    urls = {"https": server.url("good"), "file": f"file://{folder}", "root": f"root://localhost:{xrootd.port}/{folder}"}
    yield urls
    xrootd.stop()
    shutil.rmtree(root)


def _start(store: Path, tasks: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.fetch_tasks", str(store), str(tasks)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_whoever_is_killed_no_wrong_file_has_a_final_name_and_the_next_sync_completes(
    sources: Mapping[str, str], server: Hostile, tmp_path: Path, rounds: Rounds
) -> None:
    ca = str(write_ca(server.ca, tmp_path))

    def survives(seed: int, folder: Path) -> int:
        chance = random.Random(seed)
        url = list(sources.values())[seed % len(sources)]
        rows = [[str(n), len(GOOD), f"{zlib.adler32(GOOD):08x}", f"{url}/{n}"] for n in range(FILES)]
        tasks = folder / "tasks.json"
        tasks.write_text(json.dumps({"files": rows, "ca": ca, "per_host": 4}))
        writers = [_start(folder / "store", tasks) for _ in range(chance.randint(2, 8 if rounds.long else 3))]
        for writer in chance.sample(writers, len(writers)):
            assert writer.stdout is not None
            for _ in range(chance.randint(0, FILES)):  # each line is one file that begins
                writer.stdout.readline()
            writer.kill()
        for writer in writers:
            writer.communicate()
        _check(folder / "store")
        last = _start(folder / "store", tasks)
        last.communicate(timeout=120)
        assert last.returncode == 0
        assert len(objects(folder / "store")) == FILES
        _check(folder / "store")
        return len(writers)

    rounds.seeds(survives, quick=3)


def _check(store: Path) -> None:
    for path in objects(store):
        assert path.read_bytes() == GOOD, f"wrong bytes under a final name: {path}"
