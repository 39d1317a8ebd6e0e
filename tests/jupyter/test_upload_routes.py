"""Uploads by REST: from files below the server's root to a real RSE, followed, repeated, refused."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import Server

RSE, SCOPE = "SANDBOX_SCRATCHDISK", "user.sandbox"


def ended(server: Server, job: str) -> Any:
    """The job when it is over."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        status, found = server.ask(f"nbrucio/uploads?id={job}")
        assert status == 200, found
        if found["state"] in ("done", "failed"):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def post(server: Server, *paths: str, **more: object) -> tuple[int, Any]:
    body = {"paths": [server.prefix + path for path in paths], "rse": RSE, "scope": SCOPE, **more}
    return server.ask("nbrucio/uploads", body)


def test_a_folder_is_sent_followed_and_sent_again(server: Server, sandbox: Sandbox) -> None:
    own = uuid.uuid4().hex[:8]
    (server.root / "out").mkdir()
    (server.root / "out" / f"{own}.a").write_bytes(b"a" * 5000)
    (server.root / f"{own}.b").write_bytes(b"b" * 1000)
    status, started = post(server, "out", f"{own}.b", dataset=own, lifetime="1w")
    assert status == 202, started
    job = ended(server, started["id"])
    assert (job["state"], job["files_done"], job["bytes_done"], job["bytes_total"]) == ("done", 2, 6000, 6000)
    assert {file["state"] for file in job["files"]} == {"uploaded"}
    assert job["log"][-1].endswith(f"2 uploaded, 0 already at {RSE}")
    with sandbox.client() as client:
        assert {row["name"] for row in client.list_content(SCOPE, own)} == {f"{own}.a", f"{own}.b"}
    assert server.ask("nbrucio/uploads/retry", {"id": job["id"]})[0] == 202
    assert ended(server, job["id"])["log"][-1].endswith(f"0 uploaded, 2 already at {RSE}")
    status, listed = server.ask("nbrucio/uploads", {"id": job["id"]}, "DELETE")
    assert status == 200
    assert job["id"] not in [each["id"] for each in listed["uploads"]]


def test_a_failure_is_kept_with_its_reason_and_a_cancelled_job_ends(server: Server) -> None:
    (server.root / "a.dat").write_bytes(b"a")
    status, started = post(server, "a.dat", rse="NOWHERE")
    assert status == 202
    job = ended(server, started["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "usage")
    assert any("The RSE 'NOWHERE' does not exist" in line for line in job["log"])
    assert server.ask("nbrucio/uploads/cancel", {"id": job["id"]}) == (200, {"cancelled": False})
    _, started = post(server, "a.dat")
    assert server.ask("nbrucio/uploads/cancel", {"id": started["id"]}) == (200, {"cancelled": True})
    job = ended(server, started["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "interrupted")


@pytest.mark.parametrize("path", ["../secret", "..", "/etc/passwd", "no.such", ".hidden", "link", ""])
def test_only_files_below_the_root_folder_can_be_sent(server: Server, path: str) -> None:
    (server.folder / "secret").write_text("outside")
    (server.root / ".hidden").write_text("hidden")
    (server.root / "link").symlink_to(server.folder / "secret")
    prefix = "" if path.startswith(("..", "/")) else server.prefix
    name = f"{server.prefix}../../{path}" if path == "../secret" else prefix + path
    if path == "":
        name = ".ipynb_checkpoints"
    status, answer = server.ask("nbrucio/uploads", {"paths": [name], "rse": RSE, "scope": SCOPE})
    assert (status, answer["error"]["code"]) == (400, "usage"), answer


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"paths": "a"},
        {"paths": [1], "rse": RSE, "scope": SCOPE},
        {"paths": ["a.dat"], "scope": SCOPE},
        {"paths": ["a.dat"], "rse": RSE, "scope": SCOPE, "lifetime": "soon"},
        {"paths": ["a.dat"], "rse": RSE, "scope": SCOPE, "dataset": "a b\x00"},
    ],
)
def test_a_wrong_request_starts_nothing(server: Server, body: dict[str, object]) -> None:
    before = server.ask("nbrucio/uploads")[1]
    status, answer = server.ask("nbrucio/uploads", body)
    assert status == 400, answer
    assert server.ask("nbrucio/uploads")[1] == before
    assert server.ask("nbrucio/uploads/retry", {"id": "no"})[0] == 400
