"""Ctrl-C in a terminal: the process ends within a second, whatever the storage does."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from tests.support.faulty_disk import partials
from tests.support.hostile_storage import GOOD, Hostile, write_ca

REPOSITORY = Path(__file__).parents[2]


def _interrupt(store: Path, tasks: Path) -> tuple[float, int]:
    """Seconds from Ctrl-C to the end, and the exit code."""
    command = [sys.executable, "-m", "tests.support.fetch_tasks", str(store), str(tasks)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("started")
    time.sleep(0.7)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    return time.monotonic() - began, process.returncode


def _describe(folder: Path, pfn: str, ca: Path | None) -> Path:
    path = folder / "tasks.json"
    rows = [["x.root", len(GOOD), f"{zlib.adler32(GOOD):08x}", pfn]]
    path.write_text(json.dumps({"files": rows, "ca": str(ca) if ca else None, "per_host": 4}))
    return path


@pytest.mark.parametrize("how", ["slow", "mute", "stall"])
def test_ctrl_c_ends_an_https_download(server: Hostile, tmp_path: Path, how: str) -> None:
    tasks = _describe(tmp_path, server.url(how), write_ca(server.ca, tmp_path))
    took_s, code = _interrupt(tmp_path / "store", tasks)
    assert code == 130
    assert took_s < 1.5  # a second, and the end of a Python process on a busy machine
    kept = sum(path.stat().st_size for path in partials(tmp_path / "store"))
    assert how != "slow" or kept > 0, "what is resumable is kept"


def test_ctrl_c_ends_a_wait_for_a_mute_xrootd_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        tasks = _describe(tmp_path, f"root://127.0.0.1:{mute.getsockname()[1]}//x", None)
        took_s, code = _interrupt(tmp_path / "store", tasks)
    assert code == 130
    assert took_s < 1.5
