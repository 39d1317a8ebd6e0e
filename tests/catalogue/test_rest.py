"""Requests of Rucio's REST API: the same requests and answers as those of rucio-clients."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from rucio.common.exception import RucioException

from nbrucio.catalogue import rest
from nbrucio.catalogue.rucio import SCHEMES, RucioCatalogue
from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Instance, Policy
from nbrucio.core.did import Did
from nbrucio.errors import NbrucioError, Offline, RucioRefused
from nbrucio.http import Request
from nbrucio.sandbox import Sandbox, seed
from tests.catalogue.conftest import Connect
from tests.support.access_log import new_requests
from tests.support.scripted_server import LOGIN, ScriptedServer, answer, stream_head
from tests.support.sync_questions import ASKS, DIMUON, FACTS, ROW, at, headers

ODD = ["direct/a//b", "direct/./x", "direct/../y", "/direct/lead", "direct/trail/", "direct.." + "x" * 240]


@pytest.fixture(scope="module")
def odd(sandbox: Sandbox) -> list[Did]:
    """Names that are a trap for what makes URLs of them."""
    dids = [Did("sandbox", name) for name in ODD]
    with sandbox.admin() as client:
        seed.add_files(client, [seed.NewFile(did, b"odd") for did in dids], ["SANDBOX_POSIX"])
        seed.add_dataset(client, "sandbox", "direct.odd", dids, closed=True)
    return dids


def test_answers_are_those_of_rucio_clients(sandbox: Sandbox, catalogue: RucioCatalogue, odd: list[Did]) -> None:
    dids = [*odd, Did("sandbox", "direct.odd"), DIMUON, Did("sandbox", "growing"), Did("sandbox", "muons")]
    with sandbox.client() as client:
        for did in dids:
            facts = client.get_did(did.scope, did.name)
            found = catalogue.describe(did)
            assert (found.did, found.type.value) == (did, facts["type"])
            files = [(entry.did.name, entry.size_bytes, entry.adler32) for entry in catalogue.files(did)]
            rows = client.list_files(did.scope, did.name)
            assert files == [(row["name"], row["bytes"], row["adler32"]) for row in rows]
            found_at = {str(one): {replica.pfn for replica in replicas} for one, replicas in catalogue.replicas([did])}
            rows = client.list_replicas([{"scope": did.scope, "name": did.name}], schemes=list(SCHEMES))
            assert found_at == {f"{row['scope']}:{row['name']}": set(row["pfns"]) for row in rows}


@pytest.mark.parametrize(
    "name", ["a b+c", "what?#%2e+;&é", "100%25", "~tilde", "ünï/é", "x:y@z", "a//..//b", "'\"<>|\\^`"]
)
@pytest.mark.parametrize("ask", list(ASKS))
def test_names_reach_the_server_unchanged(logged_in: Connect, scripted: ScriptedServer, ask: str, name: str) -> None:
    scripted.answers = [answer("")]
    with contextlib.suppress(NbrucioError):
        ASKS[ask](logged_in(**at(scripted)), Did("sandbox", name))
    path = scripted.requests[0].split()[1]
    if ask == "replicas":
        assert json.loads(scripted.bodies[0])["dids"] == [{"scope": "sandbox", "name": name}]
    else:
        assert unquote(path.split("/")[3]) == name


DID = Did("sandbox", "a/b.1")
FILTERS = [{"name": "a*", "project": "p"}]

#: A request of ours, and the call of rucio-clients that sends the same.
CALLS: dict[str, tuple[Request, Callable[[Any], object]]] = {
    "describe": (rest.describe(DID), lambda client: client.get_did("sandbox", DID.name)),
    "files": (rest.files(DID), lambda client: list(client.list_files("sandbox", DID.name))),
    "contents": (rest.contents(DID), lambda client: list(client.list_content("sandbox", DID.name))),
    "metadata": (rest.metadata(DID, "ALL"), lambda client: client.get_metadata("sandbox", DID.name, plugin="ALL")),
    "search": (
        rest.search("sandbox", FILTERS, "all"),
        lambda client: list(client.list_dids("sandbox", FILTERS, did_type="all", long=True)),
    ),
    "replicas": (
        rest.replicas([DID], ["https"], "CERN-PROD"),
        lambda client: client.list_replicas(
            [{"scope": "sandbox", "name": DID.name}],
            sort=rest.SORT,
            schemes=["https"],
            ignore_availability=False,
            client_location={"site": "CERN-PROD"},
            resolve_archives=False,
        ),
    ),
    "all replicas": (
        rest.all_replicas([DID]),
        lambda client: client.list_replicas([{"scope": "sandbox", "name": DID.name}], all_states=True),
    ),
    "dataset replicas": (
        rest.dataset_replicas(DID),
        lambda client: list(client.list_dataset_replicas("sandbox", DID.name, deep=True)),
    ),
    "account": (rest.account("me"), lambda client: client.get_account("me")),
    "scopes": (rest.scopes(), lambda client: client.list_scopes()),
    "own scopes": (rest.scopes_of("me"), lambda client: client.list_scopes_for_account("me")),
    "rses": (rest.rses(), lambda client: list(client.list_rses())),
    "rse": (rest.rse("SANDBOX_POSIX"), lambda client: client.get_rse("SANDBOX_POSIX")),
    "rules on": (rest.rules_on(DID), lambda client: list(client.list_did_rules("sandbox", DID.name))),
    "rules of": (
        rest.rules_of("me", "a comment"),
        lambda client: list(client.list_replication_rules({"account": "me", "comments": "a comment"})),
    ),
    "rule": (rest.rule("1a"), lambda client: client.get_replication_rule("1a")),
    "rule files": (rest.rule_files("1a"), lambda client: list(client.list_replica_locks("1a"))),
    "rule analysis": (rest.rule_analysis("1a"), lambda client: client.examine_replication_rule("1a")),
    "make rule": (
        rest.make_rule(DID, "RSE", 60, "why"),
        lambda client: client.add_replication_rule(
            [{"scope": "sandbox", "name": DID.name}], 1, "RSE", lifetime=60, comment="why"
        ),
    ),
    "renew rule": (
        rest.renew_rule("1a", 60),
        lambda client: client.update_replication_rule("1a", {"lifetime": 60}),
    ),
    "remove rule": (rest.remove_rule("1a"), lambda client: client.delete_replication_rule("1a")),
}


@pytest.fixture
def rucio_client(scripted: ScriptedServer) -> Iterator[Any]:
    """A client of rucio-clients at `scripted`, with the token and the settings of `logged_in`."""
    from rucio.client import Client

    class Told(Client):  # type: ignore[misc]
        def _BaseClient__authenticate(self) -> None:  # noqa: N802
            self.auth_token = "a-kept-token"

    client = Told(
        rucio_host=scripted.url,
        auth_host=scripted.url,
        account="somebody",
        auth_type="userpass",
        creds={"username": "u", "password": "p"},
        vo="oth",
    )
    yield client
    client.session.close()


@pytest.mark.parametrize("name", CALLS)
def test_requests_are_those_of_rucio_clients(
    logged_in: Connect, rucio_client: Any, scripted: ScriptedServer, name: str
) -> None:
    request, call = CALLS[name]
    scripted.answers = [answer("{}", kind="application/json")]
    catalogue = logged_in(**at(scripted), account="somebody", vo="oth")
    catalogue.session().send(request)
    with contextlib.suppress(RucioException):  # it wants 201 of some
        call(rucio_client)
    ours, theirs = (headers(head) for head in scripted.requests)
    (method, path, _), (their_method, their_path, _) = (head.pop("").split() for head in (ours, theirs))
    assert (method, *_split(path)) == (their_method, *_split(their_path))
    for head in (ours, theirs):
        for varies in ("User-Agent", "Accept-Encoding", "X-Rucio-Script"):
            del head[varies]
        head.pop("Content-Length", None)
    assert ours == theirs
    assert ours["X-Rucio-Auth-Token"] == "a-kept-token"
    first, second = scripted.bodies
    assert first == second or json.loads(first) == json.loads(second)


def _split(path: str) -> tuple[str, object]:
    parts = urlsplit(path)
    return parts.path, sorted(parse_qsl(parts.query))


def test_an_answer_may_be_compressed(logged_in: Connect, scripted: ScriptedServer) -> None:
    packed = gzip.compress("".join(f"{ROW}\n" for _ in range(5000)).encode())
    scripted.answers = [answer(packed, Content_Encoding="gzip")]
    assert sum(1 for _ in logged_in(**at(scripted)).files(DIMUON)) == 5000
    assert len(scripted.requests) == 1


def test_rows_may_come_in_any_pieces(logged_in: Connect, scripted: ScriptedServer) -> None:
    row = ROW.replace("one", "sn☃w").encode()
    body = row + b"\r\n\n" + row + b"\n" + row
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    scripted.answers = [stream_head() + pieces]
    assert len(list(logged_in(**at(scripted)).files(DIMUON))) == 3
    assert len(scripted.requests) == 1


_MODULES = """
import sys
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Credentials, Instance
from nbrucio.core.did import Did
host, user, password = sys.argv[1:]
instance = Instance('i', 'i', host, host, 'userpass', user, Credentials(user, password))
catalogue, did = RucioCatalogue(instance), Did('sandbox', 'dimuon')
catalogue.describe(did)
print(len(list(catalogue.replicas([entry.did for entry in catalogue.files(did)]))))
print(catalogue.browser().account(), catalogue.rules().find(did, 'none'), list(catalogue.search('s', '*', 'all')))
catalogue.close()
print([name for name in ("rucio", "requests", "dogpile") if name in sys.modules])
"""


def test_nothing_in_this_process_loads_rucio_clients(instance: Instance, tmp_path: Path) -> None:
    login = instance.credentials
    arguments = [sys.executable, "-W", "error", "-c", _MODULES, instance.host, str(login.username), str(login.password)]
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    environ.pop("XDG_RUNTIME_DIR", None)
    done = subprocess.run(arguments, env=environ, capture_output=True, text=True, check=True, timeout=60)
    files, answers, loaded = done.stdout.splitlines()
    assert (files, answers, loaded) == ("4", "sandbox None []", "[]")


def test_offline_means_no_request_though_a_token_is_kept(sandbox: Sandbox, logged_in: Connect) -> None:
    with new_requests(sandbox.access_log) as requests:
        for ask in ASKS.values():
            with pytest.raises(Offline, match="nbrucio is offline"):
                ask(logged_in(Policy(offline=True)), DIMUON)
    assert requests == []


# --- tokens, proxies, paths -------------------------------------------------------------------------------------------


def test_a_redirect_takes_the_token_nowhere(logged_in: Connect, scripted: ScriptedServer) -> None:
    with ScriptedServer([LOGIN]) as elsewhere:
        scripted.answers = [answer("", status="307 Away", Location=elsewhere.url)]
        with pytest.raises(RucioRefused):
            logged_in(**at(scripted)).describe(DIMUON)
        assert elsewhere.requests == []


def test_a_refused_token_is_tried_once_and_replaced(
    logged_in: Connect, scripted: ScriptedServer, instance: Instance, environ: dict[str, str]
) -> None:
    scripted.answers = [answer("", status="401 Unauthorized"), LOGIN, answer(FACTS)]
    catalogue = logged_in(**at(scripted))
    assert catalogue.describe(DIMUON).open
    assert [head.split()[1] for head in scripted.requests] == [
        "/dids/sandbox/dimuon",
        "/auth/userpass",
        "/dids/sandbox/dimuon",
    ]
    assert token_file(instance._replace(host=scripted.url, auth_host=scripted.url), environ).read_text() == (
        "a-fresh-token"
    )


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.parametrize("past", ["127.0.0.1", "127.0.0.0/8"])
def test_a_proxy_of_the_environment_is_used(
    logged_in: Connect,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    past: str,
) -> None:
    scripted.answers = [answer(FACTS)]
    monkeypatch.setenv(name, scripted.url.replace("//", "//some%20body:pass@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    changes = {"host": "http://rucio.invalid", "auth_host": "http://rucio.invalid"}
    assert logged_in(**changes).describe(DIMUON).open
    head = {key.lower(): value for key, value in headers(scripted.requests[0]).items()}
    assert head[""] == "GET http://rucio.invalid/dids/sandbox/dimuon HTTP/1.1"
    assert head["proxy-authorization"] == "Basic c29tZSBib2R5OnBhc3M="
    monkeypatch.setenv("no_proxy", f"else.where,{past}")
    logged_in(**at(scripted)).describe(DIMUON)
    assert headers(scripted.requests[-1])[""] == "GET /dids/sandbox/dimuon HTTP/1.1"


def test_a_path_before_rucios_own_is_sent(logged_in: Connect, scripted: ScriptedServer) -> None:
    scripted.answers = [answer(FACTS)]
    for path in ("/rucio", "/a/../rucio"):
        url = scripted.url + path
        assert logged_in(host=url, auth_host=url).describe(DIMUON).open
    assert {head.split()[1] for head in scripted.requests} == {"/rucio/dids/sandbox/dimuon"}


def test_a_supplied_token_goes_before_the_kept_one(
    logged_in: Connect, issued: ScriptedServer, oidc: dict[str, object], environ: dict[str, str]
) -> None:
    environ["BEARER_TOKEN"] = "a-bearer-token"
    issued.answers = [answer(FACTS)]
    logged_in(**oidc).describe(DIMUON)
    assert [headers(head)["X-Rucio-Auth-Token"] for head in issued.requests] == ["a-bearer-token"]
