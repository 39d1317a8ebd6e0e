"""Where data is, what it costs here, and rules that replicate it, of a real server that asks a real Rucio."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_files
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, declaring
from tests.support.odd_rses import forget_rses

PROTOCOL = {
    "scheme": "file",
    "hostname": "localhost",
    "port": 0,
    "prefix": "/tape/",
    "impl": "rucio.rse.protocols.posix.Default",
}
DOMAIN = {"read": 1, "write": 1, "delete": 1}
TAPE, SMALL = "SANDBOX_TAPE", "SANDBOX_SMALL"


@pytest.fixture(scope="module")
def own_rses(sandbox: Sandbox) -> Iterator[None]:
    """An RSE on tape, and one with a small quota. Other tests ask for all RSEs of this sandbox, so both are removed."""
    with sandbox.admin() as client:
        client.add_rse(TAPE, rse_type="TAPE")
        client.add_protocol(TAPE, {**PROTOCOL, "domains": {"lan": DOMAIN, "wan": DOMAIN}})
        client.add_rse(SMALL)
        client.set_local_account_limit("sandbox", SMALL, 10_000)
    yield
    for name in (TAPE, SMALL):
        forget_rses(sandbox, name)


@pytest.mark.usefixtures("own_rses")
def test_tape_and_mounted_rses_are_marked(server: Server, sandbox: Sandbox) -> None:
    did = Did("user.sandbox", f"placed{uuid.uuid4().hex[:8]}")
    with sandbox.admin() as client:
        add_files(client, [NewFile(did, b"data")], ["SANDBOX_POSIX", "SANDBOX_MOUNT"])
        client.add_replicas(TAPE, [{"scope": did.scope, "name": did.name, "bytes": 4, "adler32": "0400019b"}])
    _, about = server.ask(f"nbrucio/details?did={quote(str(did))}")
    marks = {row["rse"]: (row["tape"], row["mounted"]) for row in about["replicas"]}
    assert marks == {TAPE: (True, False), "SANDBOX_POSIX": (False, False), "SANDBOX_MOUNT": (False, True)}


def test_the_cost_here_is_told_before_anything_is_downloaded(server: Server) -> None:
    def cost(did: str) -> dict[str, int]:
        status, found = server.ask(f"nbrucio/cost?did={quote(did)}")
        assert (status, found["cut"], found["refusal"]) == (200, False, None)
        return {access: amount["files"] for access, amount in found["access"].items() if amount["files"]}

    assert cost("sandbox:mounted") == {"mount": 2}
    assert cost("sandbox:growing") == {"download": 2}
    put(server, "a.ipynb", declaring(growing="sandbox:growing"))
    server.sync("a.ipynb")
    assert cost("sandbox:growing.1.root") == {"store": 1}
    assert server.ask("nbrucio/cost?did=sandbox:nothing")[0] == 404


@pytest.mark.usefixtures("own_rses")
def test_the_quota_left_is_told_and_a_rule_is_made_once(server: Server) -> None:
    _, found = server.ask("nbrucio/stage")
    first, *others = found["quotas"]
    assert (first["rse"], first["mounted"], first["limit"]) == ("SANDBOX_MOUNT", True, None)
    assert next((each["used"], each["limit"]) for each in others if each["rse"] == SMALL) == (0, 10_000)
    order = {"did": "sandbox:mounted", "rse": "SANDBOX_POSIX", "lifetime": "1h"}
    status, staged = server.ask("nbrucio/stage", order)
    assert (status, staged["made"], staged["rule"]["rse"]) == (201, True, "SANDBOX_POSIX")
    assert server.ask("nbrucio/stage", order)[1]["made"] is False
    _, rules = server.ask("nbrucio/rules?did=sandbox:mounted")
    (rule,) = [each for each in rules["rules"] if each["id"] == staged["rule"]["id"]]
    assert (rule["account"], rule["state"], rule["reasons"]) == ("sandbox", "REPLICATING", [])
    server.ask("nbrucio/rules", {"id": rule["id"]}, "DELETE")


@pytest.mark.parametrize(
    ("order", "status", "words"),
    [
        ({"did": "sandbox:dimuon", "rse": SMALL}, 507, "exceeds your quota"),
        ({"did": "sandbox:dimuon", "rse": "NOWHERE"}, 400, "sandbox has no RSE for this rule"),
        ({"did": "sandbox:dimuon", "rse": "SANDBOX_POSIX", "lifetime": "soon"}, 400, "is not a lifetime"),
        ({"did": "sandbox:dimuon", "rse": " "}, 400, "body.rse must be a text that is not blank."),
        ({"did": "sandbox:dimuon", "rse": "SANDBOX_POSIX", "instance": 3}, 400, "body.instance must be a string."),
    ],
)
@pytest.mark.usefixtures("own_rses")
def test_a_rule_that_cannot_be_made_says_why(server: Server, order: dict[str, object], status: int, words: str) -> None:
    answer = server.ask("nbrucio/stage", order)
    assert answer[0] == status, answer
    assert words in answer[1]["error"]["message"]


def test_a_stuck_rule_has_its_reason(server: Server, sandbox: Sandbox) -> None:
    status, staged = server.ask("nbrucio/stage", {"did": "sandbox:growing", "rse": "SANDBOX_HTTPS_SCRATCHDISK"})
    assert status == 201
    identity = staged["rule"]["id"]
    with sandbox.admin() as client:
        client.update_replication_rule(identity, {"state": "stuck"})
    _, rules = server.ask("nbrucio/rules?did=sandbox:growing")
    (rule,) = [each for each in rules["rules"] if each["id"] == identity]
    assert rule["state"] == "STUCK"
    assert rule["reasons"][0] == "sandbox:growing.1.root: Rucio gives no reason"
    server.ask("nbrucio/rules", {"id": identity}, "DELETE")
