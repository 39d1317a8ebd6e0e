"""The choice of the cached files to remove."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.eviction import CachedFile, FileUse, evictable, first, unneeded

FILES = [CachedFile(name, 10, stored_s) for name, stored_s in (("a", 4.0), ("b", 3.0), ("c", 2.0), ("d", 1.0))]


def _keys(files: list[CachedFile]) -> str:
    return "".join(file.key for file in files)


def test_files_that_no_notebook_needs_go_first_then_the_least_recently_used() -> None:
    uses = {"a": FileUse(50.0, protected=False), "b": FileUse(20.0, protected=False)}
    assert _keys(unneeded(FILES, uses)) == "dc"
    assert _keys(evictable(FILES, uses)) == "dcba"


def test_a_file_of_a_protected_notebook_stays_although_another_notebook_also_uses_it() -> None:
    shared = FileUse(1.0, protected=True).merge(FileUse(9.0, protected=False))
    assert shared == FileUse(9.0, protected=True)
    assert _keys(evictable(FILES, {"d": shared})) == "cba"


def test_no_more_files_are_chosen_than_are_needed() -> None:
    assert _keys(first(FILES, 0)) == ""
    assert _keys(first(FILES, 1)) == "a"
    assert _keys(first(FILES, 20)) == "ab"
    assert _keys(first(FILES, 21)) == "abc"
    assert _keys(first(FILES, 1000)) == "abcd"


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 100)), max_size=20),
    st.dictionaries(st.integers(0, 19), st.tuples(st.floats(0, 100), st.booleans())),
    st.integers(0, 500),
)
def test_protected_files_are_never_chosen(
    made: list[tuple[int, float]], used: dict[int, tuple[float, bool]], size_bytes: int
) -> None:
    files = [CachedFile(str(number), size, stored_s) for number, (size, stored_s) in enumerate(made)]
    uses = {str(number): FileUse(last_s, protected=protected) for number, (last_s, protected) in used.items()}
    order = evictable(files, uses)
    assert len(set(order)) == len(order)
    assert {file.key for file in files} - {file.key for file in order} == {
        file.key for file in files if file.key in uses and uses[file.key].protected
    }
    assert order[: len(first(order, size_bytes))] == first(order, size_bytes)
