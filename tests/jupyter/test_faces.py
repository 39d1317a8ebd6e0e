"""The same value is the same JSON on the command line, in REST and for Python programs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbrucio_schemas
import pytest
import yaml

import nbrucio.jupyter
from nbrucio.sandbox import Sandbox
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, base_environment, declaring

#: They differ from one moment to the next.
MOMENTARY = {"elapsed_s", "free_bytes", "free_after_bytes", "locked"}
PROGRAM = """
import json, sys
import nbrucio
new, old = sys.argv[1:]
results = {
    "sync": nbrucio.sync(new),
    "status": nbrucio.status(new),
    "plan": nbrucio.plan(new),
    "verify": nbrucio.verify(new),
    "check": nbrucio.check(new),
    "diff": nbrucio.diff(old, new),
    "search": nbrucio.search("sandbox:*"),
}
print(json.dumps({name: result.as_json() for name, result in results.items()}))
"""


class Faces:
    """A notebook with available, unavailable and invalid data, and the faces that are asked about it."""

    def __init__(self, server: Server, sandbox: Sandbox) -> None:
        content = declaring(dimuon="sandbox:dimuon", mounted="sandbox:mounted", gone="sandbox:no-such-data")
        content["metadata"]["nbrucio"]["requirements"].append({"did": "no did", "handle": "bad"})
        self.server = server
        self.new = put(server, "new.ipynb", content)
        self.old = Path(shutil.copy(self.new, server.root / "old.ipynb"))
        self._env = base_environment(server.folder) | dict(sandbox.env())
        server.sync("new.ipynb")

    def command(self, *words: object) -> Any:
        """What a command prints."""
        return self._run("-m", "nbrucio_cli", *map(str, words), "--json")

    def program(self) -> Any:
        """What the functions for programs return."""
        return self._run("-c", PROGRAM, str(self.new), str(self.old))

    def rest(self, path: str, body: object = None, method: str = "") -> Any:
        """What the server answers."""
        return lasting(self.server.ask(f"nbrucio/{path}", body, method)[1])

    def _run(self, *words: str) -> Any:
        done = subprocess.run([sys.executable, *words], env=self._env, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        return lasting(json.loads(done.stdout))


def lasting(value: Any) -> Any:
    """The value without what differs from one moment to the next."""
    if isinstance(value, list):
        return [lasting(each) for each in value]
    if isinstance(value, dict):
        return {key: lasting(each) for key, each in value.items() if key not in MOMENTARY}
    return value


@pytest.fixture
def faces(server: Server, sandbox: Sandbox) -> Faces:
    return Faces(server, sandbox)


def test_every_face_gives_the_same_json_for_the_same_value(faces: Faces) -> None:
    program = faces.program()
    for name, result in program.items():
        words = (faces.old, faces.new) if name == "diff" else ("sandbox:*",) if name == "search" else (faces.new,)
        assert faces.command(name, *words) == result, name
    path = faces.server.api("new.ipynb")
    (notebook,) = program["status"]["notebooks"]
    assert {one["state"] for one in notebook["requirements"]} == {"ready", "failed"}
    assert notebook["faults"]
    status = faces.rest(f"status?path={path}&files=1")
    assert {key: status[key] for key in notebook} == notebook
    assert faces.rest(f"plan?path={path}") == program["plan"]
    assert faces.rest("whoami") == faces.command("whoami", "--all")


def test_errors_rules_and_locks_are_the_same_json_in_rest_and_on_the_command_line(faces: Faces) -> None:
    gone = faces.rest("details?did=sandbox:no-such-data")["error"]
    assert faces.command("show", "sandbox:no-such-data")["error"] == gone
    rule = faces.rest("stage", {"did": "sandbox:mounted", "rse": "SANDBOX_MOUNT", "lifetime": "1h"})["rule"]
    try:
        (listed,) = faces.command("stage", faces.new, "mounted", "--list")["rules"]
        assert listed["rule"] == rule
        (ours,) = (one for one in faces.rest("rules")["rules"] if one["id"] == rule["id"])
        assert {key: ours[key] for key in rule} == rule
    finally:
        faces.rest("rules", {"id": rule["id"]}, "DELETE")
    locks = faces.rest("lock", {"path": faces.server.prefix + "new.ipynb"})["lock"]
    written = {one["handle"]: one["lock"] for one in faces.command("lock", faces.new)["requirements"]}
    assert {handle: lock for handle, lock in written.items() if lock} == locks
    saved, none = faces.command("logout"), faces.rest("logout", {})
    assert saved["instances"] == [{**none, "removed": True}]


def test_every_schema_has_the_same_errors() -> None:
    (wanted, *others) = (nbrucio_schemas.load(name)["$defs"]["error"] for name in ("output-1", "error-1", "events-1"))
    assert others == [wanted, wanted]


@pytest.mark.parametrize(
    ("file", "part", "own"),
    [("events.yaml", "sync_run", {"path"}), ("events-upload.yaml", "upload_job", set())],
)
def test_an_event_is_part_of_what_rest_answers(file: str, part: str, own: set[str]) -> None:
    event: Mapping[str, Any] = yaml.safe_load((Path(nbrucio.jupyter.__file__).parent / file).read_text("utf-8"))
    answer = nbrucio_schemas.openapi()["components"]["schemas"][part]["properties"]
    assert set(event["properties"]) - own <= set(answer)
    for name in set(event["properties"]) - own:
        for keyword in ("type", "enum"):
            assert event["properties"][name].get(keyword) == answer[name].get(keyword), name
