"""Traces: sent in batches, in the background, and never in the way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nbrucio.core.events import SilentReporter
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import StorageAccess, TraceTarget
from tests.support.faulty_disk import INSTANCE, LOCAL, file_task

Batches = list[list[dict[str, object]]]


@pytest.fixture
def trace_host() -> Iterator[tuple[str, Batches]]:
    batches: Batches = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/traces/"
            batches.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", batches
    server.shutdown()
    thread.join()
    server.server_close()


def _access(url: str) -> dict[str, StorageAccess]:
    return {INSTANCE: replace(LOCAL[INSTANCE], traces=TraceTarget(url, "jdoe", "def"))}


def test_each_download_leaves_one_trace_and_one_request_takes_many(
    trace_host: tuple[str, Batches], store: Store, tmp_path: Path
) -> None:
    url, batches = trace_host
    tasks = [file_task(tmp_path / "rse", f"{n}", b"x" * n) for n in range(30)]
    fetch(tasks, store, _access(url), SilentReporter())
    assert len(batches) == 1
    assert sorted(str(trace["filename"]) for trace in batches[0]) == sorted(str(n) for n in range(30))
    one = batches[0][0]
    assert (one["eventType"], one["clientState"], one["remoteSite"], one["protocol"], one["account"], one["vo"]) == (
        ("download", "DONE", "DISK", "file", "jdoe", "def")
    )
    assert one["transferStart"] <= one["transferEnd"]  # type: ignore[operator]


def test_rucio_accepts_our_traces(trace_host: tuple[str, Batches], store: Store, tmp_path: Path) -> None:
    url, batches = trace_host
    fetch([file_task(tmp_path / "rse", "x", b"x")], store, _access(url), SilentReporter())
    # In a process of its own: Rucio's server part reads a configuration when it is imported.
    config = tmp_path / "rucio.cfg"
    broker = "brokers = 127.0.0.1\nport = 1\ntopic = /t\nusername = u\npassword = p\n"
    trace = f"[nongrid-trace]\ntracedir = {tmp_path}\n[trace]\ntracedir = {tmp_path}\n{broker}"
    config.write_text(f"[database]\ndefault = sqlite://\n[policy]\npermission = generic\nschema = generic\n{trace}")
    check = "import json, sys, jsonschema; from rucio.core.trace import validate_schema as v; v(sys.stdin.read())"
    environment = {**os.environ, "RUCIO_CONFIG": str(config)}
    text = json.dumps(batches[0][0])
    done = subprocess.run([sys.executable, "-c", check], input=text, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_a_target_nothing_is_sent(trace_host: tuple[str, Batches], store: Store, tmp_path: Path) -> None:
    fetch([file_task(tmp_path / "rse", "x", b"x")], store, LOCAL, SilentReporter())
    assert trace_host[1] == []


def test_a_file_that_was_here_already_leaves_no_trace(
    trace_host: tuple[str, Batches], store: Store, tmp_path: Path
) -> None:
    task = file_task(tmp_path / "rse", "x", b"x")
    fetch([task], store, LOCAL, SilentReporter())
    fetch([task], store, _access(trace_host[0]), SilentReporter())
    assert trace_host[1] == []


def test_a_trace_host_that_hangs_or_is_gone_delays_and_fails_nothing(store: Store, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        for n, url in enumerate((f"http://127.0.0.1:{mute.getsockname()[1]}", "http://127.0.0.1:1", "nonsense://")):
            began = time.monotonic()
            (outcome,) = fetch([file_task(tmp_path / "rse", f"{n}", b"x")], store, _access(url), SilentReporter())
            assert outcome.stored is not None
            assert time.monotonic() - began < 4
