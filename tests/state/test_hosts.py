"""The level of each storage host is remembered for some days, and losing it costs time only."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from nbrucio.core.hosts import HostBook, HostFacts, Performance, RseHost
from nbrucio.state.hosts import FAILED_S, KEPT_S, HostMemory


def test_facts_are_read_as_they_were_saved_and_others_stay(tmp_path: Path) -> None:
    memory = HostMemory(tmp_path)
    memory.save(HostBook(found={"a:1": HostFacts(files=16), "b:2": HostFacts(files=4, most=8)}))
    memory.save(HostBook(found={"a:1": HostFacts(files=32)}))
    assert memory.read() == {"a:1": HostFacts(files=32), "b:2": HostFacts(files=4, most=8)}


def test_facts_are_forgotten_after_some_days(tmp_path: Path) -> None:
    rows = {"old": {"at": time.time() - KEPT_S - 60, "files": 8}, "new": {"at": time.time() - KEPT_S + 60, "files": 8}}
    (tmp_path / "hosts.json").write_text(json.dumps({"version": 1, "hosts": rows}))
    assert list(HostMemory(tmp_path).read()) == ["new"]


def test_the_file_does_not_grow_without_limit(tmp_path: Path) -> None:
    HostMemory(tmp_path).save(HostBook(found={f"host{n}": HostFacts(files=4) for n in range(1000)}))
    assert len(HostMemory(tmp_path).read()) == 200


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"hosts": 3}', '{"hosts": {"a": 3}}', '{"hosts": {"a": {"at": "now"}}}'),
        '{"hosts": {"a": {"at": 1' + "0" * 400 + "}}}",
        *('{"hosts": {"a": {"at": NaN}}}', '{"hosts": {"a": {"at": Infinity}}}', '{"hosts": {"a": {"at": true}}}'),
    ],
)
def test_a_damaged_file_counts_as_none_and_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "hosts.json").write_text(text)
    assert HostMemory(tmp_path).read() == {}
    HostMemory(tmp_path).save(HostBook(found={"b": HostFacts(files=4)}))
    assert HostMemory(tmp_path).read() == {"b": HostFacts(files=4)}


@pytest.mark.parametrize("files", [0, -1, True, 4.5, "8", None, [8]])
def test_a_number_that_is_none_is_not_used(tmp_path: Path, files: object) -> None:
    rows = {"a": {"at": time.time(), "files": files, "most": files}}
    (tmp_path / "hosts.json").write_text(json.dumps({"version": 1, "hosts": rows}))
    assert HostMemory(tmp_path).read() == {"a": HostFacts()}


AT, OTHER = RseHost("A", "a:1"), RseHost("B", "b:1")


def test_rates_and_failures_are_read_as_they_were_saved(tmp_path: Path) -> None:
    memory = HostMemory(tmp_path)
    memory.save(HostBook(rses={AT: Performance(2e6), OTHER: Performance(failed=True)}))
    assert memory.performance() == {AT: Performance(2e6), OTHER: Performance(failed=True)}
    memory.save(HostBook(rses={AT: Performance(failed=True)}))
    assert memory.performance()[AT] == Performance(2e6, failed=True)
    memory.save(HostBook(rses={AT: Performance(), OTHER: Performance(3e6)}))
    assert memory.performance() == {AT: Performance(2e6), OTHER: Performance(3e6)}


def test_a_failure_is_forgotten_after_a_day_and_a_rate_after_some(tmp_path: Path) -> None:
    now = time.time()
    row = {"rse": "A", "host": "a:1", "at": now, "bytes_per_s": 5}

    def saved(measured: float, failed: float) -> Performance:
        content = {"version": 1, "rses": [{**row, "measured": measured, "failed": failed}]}
        (tmp_path / "hosts.json").write_text(json.dumps(content))
        return HostMemory(tmp_path).performance()[AT]

    assert saved(now - KEPT_S + 60, now - FAILED_S + 60) == Performance(5.0, failed=True)
    assert saved(now - KEPT_S - 60, now - FAILED_S - 60) == Performance()


@pytest.mark.parametrize(
    "row",
    [
        *(3, {}, {"rse": "A"}, {"rse": ["A"], "host": "a:1"}, {"rse": "A", "host": "a:1", "at": "now"}),
        *({"bytes_per_s": rate} for rate in (0, -1, True, "5", None, [5], float("inf"), float("nan"), 10**400)),
    ],
)
def test_a_damaged_row_of_an_rse_says_nothing(tmp_path: Path, row: object) -> None:
    now = time.time()
    if isinstance(row, dict) and "bytes_per_s" in row:
        row |= {"rse": "A", "host": "a:1", "at": now, "measured": now}
    (tmp_path / "hosts.json").write_text(json.dumps({"version": 1, "rses": [row]}))
    assert HostMemory(tmp_path).performance() in ({}, {AT: Performance()})
    HostMemory(tmp_path).save(HostBook(rses={OTHER: Performance(3e6)}))
    assert HostMemory(tmp_path).performance()[OTHER] == Performance(3e6)


def test_a_read_only_folder_has_no_memory(tmp_path: Path) -> None:
    memory = HostMemory(tmp_path / "absent")
    assert (memory.read(), memory.performance()) == ({}, {})
