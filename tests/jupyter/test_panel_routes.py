"""What the panel asks of the server beside syncs: locks for an open document, drift, consent, what a save added."""

from __future__ import annotations

import json
from typing import Any

from websocket import create_connection

from nbrucio.core.did import Did
from nbrucio.jupyter.extension import DECLARED_ID
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files, attach
from tests.jupyter.test_open_policy import DIMUON, put
from tests.support.jupyter_server import TOKEN, Server, declaring, notebook


def body(server: Server, **more: object) -> dict[str, object]:
    return {"path": server.prefix + "a.ipynb", **more}


def status(server: Server, more: str = "") -> Any:
    return server.ask(f"nbrucio/status?path={server.api('a.ipynb')}{more}")[1]


def test_a_lock_is_answered_and_left_to_the_editor_to_write(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(dimuon=DIMUON, growing="sandbox:growing"))
    before = path.read_bytes()
    code, answer = server.ask("nbrucio/lock", body(server, handles=["dimuon"]))
    assert (code, list(answer["lock"])) == (200, ["dimuon"])
    assert answer["lock"]["dimuon"]["files"] == 4
    assert list(answer["instances"]) == ["dimuon"]
    assert path.read_bytes() == before
    assert set(server.ask("nbrucio/lock", body(server))[1]["lock"]) == {"dimuon", "growing"}


def test_a_lock_of_what_is_not_declared_says_so(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    code, answer = server.ask("nbrucio/lock", body(server, handles=["muons"]))
    assert (code, answer["error"]["code"]) == (400, "bad-declaration")
    assert server.ask("nbrucio/lock", body(server, handles="muons"))[0] == 400


def test_consent_for_one_sync_is_not_kept(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.ask("nbrucio/sync", body(server, once=True))
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "ready"}
    assert server.ask("nbrucio/grants")[1]["grants"] == []


def test_a_file_of_several_requirements_counts_once_in_the_totals(server: Server) -> None:
    content = declaring(dimuon=DIMUON, again=DIMUON, muons="sandbox:muons")
    put(server, "a.ipynb", content)
    assert server.sync("a.ipynb")["state"] == "done"
    found = status(server)
    dimuon, _, muons = found["requirements"]
    assert found["totals"] == {
        "files": muons["files_total"],
        "bytes": muons["bytes"],
        "here_files": muons["files_total"],
        "here_bytes": muons["bytes"],
    }
    assert dimuon["files_total"] <= muons["files_total"]


def test_the_status_tells_what_the_last_sync_found_wrong(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.open("a.ipynb")
    server.settled("a.ipynb")
    (error,) = status(server)["sync"]["errors"]["dimuon"]
    assert error["code"] == "consent-needed"
    assert status(server)["requirements"][0]["files_total"] == 4
    server.sync("a.ipynb")
    assert status(server)["sync"]["errors"] == {}


def test_a_changed_declaration_is_looked_at_again_at_once(server: Server) -> None:
    put(server, "a.ipynb", declaring())
    server.ask("nbrucio/sync", body(server, open=True))
    server.settled("a.ipynb")
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.ask("nbrucio/sync", body(server, open=True))
    assert server.settled("a.ipynb")["requirements"] == {}
    server.ask("nbrucio/sync", body(server, open=True, again=True))
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "missing"}  # and nobody agreed to a download


def test_drift_is_told_when_it_is_asked_for(server: Server, sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        files = [NewFile(Did("sandbox", f"drifting/{n}.dat"), b"file") for n in range(2)]
        add_files(client, files, ["SANDBOX_HTTPS"])
        did = str(add_dataset(client, "sandbox", "drifting", [files[0].did]))
    content = declaring(drifting=did)
    put(server, "a.ipynb", content)
    content["metadata"]["nbrucio"]["lock"] = server.ask("nbrucio/lock", body(server))[1]["lock"]
    put(server, "a.ipynb", content)
    assert status(server, "&check=1")["requirements"][0]["drift"] is None
    with sandbox.admin() as client:
        attach(client, "sandbox", "drifting", [files[1].did])
    assert status(server)["requirements"][0]["drift"] is None
    assert "gained 1 file" in status(server, "&check=1")["requirements"][0]["drift"]


def test_a_check_and_a_lock_name_each_requirement_that_rucio_does_not_answer_for(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON, one="sandbox:no-such-one", two="sandbox:no-such-two"))
    checked = status(server, "&check=1")
    unchecked = {one["handle"]: one["unchecked"] and one["unchecked"]["code"] for one in checked["requirements"]}
    assert unchecked == {"dimuon": None, "one": "did-not-found", "two": "did-not-found"}
    assert [fault["subject"] for fault in checked["faults"]] == ["sandbox:no-such-one", "sandbox:no-such-two"]
    assert {one["unchecked"] for one in status(server)["requirements"]} == {None}
    locked = server.ask("nbrucio/lock", body(server))[1]
    assert (list(locked["lock"]), list(locked["instances"])) == (["dimuon"], ["dimuon"])
    assert {handle: error["code"] for handle, error in locked["errors"].items()} == {
        "one": "did-not-found",
        "two": "did-not-found",
    }


def test_a_status_has_invalid_requirements_by_number_and_unknown_keys(server: Server) -> None:
    content = declaring(dimuon=DIMUON)
    declaration = content["metadata"]["nbrucio"]
    declaration["requirements"] += [7, {"did": "nonsense", "handle": "bad"}, {"did": DIMUON, "handle": "x", "acces": 1}]
    put(server, "a.ipynb", content)
    found = status(server)
    assert [(one["number"], one["handle"]) for one in found["invalid"]] == [(2, None), (3, "bad")]
    assert "'nonsense' is not a DID" in found["invalid"][1]["error"]["message"]
    assert [warning["hint"] for warning in found["warnings"]] == ["Did you mean 'access'?"]


def test_what_a_save_adds_is_told_to_whoever_has_the_notebook_open(server: Server) -> None:
    put(server, "a.ipynb", notebook("1"))
    address = server.url.replace("http", "ws") + f"api/events/subscribe?token={TOKEN}"
    socket = create_connection(address, timeout=30)
    try:
        server.save("a.ipynb", notebook("import nbrucio", "nbrucio.data('sandbox:dimuon')"))
        events = iter(lambda: json.loads(socket.recv()), None)
        event = next(event for event in events if event["schema_id"] == DECLARED_ID)
    finally:
        socket.close()
    assert event["path"] == server.prefix + "a.ipynb"
    assert [one["did"] for one in event["declaration"]["requirements"]] == [DIMUON]
