"""`nbrucio search` with conditions."""

from __future__ import annotations

from tests.cli.conftest import Cli


def test_a_wrong_condition_is_marked(connected: Cli) -> None:
    result = connected("search", "sandbox:*", "--filter", "length > 1", "--filter", "project = demo && length > 1")
    assert (result.exit_code, result.out) == (2, "")
    assert result.err.splitlines()[:3] == [
        "error: '&&' does not join conditions.",
        "  project = demo && length > 1",
        "                 ^^",
    ]
    facts = connected("search", "--filter", "project = demo and", "--json").facts
    assert (facts["error"]["position"], facts["error"]["subject"]) == ([18, 18], "project = demo and")


def test_a_condition_alone_searches_all_scopes(connected: Cli) -> None:
    found = connected("search", "--filter", "project = dimuon")
    assert "sandbox:dimuon" in found.out
    nothing = connected("search")
    assert (nothing.exit_code, nothing.err.splitlines()[0]) == (2, "error: Nothing to search for.")


def test_a_search_by_size_names_what_has_no_size(connected: Cli) -> None:
    arguments = ("search", "sandbox:growing", "--filter", "bytes > 1 kB")
    assert connected(*arguments).out.splitlines() == [
        "0 DIDs",
        "Not compared, because Rucio has no size of open datasets and containers: sandbox:growing",
    ]
    assert connected(*arguments, "--json").facts["unsized"] == ["sandbox:growing"]
