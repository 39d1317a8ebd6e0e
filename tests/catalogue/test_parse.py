"""From rows to values, and what a server must not send.

Without the comparison with `_ADLER32` in `catalogue.parse`, a checksum that is none is kept: 4 of these tests fail.
Without `if replica.scheme in schemes`, a server can name /etc/passwd as a replica: 7 fail.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.catalogue.parse import facts_of, file_of, replicas_of, rse_of, sums_of
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, FileEntry, Replica
from nbrucio.core.replica_sums import ReplicaSums, RseSum
from nbrucio.errors import RucioRefused
from tests.support.strategies import json_values

pytestmark = pytest.mark.trust("S")

FILE = {"scope": "s", "name": "n", "bytes": 3, "adler32": "00000001", "guid": None, "events": None}
#: Terminal codes, a line of its own, another direction of text, an invisible space, half of a surrogate pair.
UNSHOWN = ["\x1b[31m", "\nerror: no", "\u2028", "\u202egpj.", "\u200b", "\ud800"]
PFN = {"rse": "A", "type": "DISK", "priority": 1, "client_extract": False, "domain": "wan"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [("0abcdef1", "0abcdef1"), ("ABCDEF1", "0abcdef1"), (" 1\n", "00000001"), ("", None), (None, None)],
)
def test_adler32_becomes_eight_lower_case_digits(given: str | None, kept: str | None) -> None:
    assert file_of({**FILE, "adler32": given}).adler32 == kept


def test_md5_becomes_lower_case() -> None:
    assert file_of({**FILE, "md5": "AB" * 16 + " "}).md5 == "ab" * 16


@pytest.mark.parametrize(
    "change",
    [
        {"adler32": "xyz"},
        {"adler32": "123456789"},
        {"adler32": "0x1"},
        {"adler32": 1},
        {"adler32": "\u0661"},
        {"md5": "ab"},
        {"md5": []},
        {"bytes": -1},
        {"bytes": "3"},
        {"bytes": True},
        {"bytes": 1.5},
        {"bytes": 2**63},
        {"bytes": 10**4000},
    ],
)
def test_a_malformed_file_is_refused_not_taken_as_unverified(change: dict[str, Any]) -> None:
    with pytest.raises(RucioRefused, match="'s:n' is malformed") as caught:
        file_of({**FILE, **change})
    assert caught.value.subject == "s:n"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a//b", "/a", "x" * 500, "é ü", "a:b"])
def test_a_strange_name_is_data(name: str) -> None:
    assert file_of({**FILE, "name": name}).did == Did("s", name)


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "\x1b[31m", "a\u202eb", "a\u200b", "\ud800", "x" * 501, " a"])
def test_a_name_that_cannot_be_handled_is_told_and_safe_to_show(name: str) -> None:
    with pytest.raises(RucioRefused, match="is invalid in nbrucio") as caught:
        file_of({**FILE, "name": name})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("row", ["\x1b[31m", ["\x1b[31m"], None, 1, {"scope": "s"}, {"scope": "s", "name": 1}])
def test_a_row_without_a_name_is_refused_and_safe_to_show(row: Any) -> None:
    with pytest.raises(RucioRefused, match="a row without scope and name") as caught:
        file_of(row)
    assert str(caught.value).isprintable()


def test_a_scope_does_not_reach_into_the_name() -> None:
    with pytest.raises(RucioRefused, match="is invalid in nbrucio"):
        file_of({**FILE, "scope": "s:a"})


def test_replicas_are_sorted_by_the_servers_priority_and_tape_is_marked() -> None:
    pfns = {
        "root://b//f": {**PFN, "rse": "B", "priority": 2},
        "https://t/f": {**PFN, "rse": "T", "type": "TAPE", "priority": 3},
        "https://a/f": {**PFN, "rse": "A", "priority": 1},
    }
    did, replicas = replicas_of({**FILE, "pfns": pfns}, ("https", "root"))
    assert did == Did("s", "n")
    assert replicas == (
        Replica("A", "https://a/f"),
        Replica("B", "root://b//f"),
        Replica("T", "https://t/f", tape=True),
    )


def test_a_constituent_of_an_archive_is_no_replica() -> None:
    pfns = {"root://a//z?xrdcl.unzip=n": {**PFN, "client_extract": True}}
    assert replicas_of({**FILE, "pfns": pfns}, ("root",))[1] == ()


@pytest.mark.parametrize(
    "pfn", ["file:///etc/passwd", "srm://a/f", "FILE:///etc/passwd", "/etc/passwd", "", "://", " https://a"]
)
def test_a_replica_of_a_scheme_that_was_not_asked_for_is_left_out(pfn: str) -> None:
    pfns = {pfn: PFN, "https://a/f": PFN}
    assert replicas_of({**FILE, "pfns": pfns}, ("https", "root"))[1] == (Replica("A", "https://a/f"),)


@pytest.mark.parametrize(
    "pfns", [["a"], {"a": "b"}, {"a": {}}, {"a": {**PFN, "priority": None}}, {"a": {**PFN, "rse": 1}}]
)
def test_malformed_replicas_are_refused(pfns: Any) -> None:
    with pytest.raises(RucioRefused, match="malformed: replicas"):
        replicas_of({**FILE, "pfns": pfns}, ("a",))


@pytest.mark.parametrize("text", UNSHOWN)
def test_replicas_whose_names_would_command_the_terminal_are_refused(text: str) -> None:
    for pfns in ({f"a://{text}": PFN}, {"a://b": {**PFN, "rse": f"A{text}"}}):
        with pytest.raises(RucioRefused, match="malformed: replicas") as caught:
            replicas_of({**FILE, "pfns": pfns}, ("a",))
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", UNSHOWN)
def test_an_rse_whose_name_would_command_the_terminal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        rse_of({"rse": f"A{text}", "protocols": []})


def test_totals_that_a_reopened_dataset_still_has_are_left_out() -> None:
    row = {"scope": "s", "name": "n", "type": "DATASET", "open": True, "length": 4, "bytes": 5}
    assert facts_of(row, "type") == DidFacts(Did("s", "n"), DidType.DATASET, True)
    assert facts_of({**row, "open": False}, "type") == DidFacts(Did("s", "n"), DidType.DATASET, False, 5, 4)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(RucioRefused, match="malformed: type"):
        facts_of({"scope": "s", "name": "n", "type": "ARCHIVE"}, "type")


@given(st.fixed_dictionaries(dict.fromkeys(("scope", "name", "bytes", "pfns"), json_values)) | json_values)
def test_whatever_comes_is_a_value_or_refused(row: Any) -> None:
    for parse in (file_of, lambda row: replicas_of(row, ("a",)), lambda row: facts_of(row, "type")):
        with contextlib.suppress(RucioRefused):
            assert isinstance(parse(row), (FileEntry, tuple, DidFacts))


SUM = {"scope": "s", "name": "d", "rse": "A", "length": 3, "available_length": 2, "available_bytes": 20}


def test_sums_are_by_rse_and_those_of_files_go_before_those_of_archives() -> None:
    archives = {**SUM, "available_length": 1, "available_bytes": 10}
    nothing = {**SUM, "rse": "B", "available_length": None, "available_bytes": None}
    sums = sums_of([SUM, archives, nothing], Did("s", "d"))
    assert sums == ReplicaSums(Did("s", "d"), 3, (RseSum("A", 2, 20), RseSum("B", 0, 0)))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another"},
        {"rse": None},
        {"rse": "A\x1b[2J"},
        {"length": None},
        {"length": -1},
        {"available_length": 4},
        {"available_length": "2"},
        {"available_bytes": -1},
    ],
)
def test_malformed_sums_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RucioRefused, match="'s:d' is malformed"):
        sums_of([SUM, {**SUM, **change}], Did("s", "d"))
