"""The meaning of sums of replicas by RSE for files, compared with the files themselves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.did import Did
from nbrucio.core.replica_sums import Bounds, ReplicaSums, RseSum, at_rses, bytes_at, merged

RSES = ("A", "B", "C", "D")
#: By file number, the RSEs with a replica; by dataset, the numbers of its files.
_PLACES = st.lists(st.sets(st.sampled_from(RSES)), min_size=1, max_size=12)


def dataset(name: str, files: int, **counts: int) -> ReplicaSums:
    return ReplicaSums(Did("s", name), files, tuple(RseSum(rse, count, 10 * count) for rse, count in counts.items()))


@given(st.data(), _PLACES, st.sets(st.sampled_from(RSES)), st.sets(st.sampled_from(RSES)))
def test_the_bounds_hold_for_every_part_of_datasets(
    data: st.DataObject, places: list[set[str]], good: set[str], unknown: set[str]
) -> None:
    numbers = st.sets(st.sampled_from(range(len(places))), min_size=1)
    datasets = data.draw(st.lists(numbers, min_size=1, max_size=3))
    wanted = data.draw(st.sets(st.sampled_from(sorted(set().union(*datasets)))))
    sums = [
        dataset(str(index), len(files), **{rse: sum(rse in places[file] for file in files) for rse in RSES})
        for index, files in enumerate(datasets)
    ]
    # Some of the RSEs of which nothing is known turn out to be good.
    really = good | {rse for rse in unknown if data.draw(st.booleans())}
    found = sum(bool(places[file] & really) for file in wanted)
    bounds = at_rses(len(wanted), sums, good, unknown)
    assert bounds.least <= found <= bounds.most
    assert bounds.least >= 0
    assert bounds.most <= len(wanted)
    size_bytes = bytes_at(len(wanted), sums, good)
    if size_bytes is not None and sum(map(len, datasets)) == len(set().union(*datasets)):
        assert size_bytes == 10 * sum(bool(places[file] & good) for file in wanted)


def test_one_complete_rse_is_enough() -> None:
    whole = dataset("d", 100, A=100, B=7)
    assert at_rses(100, [whole], RSES) == at_rses(100, [whole], {"A"}) == Bounds(100, 100)
    assert at_rses(100, [whole], {"B"}) == Bounds(7, 7)
    assert at_rses(40, [whole], {"B"}) == Bounds(0, 7)
    assert at_rses(100, [whole], {"B"}, {"A"}) == Bounds(7, 100)


def test_datasets_may_be_complete_at_different_rses() -> None:
    sums = [dataset("d", 5, A=5), dataset("e", 5, B=5, C=1)]
    assert at_rses(10, sums, {"A", "B"}) == Bounds(10, 10)
    assert at_rses(10, sums, {"A"}) == Bounds(5, 5)
    assert bytes_at(10, sums, {"A"}) == 50
    assert bytes_at(9, sums, {"A"}) is None
    assert bytes_at(10, sums, {"B", "C"}) is None
    assert merged(sums) == (RseSum("A", 5, 50), RseSum("B", 5, 50), RseSum("C", 1, 10))


def test_two_halves_may_be_the_same_half() -> None:
    assert at_rses(10, [dataset("d", 10, A=5, B=5)], RSES) == Bounds(5, 10)


def test_without_sums_every_number_is_possible_only_where_an_rse_is_unknown() -> None:
    assert at_rses(10, [dataset("d", 10)], RSES) == Bounds(0, 0)
    assert at_rses(10, [dataset("d", 10, A=10)], (), {"A"}) == Bounds(0, 10)
