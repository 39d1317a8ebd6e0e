"""Each route of a real server is driven once, from its first instance on; `Server.ask` compares the answers with the
description of the interface."""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

from nbrucio.sandbox import Sandbox
from tests.jupyter.test_browse_routes import lines
from tests.jupyter.test_instance_routes import settings_of
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, base_environment, declaring, serve
from tests.support.strict_schema import openapi

DIMUON = "sandbox:dimuon"
SCRATCH = "SANDBOX_SCRATCHDISK"


class Driver:
    """Asks a server, and remembers which routes answered as they should."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.driven: set[tuple[str, str]] = set()

    def __call__(self, method: str, path: str, body: object = None, *, expected: int = 200) -> Any:
        status, answer = self.server.ask(f"nbrucio{path}", body, method.upper())
        assert status == expected, (method, path, answer)
        self.driven.add((path.partition("?")[0], method))
        return answer

    def stream(self, route: str, **query: object) -> list[Any]:
        """The lines of a streamed answer."""
        self.driven.add((f"/{route}", "get"))
        return list(lines(self.server, route, **query))

    def until(self, path: str, key: str, *ends: str) -> Any:
        """The first answer in which ``key`` is one of ``ends``."""
        end = time.monotonic() + 60
        while (answer := self("get", path))[key] not in ends:
            assert time.monotonic() < end, answer
            time.sleep(0.05)
        return answer


def test_every_route_answers_as_it_is_described(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data/nbrucio").mkdir(parents=True)
    (tmp_path / "data/nbrucio/sandbox").symlink_to(sandbox.root)  # the user's own would be made first
    with serve(tmp_path, base_environment(tmp_path) | {"XDG_DATA_HOME": str(tmp_path / "data")}) as server:
        drive = Driver(server)
        assert drive("get", "/instances")["ways"]["sandbox"]
        drive("post", "/instances/sandbox", {}, expected=201)
        put(server, "a.ipynb", declaring(dimuon=DIMUON, none="sandbox:no-such-data"))
        _notebook(drive, {"path": "a.ipynb"})
        _browse(drive)
        _uploads(drive)
        _logins(drive)
        _more_instances(drive, sandbox)
        assert drive("get", "/openapi.json") == openapi()
        assert drive.driven == {(path, verb) for path, verbs in openapi()["paths"].items() for verb in verbs}


def _more_instances(drive: Driver, sandbox: Sandbox) -> None:
    body = {"name": "again", "settings": settings_of(sandbox)}
    assert drive("post", "/instances/test", body)["ok"]
    drive("post", "/instances", body, expected=201)
    row = {"name": "lab", "rucio_base_url": body["settings"]["host"], "destination_rse": "X"}
    config = {"RucioConfig": {"instances": [row], "default_auth_type": "userpass"}}
    (drive.server.folder / "jupyter-config" / "jupyter_server_config.json").write_text(json.dumps(config))
    drive("post", "/instances/import", {}, expected=201)
    assert {"sandbox", "again"} <= {one["name"] for one in drive("get", "/instances")["instances"]}


def _notebook(drive: Driver, body: dict[str, object]) -> None:
    query = "?path=a.ipynb"
    drive("get", "/plan" + query)
    drive("post", "/sync", body, expected=202)
    drive.server.settled("a.ipynb")
    status = drive("get", f"/status{query}&files=1&check=1")
    assert [one["state"] for one in status["requirements"]] == ["ready", "failed"]
    drive("get", "/status" + query)
    drive("post", "/cancel", body)
    drive("post", "/lock", body)
    drive("get", "/store?usage=1")
    drive("post", "/opening", {"level": "look"})
    drive("get", "/opening")
    (grant,) = drive("get", "/grants")["grants"]
    drive("delete", "/grants", {"did": grant["did"], "instance": grant["instance"]})
    drive("post", "/grants", {"did": DIMUON}, expected=201)
    _question(drive, body)


def _question(drive: Driver, body: dict[str, object]) -> None:
    """A cell's question: its kernel is this process."""
    assert drive("get", "/question?path=a.ipynb") == {"question": None}
    (manifest,) = (drive.server.folder / "runtime").glob("*.json")
    manifest.with_suffix(".question").write_text(json.dumps({"pid": os.getpid(), "id": "q", "handles": ["dimuon"]}))
    assert drive("post", "/question", {**body, "id": "q", "answer": "declined"})["question"]["handles"] == ["dimuon"]


def _browse(drive: Driver) -> None:
    assert len(drive.stream("find", pattern="sandbox:*", filter="bytes > 1")) > 1
    assert len(drive.stream("contents", did=DIMUON)) == 2
    for route in ("details", "cost"):
        drive("get", f"/{route}?did={DIMUON}")
    for route in ("places", "scopes"):
        drive("get", f"/{route}")
    drive("post", "/drop", {"source": "x = 1", "offset": 5, "did": DIMUON})
    drive("get", "/stage")
    order = {"did": DIMUON, "rse": SCRATCH, "lifetime": "1h"}
    rule = drive("post", "/stage", order, expected=201)["rule"]
    assert rule["id"] in [one["id"] for one in drive("get", "/rules")["rules"]]
    assert rule["id"] in [one["id"] for one in drive("get", f"/rules?did={DIMUON}")["rules"]]
    drive("delete", "/rules", {"id": rule["id"]})


def _uploads(drive: Driver) -> None:
    name = f"{uuid.uuid4().hex}.dat"
    (drive.server.root / name).write_bytes(b"data")
    order = {"paths": [name], "rse": SCRATCH, "scope": "user.sandbox"}
    job = {"id": drive("post", "/uploads", order, expected=202)["id"]}
    assert drive.until(f"/uploads?id={job['id']}", "state", "done", "failed")["state"] == "done"
    drive("post", "/uploads/retry", job, expected=202)
    drive("post", "/uploads/cancel", job)
    drive.until(f"/uploads?id={job['id']}", "state", "done", "failed")
    assert len(drive("get", "/uploads")["uploads"]) == 1
    drive("delete", "/uploads", job)


def _logins(drive: Driver) -> None:
    drive("get", "/whoami")
    drive("get", "/login")
    job = drive("post", "/login", {"instance": "sandbox"}, expected=202)
    assert drive.until(f"/login?id={job['id']}", "state", "done", "failed")["login"]["account"] == "sandbox"
    drive("delete", "/login", {"id": job["id"]})
    drive("post", "/logout", {"instance": "sandbox"})
