"""The list of uploads after the server was killed in the middle of one, with its log; the upload is tried again."""

from __future__ import annotations

import json
import stat
import uuid
from pathlib import Path

from nbrucio.sandbox import Sandbox
from tests.jupyter.test_upload_routes import SCOPE, ended, post
from tests.support.jupyter_server import base_environment, serve


def test_a_killed_server_leaves_an_interrupted_upload_that_is_tried_again(sandbox: Sandbox, tmp_path: Path) -> None:
    environment = base_environment(tmp_path) | dict(sandbox.env())
    own = uuid.uuid4().hex[:8]
    folder = tmp_path / "notebooks" / own
    with serve(tmp_path, environment) as server:
        folder.mkdir()
        for number in range(20):  # some seconds of requests to Rucio
            (folder / f"{own}.{number}").write_bytes(b"data")
        _, failed = post(server, own, rse="NOWHERE")
        ended(server, failed["id"])
        _, running = post(server, own)
        server.process.kill()
        server.process.wait()
    records = tmp_path / "home/.local/state/nbrucio/uploads"
    assert stat.S_IMODE(records.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in records.iterdir()} == {0o600}
    (records / "damaged.json").write_text("{")
    foreign = json.loads((records / f"{failed['id']}.json").read_text())
    (records / "foreign.json").write_text(json.dumps({**foreign, "id": "foreign", "root": "/elsewhere"}))
    with serve(tmp_path, environment) as server:
        listed = {job["id"]: job for job in server.ask("nbrucio/uploads")[1]["uploads"]}
        assert set(listed) == {failed["id"], running["id"]}
        before = server.ask(f"nbrucio/uploads?id={failed['id']}")[1]
        assert (before["state"], before["error"]["message"]) == (
            "failed",
            "The RSE 'NOWHERE' does not exist in sandbox.",
        )
        assert any("The RSE 'NOWHERE' does not exist" in line for line in before["log"])
        stopped = listed[running["id"]]
        assert (stopped["state"], stopped["error"]["code"]) == ("failed", "interrupted")
        assert stopped["error"]["message"] == "The server stopped during this upload."
        assert server.ask("nbrucio/uploads/retry", {"id": running["id"]})[0] == 202
        done = ended(server, running["id"])
        assert (done["state"], done["files_done"], done["scope"]) == ("done", 20, SCOPE)
        assert any(line.endswith("tried again") for line in done["log"])
        server.ask("nbrucio/uploads", {"id": failed["id"]}, "DELETE")
    assert sorted(path.stem for path in records.iterdir()) == sorted(["damaged", "foreign", running["id"]])
