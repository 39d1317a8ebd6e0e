"""What the Explore section asks, of a real server that asks a real Rucio."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import TOKEN, Server, declaring
from tests.support.strict_schema import validate_answer


def lines(server: Server, route: str, **query: object) -> Iterator[Any]:
    """Each line of a streamed answer."""
    url = f"{server.url}nbrucio/{route}?{urlencode(query, doseq=True)}"
    request = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        for line in answer:
            value = json.loads(line)
            validate_answer("GET", f"/{route}", 200, value)
            yield value


def rows(server: Server, route: str, **query: object) -> list[list[Any]]:
    """The rows of a streamed answer that came to its end."""
    *batches, last = (line for line in lines(server, route, **query) if "unsized" not in line)
    assert last == {"end": True}
    return [row for batch in batches for row in batch]


#: Datasets of every sandbox; other tests add theirs to a shared one.
SEEDED = {"sandbox:dimuon", "sandbox:mounted", "sandbox:growing"}


def dids(server: Server, **query: object) -> set[str]:
    return {row[0] for row in rows(server, "find", **query)}


@pytest.fixture(scope="module")
def many(sandbox: Sandbox) -> str:
    """A dataset of 1,200 files, more than one line of an answer holds."""
    files = [NewFile(Did("user.sandbox", f"many.{number:04}"), b"x") for number in range(1_200)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_POSIX"])
        return str(add_dataset(client, "user.sandbox", "many", [file.did for file in files], closed=True))


def test_names_scopes_and_kinds_are_searched_with_wildcards(server: Server) -> None:
    assert dids(server, pattern="sandbox:dim*") & SEEDED == {"sandbox:dimuon"}
    assert "sandbox:dimuon.1.root" in dids(server, pattern="sandbox:dimuon*", kind="file")
    assert dids(server, pattern="*sandbox:twin*", kind="all") >= {"sandbox:twin.dat", "user.sandbox:twin.dat"}
    assert dids(server, pattern="sandbox:muons", kind="dataset") == set()
    assert dids(server, pattern="nobody*:x") == set()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["project=dimuon"], {"sandbox:dimuon"}),
        (["project = dimuon or length = 2"], {"sandbox:dimuon", "sandbox:mounted"}),
        (["project=dimuon and length>4"], set()),
        (["length >= 2 and length < 4 or project='dimuon'"], {"sandbox:dimuon", "sandbox:mounted"}),
        (["project=dimuon or length=2", "bytes > 1 MB"], {"sandbox:dimuon"}),
        (["project='this or that'"], set()),
    ],
)
def test_conditions_are_joined_by_and_and_or(server: Server, filters: list[str], found: set[str]) -> None:
    assert dids(server, pattern="sandbox:*", kind="dataset", filter=filters) & SEEDED == found


def test_a_wrong_condition_is_answered_with_its_place(server: Server) -> None:
    status, answer = server.ask(f"nbrucio/find?filter={quote('project = demo and')}")
    assert (status, answer["error"]["position"]) == (400, [18, 18])
    # Only the server knows that it has no such key.
    status, answer = server.ask(f"nbrucio/find?pattern=sandbox:*&filter={quote('length = 2 and no_such_key = 1')}")
    assert (status, answer["error"]["position"]) == (400, [15, 26])
    assert answer["error"]["message"].startswith("sandbox cannot search by 'no_such_key'")


def test_a_condition_without_a_name_searches_everywhere(server: Server) -> None:
    assert {"sandbox:dimuon"} <= dids(server, filter="project = dimuon")


def test_a_search_by_size_names_what_has_no_size_in_rucio(server: Server) -> None:
    condition = "bytes > 1 MB and created_at > 2020-01-01"
    *batches, unsized, last = lines(server, "find", pattern="sandbox:*", filter=condition)
    assert {row[0] for batch in batches for row in batch} & SEEDED == {"sandbox:dimuon"}
    assert {"sandbox:growing", "sandbox:muons"} <= set(unsized["unsized"])
    assert (unsized["unsized_cut"], last) == (False, {"end": True})
    exact = "project = dimuon and bytes > 1 MB"
    *batches, last = lines(server, "find", pattern="sandbox:*", kind="dataset", filter=exact)
    found = [row for batch in batches for row in batch if row[0] in SEEDED]
    assert (found, last) == ([["sandbox:dimuon", "DATASET", 9267157, 4, False]], {"end": True})


def test_a_search_of_many_hits_streams_and_ends(server: Server, many: str) -> None:
    found = rows(server, "find", pattern=f"{many}.*", kind="file")
    assert len(found) == len({row[0] for row in found}) == 1_200
    assert found[0][1:] == ["FILE", 1, 1, False]


def test_a_browser_that_goes_away_in_the_middle_harms_nobody(server: Server, many: str) -> None:
    answer = lines(server, "find", pattern=f"{many}.*", kind="file")
    assert len(next(answer)) == 20  # the first few come at once
    answer.close()
    assert server.ask("nbrucio/instances")[0] == 200


def test_a_dataset_and_a_container_are_expanded(server: Server, many: str) -> None:
    assert len(rows(server, "contents", did=many)) == 1_200
    # Rucio does not say which of them is open.
    assert sorted(rows(server, "contents", did="sandbox:muons")) == [
        ["sandbox:dimuon", "DATASET", None, None, False],
        ["sandbox:growing", "DATASET", None, None, False],
    ]


@pytest.mark.parametrize(
    ("did", "kind", "held"),
    [
        ("sandbox:dimuon", "DATASET", {"SANDBOX_HTTPS": (4, 4), "SANDBOX_POSIX": (2, 4)}),
        ("sandbox:muons", "CONTAINER", {"SANDBOX_HTTPS": (6, 6), "SANDBOX_POSIX": (2, 4)}),
        ("sandbox:dimuon.3.root", "FILE", {"SANDBOX_HTTPS": (1, 1)}),
    ],
)
def test_details_tell_copies_by_rse(server: Server, did: str, kind: str, held: dict[str, tuple[int, int]]) -> None:
    status, about = server.ask(f"nbrucio/details?did={quote(did)}")
    assert (status, about["type"], about["faults"]) == (200, kind, {})
    assert {row["rse"]: (row["files"], row["files_total"]) for row in about["replicas"]} == held


def test_details_tell_metadata_and_rules(server: Server, sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        own = [{"scope": "sandbox", "name": "dimuon"}]
        (rule,) = client.add_replication_rule(own, 1, "SANDBOX_HTTPS", comment="somebody's")
    _, about = server.ask("nbrucio/details?did=sandbox:dimuon")
    assert about["metadata"]["project"] == "dimuon"
    assert {each["id"]: (each["rse"], each["account"], each["ours"]) for each in about["rules"]}[rule] == (
        "SANDBOX_HTTPS",
        "sandbox",
        False,
    )
    status, refused = server.ask("nbrucio/rules", {"id": rule}, "DELETE")
    assert (status, refused["error"]["message"]) == (400, "This rule was not made by nbrucio.")


def test_details_tell_where_what_is_here_lies(server: Server) -> None:
    put(server, "a.ipynb", declaring(mounted="sandbox:growing"))
    assert server.ask("nbrucio/details?did=sandbox:growing")[1]["path"] is None
    server.sync("a.ipynb")
    path = Path(server.ask("nbrucio/details?did=sandbox:growing")[1]["path"])
    assert {file.name for file in path.iterdir()} == {"growing.1.root", "growing.2.root"}
    file = Path(server.ask("nbrucio/details?did=sandbox:growing.1.root")[1]["path"])
    assert file.is_file()


def test_our_rules_are_listed_and_can_be_removed(server: Server, sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        own = [{"scope": "sandbox", "name": "growing"}]
        (rule,) = client.add_replication_rule(own, 1, "SANDBOX_MOUNT", lifetime=3600, comment="made by nbrucio stage")
    status, listed = server.ask("nbrucio/rules")
    assert status == 200
    (ours,) = [each for each in listed["rules"] if each["id"] == rule]
    assert (ours["did"], ours["rse"], ours["ours"]) == ("sandbox:growing", "SANDBOX_MOUNT", True)
    status, _ = server.ask("nbrucio/rules", {"id": rule}, "DELETE")
    assert status == 200


def test_places_and_logins_are_asked_of_the_server(server: Server) -> None:
    status, places = server.ask("nbrucio/places")
    assert (status, places["account"], places["scopes"]) == (200, "sandbox", ["sandbox", "user.sandbox"])
    assert "SANDBOX_SCRATCHDISK" in places["rses"]
    assert server.ask("nbrucio/login") == (200, {"instance": "sandbox", "account": "sandbox", "error": None})


def test_scopes_are_listed_with_the_users_own(server: Server) -> None:
    status, found = server.ask("nbrucio/scopes")
    assert (status, found["own"]) == (200, ["sandbox", "user.sandbox"])
    assert set(found["own"]) <= set(found["scopes"])


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ("find?pattern=nocolon", 400, "usage"),
        ("find?pattern=sandbox:*&kind=planet", 400, "usage"),
        ("find?pattern=sandbox:*&filter=nonsense", 400, "usage"),
        ("find?pattern=sandbox:*&filter=bytes%3Emuch", 400, "usage"),
        ("find?pattern=sandbox:*&filter=no_such_key%3D1", 400, "usage"),
        ("contents?did=sandbox:no-such-thing", 404, "did-not-found"),
        ("details?did=sandbox:no-such-thing", 404, "did-not-found"),
        ("details?did=%00", 400, "bad-did"),
        ("login?instance=nowhere", 400, "unknown-instance"),
    ],
)
def test_a_wrong_question_is_answered_with_the_reason(server: Server, request_: str, status: int, code: str) -> None:
    answer = server.ask(f"nbrucio/{request_}")
    assert (answer[0], answer[1]["error"]["code"]) == (status, code)
