"""A minimal FTS3 REST endpoint for the parts that Rucio's conveyor uses, over the sandbox's folders.

It has no queue, no retries and no delegation. It copies each file on submission, verifies the checksum, and reports the
result in FTS3's format (https://fts3-docs.web.cern.ch/fts3-docs/fts-rest/docs/api.html). Rucio's own daemons do
everything else for a rule.
"""

from __future__ import annotations

import json
import shutil
import threading
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_MAX_BYTES = 64 * 1024 * 1024


class Fts:
    """The jobs of one endpoint. Copies only between files below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._jobs: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def submit(self, request: Mapping[str, Any]) -> str:
        """Execute a job; return its id."""
        job_id = str(uuid.uuid4())
        files = [self._transfer(file) for file in request["files"]]
        failed = sum(file["file_state"] == "FAILED" for file in files)
        state = "FINISHED" if not failed else "FAILED" if failed == len(files) else "FINISHEDDIRTY"
        job = {
            "http_status": "200 Ok",
            "job_id": job_id,
            "job_state": state,
            "job_type": "N",
            "job_metadata": request.get("params", {}).get("job_metadata") or {},
            "files": files,
        }
        with self._lock:
            self._jobs[job_id] = job
        return job_id

    def jobs(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the results of these jobs."""
        with self._lock:
            return [self._jobs.get(one, {"http_status": "404 Not Found", "job_id": one}) for one in ids]

    def _transfer(self, file: Mapping[str, Any]) -> dict[str, Any]:
        source, destination, began = file["sources"][0], file["destinations"][0], _now()
        try:
            self._copy(source, destination, file.get("checksum"))
            state, reason = "FINISHED", ""
        except (OSError, ValueError) as error:
            state, reason = "FAILED", f"TRANSFER {error}".replace("\0", "")
        return {
            "file_state": state,
            "reason": reason,
            "source_surl": source,
            "dest_surl": destination,
            "start_time": began,
            "finish_time": _now(),
            "staging_start": None,
            "staging_finished": None,
            "file_metadata": file["metadata"],
        }

    def _copy(self, source: str, destination: str, checksum: str | None) -> None:
        path, target = self._path(source), self._path(destination)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            shutil.copyfile(path, partial)
            kind, _, wanted = (checksum or "").partition(":")
            if kind.upper() == "ADLER32" and f"{zlib.adler32(partial.read_bytes()):08x}" != wanted.lower().zfill(8):
                raise ValueError(f"CHECKSUM MISMATCH at {source}")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _path(self, url: str) -> Path:
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or not path.is_relative_to(self._folder):
            raise ValueError(f"{url} is not a file of this sandbox")
        return path


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve an endpoint during the block, and provide its URL."""
    fts = Fts(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fts": fts}))
    thread = threading.Thread(target=server.serve_forever, name="sandbox-fts", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    fts: Fts

    def do_POST(self) -> None:
        """``POST /jobs``."""
        size_bytes = int(self.headers.get("Content-Length", "0"))
        if self.path != "/jobs" or size_bytes > _MAX_BYTES:
            self._answer(404, {"message": "unknown"})
            return
        self._answer(200, {"job_id": self.fts.submit(json.loads(self.rfile.read(size_bytes)))})

    def do_GET(self) -> None:
        """``GET /jobs/ID,ID``, ``GET /whoami`` and ``GET /``."""
        path = urlsplit(self.path).path
        if path.startswith("/jobs/"):
            self._answer(207, self.fts.jobs(path.removeprefix("/jobs/").split(",")))
        elif path == "/whoami":
            self._answer(200, {"user_dn": "sandbox", "is_root": False, "delegation_id": "sandbox", "vos": ["sandbox"]})
        else:
            self._answer(200, {"api": {"major": 3, "minor": 12}, "note": "the sandbox's stand-in for FTS3"})

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the jobs have the results."""


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
