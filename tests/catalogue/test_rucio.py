"""The catalogue against a real Rucio server."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from nbrucio.catalogue.base import CatalogueFactory
from nbrucio.catalogue.rucio import Catalogues, RucioCatalogue
from nbrucio.config import Config, Instance, Policy
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import unique_files
from nbrucio.core.replica_sums import ReplicaSums, RseSum
from nbrucio.errors import BadCondition, DidNotFound, Offline, UsageError
from nbrucio.sandbox import Sandbox, seed
from tests.catalogue.conftest import Connect
from tests.support.access_log import new_requests

DIMUON = Did("sandbox", "dimuon")
# Legal in Rucio's generic schema, and each a trap for what makes URLs of names.
ODD = ["cat/a//b", "cat/./x", "cat/../y", "/cat/lead", "cat/trail/", "cat..", "cat." + "x" * 246]


# --- describe ---------------------------------------------------------------------------------------------------------


def test_a_closed_dataset_has_totals(catalogue: RucioCatalogue) -> None:
    facts = catalogue.describe(DIMUON)
    assert (facts.did, facts.type, facts.open, facts.files) == (DIMUON, DidType.DATASET, False, 4)
    assert facts.size_bytes == sum(entry.size_bytes or 0 for entry in catalogue.files(DIMUON))


def test_an_open_dataset_and_a_container_have_none(catalogue: RucioCatalogue) -> None:
    for name, kind in (("growing", DidType.DATASET), ("muons", DidType.CONTAINER)):
        facts = catalogue.describe(Did("sandbox", name))
        assert (facts.type, facts.open, facts.size_bytes, facts.files) == (kind, True, None, None)


def test_a_file_is_described(catalogue: RucioCatalogue) -> None:
    facts = catalogue.describe(Did("sandbox", "dimuon.1.root"))
    assert (facts.type, facts.open, facts.files) == (DidType.FILE, False, 1)
    assert facts.size_bytes is not None
    assert facts.size_bytes > 0


@pytest.mark.parametrize("did", ["sandbox:nope", "nosuchscope:dimuon", "sandbox:with space", "sandbox:what?#%2e+;&é"])
def test_an_unknown_did_is_named_with_the_next_step(catalogue: RucioCatalogue, did: str) -> None:
    for ask in (catalogue.describe, lambda did: list(catalogue.files(did))):
        with pytest.raises(DidNotFound) as caught:
            ask(Did.parse(did))
        assert str(caught.value) == f"'{did}' does not exist in sandbox."
        assert caught.value.subject == did
        assert caught.value.next_command == f"nbrucio search '{did.partition(':')[0]}:*'"


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_would_change_the_path_is_never_sent(
    sandbox: Sandbox, catalogue: RucioCatalogue, name: str
) -> None:
    catalogue.describe(DIMUON)
    with new_requests(sandbox.access_log) as requests:
        for ask in (catalogue.describe, lambda did: list(catalogue.files(did))):
            with pytest.raises(DidNotFound):
                ask(Did("sandbox", name))
    assert requests == []


def test_a_space_in_a_name_reaches_the_server_as_one(sandbox: Sandbox, catalogue: RucioCatalogue) -> None:
    with new_requests(sandbox.access_log) as requests, pytest.raises(DidNotFound):
        catalogue.describe(Did("sandbox", "a b+c"))
    assert requests[-1].path == "/dids/sandbox/a%20b%2Bc"


# --- files and replicas -----------------------------------------------------------------------------------------------


def test_files_carry_length_and_checksum(catalogue: RucioCatalogue) -> None:
    entries = unique_files(catalogue.files(DIMUON))
    assert [entry.did.name for entry in entries] == [f"dimuon.{n}.root" for n in range(1, 5)]
    assert all(entry.size_bytes and entry.adler32 and len(entry.adler32) == 8 for entry in entries)


def test_a_file_did_gives_itself_and_a_container_everything_below(catalogue: RucioCatalogue) -> None:
    one = Did("sandbox", "dimuon.1.root")
    assert [entry.did for entry in catalogue.files(one)] == [one]
    below = {entry.did for name in ("dimuon", "growing") for entry in catalogue.files(Did("sandbox", name))}
    assert {entry.did for entry in catalogue.files(Did("sandbox", "muons"))} == below


def test_replicas_come_in_the_servers_order_with_every_scheme(catalogue: RucioCatalogue) -> None:
    dids = [entry.did for entry in catalogue.files(DIMUON)]
    found = dict(catalogue.replicas(dids))
    assert set(found) == set(dids)
    first = found[Did("sandbox", "dimuon.1.root")]
    assert {replica.rse: replica.scheme for replica in first} == {"SANDBOX_POSIX": "file", "SANDBOX_HTTPS": "https"}
    assert not any(replica.tape for replica in first)
    assert [replica.rse for replica in found[Did("sandbox", "dimuon.3.root")]] == ["SANDBOX_HTTPS"]


def test_schemes_can_be_narrowed(instance: Instance, environ: dict[str, str]) -> None:
    catalogue = RucioCatalogue(instance, schemes=("https",), environ=environ)
    found = dict(catalogue.replicas([Did("sandbox", "dimuon.1.root")]))
    catalogue.close()
    assert [replica.scheme for replicas in found.values() for replica in replicas] == ["https"]


def test_sums_count_the_replicas_of_a_dataset_by_rse(sandbox: Sandbox, catalogue: RucioCatalogue) -> None:
    files = [Did("sandbox", f"sums.{number}") for number in range(3)]
    with sandbox.admin() as client:
        seed.add_files(client, [seed.NewFile(did, b"12345") for did in files], ["SANDBOX_POSIX"])
        one = seed.add_dataset(client, "sandbox", "sums.one", files, closed=True)
        two = seed.add_dataset(client, "sandbox", "sums.two", files[:1])
        empty = seed.add_dataset(client, "sandbox", "sums.empty")
        box = seed.add_container(client, "sandbox", "sums.box", [one, two])
        other = seed.add_container(client, "sandbox", "sums.other", [two, empty])
        outer = seed.add_container(client, "sandbox", "sums.outer", [box, other])
    with new_requests(sandbox.access_log) as requests:
        assert catalogue.replica_sums(one) == ReplicaSums(one, 3, (RseSum("SANDBOX_POSIX", 3, 15),))
    asked = [request.path for request in requests if "/auth/" not in request.path]
    assert asked == ["/replicas/sandbox/sums.one/datasets?deep=True"]
    assert catalogue.replica_sums(empty) == ReplicaSums(empty, 0, ())
    assert list(catalogue.datasets(one, DidType.DATASET)) == [one]
    assert sorted(catalogue.datasets(outer, DidType.CONTAINER)) == sorted([one, two, empty])


def test_a_file_that_is_unknown_or_without_replica_may_be_absent(catalogue: RucioCatalogue) -> None:
    known = Did("sandbox", "dimuon.1.root")
    found = dict(catalogue.replicas([Did("sandbox", "nope"), known]))
    assert [did for did, replicas in found.items() if replicas] == [known]
    assert list(catalogue.replicas([])) == []


def test_odd_names_come_through_unchanged(sandbox: Sandbox, catalogue: RucioCatalogue) -> None:
    files = [seed.NewFile(Did("sandbox", name), b"odd") for name in ODD]
    with sandbox.admin() as client:
        seed.add_files(client, files, ["SANDBOX_POSIX"])
        seed.add_dataset(client, "sandbox", "cat.odd", [file.did for file in files], closed=True)
    dids = {Did("sandbox", name) for name in ODD}
    assert {entry.did for entry in catalogue.files(Did("sandbox", "cat.odd"))} == dids
    assert {did for did, replicas in catalogue.replicas(sorted(dids)) if len(replicas) == 1} == dids
    for did in dids:
        assert catalogue.describe(did).did == did
        assert [entry.did for entry in catalogue.files(did)] == [did]


def test_checksums_are_in_lower_case(sandbox: Sandbox, catalogue: RucioCatalogue) -> None:
    with sandbox.admin() as client:
        row = {"scope": "sandbox", "name": "cat.upper", "bytes": 3, "adler32": "0ABCDEF1"}
        client.add_replicas("SANDBOX_POSIX", [row])
    assert [entry.adler32 for entry in catalogue.files(Did("sandbox", "cat.upper"))] == ["0abcdef1"]


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thousand(sandbox: Sandbox) -> Did:
    """A closed dataset of 1,000 files."""
    files = [seed.NewFile(Did("sandbox", f"cat.many.{n:04}"), b"x") for n in range(1000)]
    with sandbox.admin() as client:
        seed.add_files(client, files, ["SANDBOX_POSIX"])
        return seed.add_dataset(client, "sandbox", "cat.many", [file.did for file in files], closed=True)


@pytest.mark.parametrize("files", [4, 1000])
def test_a_first_look_at_a_dataset_takes_four_requests(
    sandbox: Sandbox, catalogue: RucioCatalogue, thousand: Did, files: int
) -> None:
    did = DIMUON if files == 4 else thousand
    with new_requests(sandbox.access_log) as requests:
        catalogue.describe(did)
        dids = [entry.did for entry in catalogue.files(did)]
        assert len(dict(catalogue.replicas(dids))) == files
    # In any order: each of the server's threads writes its line when it gets to it.
    assert sorted(request.path for request in requests) == [
        "/auth/userpass",
        f"/dids/sandbox/{did.name}",
        f"/dids/sandbox/{did.name}/files",
        "/replicas/list",
    ]


def test_a_kept_token_saves_the_login(sandbox: Sandbox, connect: Connect) -> None:
    connect().describe(DIMUON)
    with new_requests(sandbox.access_log) as requests:
        connect().describe(DIMUON)
    assert [request.path for request in requests] == ["/dids/sandbox/dimuon"]


def test_more_than_a_thousand_files_come_in_batches(sandbox: Sandbox, catalogue: RucioCatalogue, thousand: Did) -> None:
    dids = [entry.did for entry in catalogue.files(thousand)] + [Did("sandbox", "dimuon.1.root")]
    with new_requests(sandbox.access_log) as requests:
        assert {did for did, _ in catalogue.replicas(dids)} == set(dids)
    assert len(requests) == 2


def test_nothing_is_asked_before_the_first_question(sandbox: Sandbox, connect: Connect) -> None:
    with new_requests(sandbox.access_log) as requests:
        connect().close()
    assert requests == []


def test_a_caller_may_stop_early(catalogue: RucioCatalogue, thousand: Did) -> None:
    files = catalogue.files(thousand)
    next(files)
    del files
    assert sum(1 for _ in catalogue.files(thousand)) == 1000


# --- search -----------------------------------------------------------------------------------------------------------


def test_search_finds_names_by_pattern_and_kind(catalogue: RucioCatalogue) -> None:
    assert [facts.did for facts in catalogue.search("sandbox", "dimuon*", "collection")] == [DIMUON]
    files = catalogue.search("sandbox", "dimuon.*.root", "file")
    assert sorted(facts.did.name for facts in files) == [f"dimuon.{n}.root" for n in range(1, 5)]
    assert {facts.type for facts in catalogue.search("sandbox", "*", "container")} == {DidType.CONTAINER}


def test_search_tells_totals_and_what_is_open(catalogue: RucioCatalogue) -> None:
    found = {facts.did.name: facts for facts in catalogue.search("sandbox", "*", "dataset")}
    assert found["dimuon"] == catalogue.describe(DIMUON)
    assert found["growing"].open


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("project=dimuon", {"dimuon"}),
        ("length>=4", {"dimuon"}),
        ("length > 4", set()),
        ("length<4", {"mounted"}),
        ("length != 4", {"mounted"}),
    ],
)
def test_search_takes_conditions_on_metadata(catalogue: RucioCatalogue, condition: str, names: set[str]) -> None:
    found = {facts.did.name for facts in catalogue.search("sandbox", "*", "dataset", [condition])}
    assert found & {"dimuon", "mounted"} == names


def test_a_search_that_finds_nothing_is_empty(catalogue: RucioCatalogue) -> None:
    assert list(catalogue.search("sandbox", "nothing*", "all")) == []
    assert list(catalogue.search("nosuchscope", "*", "all")) == []


def test_scopes_have_wildcards_too_up_to_a_number_of_them(
    catalogue: RucioCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {str(facts.did) for facts in catalogue.search("*sand*", "twin*", "file")}
    assert found >= {"sandbox:twin.dat", "user.sandbox:twin.dat"}
    monkeypatch.setattr("nbrucio.catalogue.rucio.MAX_SCOPES", 1)
    with pytest.raises(UsageError, match="matches 2 scopes; one search covers at most 1"):
        list(catalogue.search("*", "twin*", "file"))


def test_a_key_that_rucio_does_not_know_is_marked(catalogue: RucioCatalogue) -> None:
    with pytest.raises(BadCondition, match="cannot search by 'nokey'"):
        list(catalogue.search("sandbox", "*", "all", ["nokey=1"]))


@pytest.mark.parametrize(
    ("scope", "kind", "conditions"),
    [
        ("", "all", []),
        ("a/b", "all", []),
        ("sandbox", "rse", []),
        ("sandbox", "all", ["length"]),
        ("sandbox", "all", ["=4"]),
        ("sandbox", "all", ["length>4", "length>5"]),
        ("sandbox", "all", ["name=x"]),
    ],
)
def test_a_search_that_cannot_be_asked_is_told_at_once(
    sandbox: Sandbox, catalogue: RucioCatalogue, scope: str, kind: str, conditions: list[str]
) -> None:
    with new_requests(sandbox.access_log) as requests, pytest.raises(UsageError):
        list(catalogue.search(scope, "*", kind, conditions))
    assert requests == []


# --- connections ------------------------------------------------------------------------------------------------------


def test_threads_share_a_catalogue_and_one_login(sandbox: Sandbox, catalogue: RucioCatalogue) -> None:
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(sum(1 for _ in catalogue.files(DIMUON)))) for _ in range(4)
    ]
    with new_requests(sandbox.access_log) as requests:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts == [4, 4, 4, 4]
    assert [request.path for request in requests].count("/auth/userpass") == 1


def test_a_closed_catalogue_can_be_asked_again(catalogue: RucioCatalogue) -> None:
    catalogue.describe(DIMUON)
    catalogue.close()
    catalogue.close()
    assert catalogue.describe(DIMUON).files == 4


def test_the_process_is_left_as_it_was(
    catalogue: RucioCatalogue, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/nbrucio", "sync", "secret-notebook.ipynb"])
    catalogue.describe(DIMUON)
    with pytest.raises(DidNotFound):
        catalogue.describe(Did("sandbox", "nope"))
    assert sys.argv == ["/usr/bin/nbrucio", "sync", "secret-notebook.ipynb"]
    assert capfd.readouterr() == ("", "")


def test_a_configurations_catalogues_are_opened_once(instance: Instance, environ: dict[str, str]) -> None:
    config = Config((instance,), instance, store_path=Path("unused"))
    catalogues: CatalogueFactory = Catalogues(config, environ)
    assert catalogues.open("sandbox.localhost") is catalogues.open("sandbox")
    catalogues.close()
    catalogues.close()


def test_offline_means_no_request(sandbox: Sandbox, connect: Connect) -> None:
    with new_requests(sandbox.access_log) as requests, pytest.raises(Offline, match="nbrucio is offline"):
        connect(Policy(offline=True)).describe(DIMUON)
    assert requests == []
