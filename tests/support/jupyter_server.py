"""A real Jupyter server in a process of its own, and kernels that it really starts."""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from jupyter_client.blocking.client import BlockingKernelClient

from tests.support.strict_schema import validate_answer

TOKEN = "secret-of-the-test"
START_TIMEOUT_S = 60.0
FACES = ("jupyterlab", "notebook", "nbclassic", "notebook_shim")
UNWANTED = ("jupyter_lsp", "jupyter_server_terminals", "jupytext")
#: jupyter-collaboration turns itself on in every server and every Lab of its environment; only tests of it want it.
COLLABORATION = ("jupyter_collaboration", "jupyter_server_ydoc", "jupyter_server_fileid")
COLLABORATION_IN_LAB = ("@jupyter/collaboration-extension", "@jupyter/docprovider-extension")
#: Runs a module as ``python -m`` does; ended with the tests, also when these are killed.
RUN_TIED = (
    "import runpy, sys; from nbrucio.sandbox.tie import end_with; end_with(int(sys.argv.pop(1)));"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


NONE: Mapping[str, bool] = MappingProxyType({})


@dataclass
class Output:
    """What a cell did: its reply, and its outputs as text in order."""

    status: str
    texts: list[str]
    traceback: list[str]

    @property
    def text(self) -> str:
        """All of its output; of a display that replaced itself, the last state."""
        return "".join(self.texts)


@dataclass
class Server:
    """A running server as one test sees it: ``root`` holds its notebooks, ``prefix`` comes before their API paths."""

    url: str
    folder: Path
    root: Path
    prefix: str
    runtime: Path
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def ask(self, path: str, body: object = None, method: str = "", token: str = TOKEN) -> tuple[int, Any]:
        """Status and JSON of a request; ``body`` makes it a POST. An answer of ours must be as it is described."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"token {token}"
        data = None if body is None else json.dumps(body).encode()
        method = method or ("POST" if data is not None else "GET")
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
                status, value = answer.status, json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
            status = error.code
            try:
                value = json.loads(content)
            except ValueError:
                value = None
        # Other errors are those of Jupyter, or of a proxy in front of it. More than a megabyte would take too long.
        ours = status < 400 or (isinstance(value, dict) and "error" in value)
        if path.startswith("nbrucio/") and ours and len(content) < 1_000_000:
            validate_answer(method, path.removeprefix("nbrucio"), status, value)
        return status, value

    def api(self, path: str) -> str:
        """The path of a notebook of this test, as part of a URL."""
        return quote(self.prefix + path)

    def sync(self, path: str) -> Any:
        """An explicit sync, to its end."""
        status, answer = self.ask("nbrucio/sync", {"path": self.prefix + path})
        assert status == 202, answer
        return self.settled(path)

    def fresh(self, name: str) -> Server:
        """The same server for another test: a folder of its own, an empty store, no grants, no manifests."""
        for left in ("store", "runtime"):
            _remove(self.folder / left)
        (self.folder / "grants.json").unlink(missing_ok=True)
        root = self.folder / "notebooks" / name
        root.mkdir()
        return replace(self, root=root, prefix=f"{name}/")

    def open(self, path: str) -> None:
        """What a browser does to open a notebook."""
        status, _ = self.ask(f"api/contents/{self.api(path)}?type=notebook&content=1")
        assert status == 200

    def save(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        """Save a notebook as a browser does; returns what is on disk then."""
        model = {"type": "notebook", "format": "json", "content": content}
        status, answer = self.ask(f"api/contents/{self.api(path)}", model, "PUT")
        assert status in (200, 201), answer
        saved: dict[str, Any] = json.loads((self.root / path).read_text())
        return saved

    def state(self, path: str) -> Any:
        """The ``sync`` part of the status of a notebook."""
        return self.ask(f"nbrucio/status?path={self.api(path)}")[1]["sync"]

    def settled(self, path: str, timeout_s: float = 60) -> Any:
        """The end of the sync that is under way."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            state = self.state(path)
            if state is not None and state["state"] != "syncing":
                return state
            time.sleep(0.05)
        raise AssertionError(f"still {state}: {self.log.read_text()[-3000:]}")

    def session(self, path: str, spec: str = "python3") -> Any:
        """A session for the notebook at ``path``, made as JupyterLab and Notebook 7 make it."""
        folder, name = os.path.split(self.prefix + path)
        first = f"{folder}/{uuid.uuid4()}".lstrip("/")
        body = {"path": first, "type": "notebook", "name": name, "kernel": {"name": spec}}
        status, session = self.ask("api/sessions", body)
        assert status == 201, session
        return self.patch(session["id"], self.prefix + path)

    def patch(self, session: str, path: str) -> Any:
        """Tell the server another path of a session, as JupyterLab does: its path, then its name."""
        for change in ({"path": path}, {"name": Path(path).name}):
            status, changed = self.ask(f"api/sessions/{session}", {**change, "id": session}, "PATCH")
            assert status == 200, changed
        return changed

    def rename(self, old: str, new: str) -> None:
        """Rename a file or folder as a browser does, without telling sessions of it."""
        status, answer = self.ask(f"api/contents/{self.api(old)}", {"path": self.prefix + new}, "PATCH")
        assert status == 200, answer

    @contextmanager
    def kernel(self, path: str, spec: str = "python3") -> Iterator[Kernel]:
        """A session for the notebook at ``path``, and a client of its kernel."""
        session = self.session(path, spec)
        try:
            with self.client(session["kernel"]["id"]) as kernel:
                yield kernel
        finally:
            self.ask(f"api/sessions/{session['id']}", method="DELETE")

    @contextmanager
    def client(self, identity: str) -> Iterator[Kernel]:
        """A client of a kernel of this server."""
        client = BlockingKernelClient(connection_file=str(self.runtime / f"kernel-{identity}.json"))
        client.load_connection_file()
        client.start_channels()
        try:
            _wait_for_kernel(client)
            yield Kernel(self, identity, client)
        finally:
            client.stop_channels()


@dataclass
class Kernel:
    """A kernel of a server."""

    server: Server
    identity: str
    client: BlockingKernelClient

    def run(self, code: str, timeout_s: float = 60, *, attended: bool = False) -> Output:
        """Run a cell to its end, as nbclient does, or ``attended`` as a front end in which a person can answer."""
        return collect(self.client, self.client.execute(code, allow_stdin=attended), timeout_s)

    def restart(self) -> None:
        """Restart as the browser does, and wait as a server does for it until outputs are heard again."""
        status, _ = self.server.ask(f"api/kernels/{self.identity}/restart", {})
        assert status == 200
        _wait_for_kernel(self.client)


def _wait_for_kernel(client: BlockingKernelClient, timeout_s: float = 90) -> None:
    """Ask until an answer comes on both channels: what a kernel publishes before its listener is connected is lost."""
    # Not wait_for_ready: on a busy machine that takes a kernel that is slow to start for a dead one.
    asked: set[str] = set()
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        asked.add(client.kernel_info())
        with suppress(queue.Empty):
            client.get_shell_msg(timeout=1)
            while client.get_iopub_msg(timeout=0.5)["parent_header"].get("msg_id") not in asked:
                pass
            return
    raise AssertionError("the kernel does not answer")


def collect(client: BlockingKernelClient, identity: str, timeout_s: float = 60) -> Output:
    """What the cell with this message id does until it is done."""
    output = Output("", [], [])
    displays: dict[str, int] = {}
    while True:
        message = client.get_iopub_msg(timeout=timeout_s)
        if message["parent_header"].get("msg_id") != identity:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            break
        if kind == "stream":
            output.texts.append(content["text"])
        elif kind in ("execute_result", "display_data", "update_display_data"):
            text = content["data"].get("text/plain", "")
            shown = content.get("transient", {}).get("display_id")
            if kind == "update_display_data":
                output.texts[displays[shown]] = text
            else:
                displays[shown] = len(output.texts)
                output.texts.append(text)
        elif kind == "error":
            output.traceback = content["traceback"]
    while not output.status:
        reply = client.get_shell_msg(timeout=timeout_s)
        if reply["parent_header"].get("msg_id") == identity:
            output.status = reply["content"]["status"]
    return output


@contextmanager
def serve(
    folder: Path,
    env: Mapping[str, str],
    *options: str,
    faces: bool = False,
    collaboration: bool = False,
    extensions: Mapping[str, bool] = NONE,
    python: Path | str = sys.executable,
) -> Iterator[Server]:
    """A server with this environment whose notebooks lie in ``folder/notebooks``.

    Args:
        faces: whether it serves JupyterLab, Notebook 7 and nbclassic too, which take seconds to load.
        collaboration: whether documents are edited together, by jupyter-collaboration.
        extensions: which other server extensions are on or off.
        python: the interpreter of its environment.
    """
    root, runtime, log = folder / "notebooks", folder / "jupyter-runtime", folder / "server.log"
    root.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = folder / "jupyter-config"
    own = {"JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(configuration)}
    (configuration / "labconfig").mkdir(parents=True, exist_ok=True)
    (configuration / "labconfig" / "page_config.json").write_text(
        json.dumps({"disabledExtensions": dict.fromkeys(COLLABORATION_IN_LAB, not collaboration)})
    )
    enabled = dict.fromkeys(UNWANTED, False) | dict.fromkeys(FACES, faces)
    enabled |= dict.fromkeys(COLLABORATION, collaboration) | dict(extensions)
    words = [
        *("--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"),
        f"--ServerApp.jpserver_extensions={enabled}",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [python, "-c", RUN_TIED, str(os.getpid()), "jupyter_server", *words, *options],
            env={**env, **own},
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=root,
        )
    server = Server(f"http://127.0.0.1:{port}/", folder, root, "", runtime, log, process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _remove(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)  # what the store made read-only
    shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: Server) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()[-5000:]
        try:
            if server.ask("api/status")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server does not answer: {server.log.read_text()[-5000:]}")


def notebook(*cells: str, metadata: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The JSON of a notebook with these code cells."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            **(metadata or {}),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def declaring(*cells: str, **handles: str) -> dict[str, Any]:
    """A notebook that declares DIDs by handle."""
    requirements = [{"did": did, "handle": handle} for handle, did in handles.items()]
    return notebook(*cells, metadata={"nbrucio": {"version": 1, "requirements": requirements}})


def base_environment(folder: Path) -> dict[str, str]:
    """An environment in which nothing of this user's matters."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return kept | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "NBRUCIO_STORE": str(folder / "store"),
        "NBRUCIO_RUNTIME_DIR": str(folder / "runtime"),
        "NBRUCIO_GRANTS": str(folder / "grants.json"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
