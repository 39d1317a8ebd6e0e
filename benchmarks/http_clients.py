"""``python -m benchmarks.http_clients``: what reading many files over https costs with each library for HTTP.

Four threads read the same files from a real xrootd server, write them to memory where there is room, and sum them as a
transfer does (adler32, SHA-256). There is no catalogue, no store and no retry.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import queue
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pycurl
import trustme
import urllib3

from benchmarks.peers import STREAMS, empty
from nbrucio.store.checksums import adler32
from tests.support.xrootd_server import XrootdServer

_BLOCK_BYTES = 1 << 18
_FILES = 1_000

#: Reads a URL with the CAs of a file, and gives its bytes.
Get = Callable[[str], Iterator[bytes]]


def by_urllib3(ca: str) -> Get:
    manager = urllib3.PoolManager(maxsize=STREAMS, ca_certs=ca)

    def get(url: str) -> Iterator[bytes]:
        response = manager.request("GET", url, preload_content=False, retries=False)
        yield from response.stream(_BLOCK_BYTES, decode_content=False)
        response.release_conn()

    return get


def by_http_client(ca: str) -> Get:
    context = ssl.create_default_context(cafile=ca)
    kept = threading.local()

    def get(url: str) -> Iterator[bytes]:
        parts = urlsplit(url)
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPSConnection(parts.netloc, context=context)
        kept.connection.request("GET", parts.path)
        response = kept.connection.getresponse()
        while block := response.read(_BLOCK_BYTES):
            yield block

    return get


def by_pycurl(ca: str) -> Get:
    kept = threading.local()

    def get(url: str) -> Iterator[bytes]:
        if not hasattr(kept, "curl"):
            kept.curl = pycurl.Curl()
            kept.curl.setopt(pycurl.CAINFO, ca)
        pieces: list[bytes] = []
        kept.curl.setopt(pycurl.URL, url)
        kept.curl.setopt(pycurl.WRITEFUNCTION, pieces.append)
        kept.curl.perform()
        yield b"".join(pieces)

    return get


_CLIENTS = {"urllib3": by_urllib3, "http.client": by_http_client, "pycurl": by_pycurl}


def bring(get: Get, urls: list[str], folder: Path) -> None:
    """Bring all of ``urls`` by several threads."""
    left: queue.SimpleQueue[str] = queue.SimpleQueue()
    for url in urls:
        left.put(url)

    def work() -> None:
        while True:
            try:
                url = left.get_nowait()
            except queue.Empty:
                return
            sums, adler = hashlib.sha256(), 1
            with (folder / url.rpartition("/")[2]).open("wb", buffering=0) as file:
                for block in get(url):
                    file.write(block)
                    sums.update(block)
                    adler = adler32(block, adler)

    threads = [threading.Thread(target=work) for _ in range(STREAMS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_clients", description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="bytes of each of the 1,000 files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("CLIENT", "CA", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    room = Path("/dev/shm")  # noqa: S108 a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=room if room.is_dir() else None, prefix="nbrucio-bench-") as name:
        if options.one:
            client, ca, url = options.one
            _one(client, ca, url, Path(name))
        else:
            _all(Path(name), options.size, options.rounds)


def _one(client: str, ca: str, url: str, folder: Path) -> None:
    """A client in a process of its own, which tells its wall and CPU seconds."""
    began = time.perf_counter()
    bring(_CLIENTS[client](ca), [f"{url}/{number}" for number in range(_FILES)], folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(f"{time.perf_counter() - began} {used.ru_utime + used.ru_stime}\n")


def _all(folder: Path, size_bytes: int, rounds: int) -> None:
    folder.chmod(0o755)  # the xrootd server runs as nobody
    authority = trustme.CA()
    ca, certificate = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(ca))
    certificate.touch(0o600)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    files = empty(folder / "files")
    for number in range(_FILES):
        (files / str(number)).write_bytes(os.urandom(size_bytes))
    server = XrootdServer(files, folder / "run", certificate)
    server.start()
    try:
        url = server.pfn(files, "https")
        found: dict[str, list[tuple[float, float]]] = {client: [] for client in _CLIENTS}
        for _ in range(rounds):
            for client, runs in found.items():
                command = [sys.executable, "-m", "benchmarks.http_clients", "--one", client, str(ca), url]
                wall_s, cpu_s = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
                runs.append((float(wall_s), float(cpu_s)))
    finally:
        server.stop()
    for client, runs in found.items():
        wall, cpu = (statistics.median(times) for times in zip(*runs, strict=True))
        sys.stdout.write(f"{client:12} {wall:.2f} s, {cpu:.2f} CPU s\n")


if __name__ == "__main__":
    main()
