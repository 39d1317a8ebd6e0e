"""Downloads from a real xrootd server over https behind a line with latency, beside curl at its best.

A proxy adds half the round-trip time each way and can cap each connection. It is one process on the same two cores, so
its own ceiling is measured too: curl at a round-trip time of 0. Rucio is not part of it; files go into a fresh store.

    python -m benchmarks.wan [--rtt 0 40 150] [--files 1000] [--bytes 1000000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import zlib
from collections import deque
from pathlib import Path

from benchmarks.ground import _certificates
from nbrucio.core.did import Did
from nbrucio.core.events import Event
from nbrucio.core.files import FileEntry, Replica
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import StorageAccess, Task, TransferLimits
from tests.support.xrootd_server import XrootdServer, _free_port

#: For ``--parallel-max``; 1,000 files of 1 MB at 40 ms were fastest with it.
CURL_STREAMS = 50


class _Silent:
    def report(self, event: Event) -> None:
        """Do nothing."""


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass on what arrives, ``delay_s`` later."""
    loop, queue = asyncio.get_running_loop(), deque[tuple[float, bytes]]()
    arrived = asyncio.Event()

    async def read() -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(1 << 18)
            except OSError:
                data = b""
            queue.append((loop.time() + delay_s, data))
            arrived.set()

    reading = asyncio.create_task(read())
    try:
        while True:
            while not queue:
                arrived.clear()
                await arrived.wait()
            due, data = queue.popleft()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        reading.cancel()
        writer.close()


def _proxy(port: int, target: int, rtt_s: float) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(rtt_s)  # the handshake of TCP
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pump(reader, far_writer, rtt_s / 2), _pump(far_reader, writer, rtt_s / 2))

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=1000)
        await server.serve_forever()

    asyncio.run(main())


def _tasks(files: list[Path], port: int) -> list[Task]:
    tasks = []
    for path in files:
        data = path.read_bytes()
        entry = FileEntry(Did("bench", path.name), len(data), adler32=f"{zlib.adler32(data):08x}")
        tasks.append(Task("bench", entry, (Replica("BENCH", f"https://localhost:{port}{path}"),)))
    return tasks


def _nbrucio(tasks: list[Task], ca: Path, most: int, folder: Path) -> float:
    store = folder / "store"
    limits = TransferLimits(per_host=most, total=2 * most)
    began = time.monotonic()
    outcomes = fetch(tasks, Store(store), {"bench": StorageAccess(ca=ca)}, _Silent(), limits=limits)
    elapsed = time.monotonic() - began
    assert all(one.stored for one in outcomes), next(one.error for one in outcomes if one.error)
    for path in store.rglob("*"):
        path.chmod(0o700)
    shutil.rmtree(store)
    return elapsed


def _curl(tasks: list[Task], ca: Path, folder: Path) -> float:
    out = folder / "curl"
    out.mkdir()
    config = folder / "curl.cfg"
    lines = (f'url = "{task.replicas[0].pfn}"\noutput = "{out}/{n}"' for n, task in enumerate(tasks))
    config.write_text("\n".join(lines))
    words = [
        "curl",
        "-s",
        "-f",
        "-Z",
        "--no-progress-meter",
        "--parallel-max",
        str(CURL_STREAMS),
        "--cacert",
        str(ca),
        "-K",
        str(config),
    ]
    began = time.monotonic()
    subprocess.run(words, check=True)
    elapsed = time.monotonic() - began
    shutil.rmtree(out)
    return elapsed


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtt", type=int, nargs="+", default=[0, 40, 150])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        certificate, ca = _certificates(folder)
        source = folder / "files"
        source.mkdir()
        files = [source / f"{n}.dat" for n in range(options.files)]
        for path in files:
            path.write_bytes(os.urandom(options.bytes))
            path.chmod(0o644)
        server = XrootdServer(source, folder / "xrootd", certificate)
        server.start()
        print(f"{options.files} x {options.bytes:,} bytes over https, medians of {options.rounds} in seconds")
        print("| RTT ms | nbrucio | at most 4 at a time | curl -Z |\n|---|---|---|---|")
        for rtt_ms in options.rtt:
            port = _free_port()
            proxy = multiprocessing.Process(target=_proxy, args=(port, server.https_port, rtt_ms / 1000), daemon=True)
            proxy.start()
            time.sleep(0.5)
            tasks = _tasks(files, port)
            rounds = [
                (_nbrucio(tasks, ca, 32, folder), _nbrucio(tasks, ca, 4, folder), _curl(tasks, ca, folder))
                for _ in range(options.rounds)
            ]
            medians = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"| {rtt_ms} | {' | '.join(f'{one:.2f}' for one in medians)} |", flush=True)
            proxy.terminate()
        server.stop()


if __name__ == "__main__":
    main()
