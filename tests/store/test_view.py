"""The folder of links."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrucio.core.did import Did
from nbrucio.errors import NoSpace
from nbrucio.store import Store
from nbrucio.store.names import link_names
from tests.support.faulty_disk import INSTANCE, CountedDisk, entry, failing, put
from tests.support.strategies import dids

DATASET = Did("test", "dimuon")


def _files(store: Store, *names: str, scope: str = "test") -> list[tuple[Did, str]]:
    return [(Did(scope, name), str(put(store, entry(name, name.encode(), scope), name.encode()))) for name in names]


def _content(view: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in view.iterdir()}


def test_a_dataset_is_a_folder_that_globs_can_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    view = store.view(INSTANCE, DATASET, _files(store, "a.root", "b.root"))
    assert view == tmp_path / "views" / INSTANCE / "test" / "dimuon"
    assert _content(view) == {"a.root": b"a.root", "b.root": b"b.root"}
    assert [path.name for path in sorted(view.glob("*.root"))] == ["a.root", "b.root"]


def test_a_moved_store_keeps_its_views(tmp_path: Path) -> None:
    store = Store(tmp_path / "old")
    view = store.view(INSTANCE, DATASET, _files(store, "a.root")).relative_to(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    assert _content(tmp_path / "new" / view) == {"a.root": b"a.root"}


def test_a_file_outside_the_store_is_linked_where_it_is(tmp_path: Path) -> None:
    mounted = tmp_path / "mount" / "x.root"
    mounted.parent.mkdir()
    mounted.write_bytes(b"x")
    view = Store(tmp_path / "store").view(INSTANCE, DATASET, [(Did("test", "x.root"), str(mounted))])
    assert (view / "x.root").readlink() == mounted


def test_a_view_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    files = _files(Store(tmp_path), "a", "b", "c")
    Store(tmp_path).view(INSTANCE, DATASET, files)
    disk = CountedDisk()
    Store(tmp_path, fs=disk).view(INSTANCE, DATASET, files)
    assert not {"symlink", "rename", "mkdir", "unlink", "write"} & set(disk.calls)


def test_a_refresh_shows_the_new_files_and_leaves_nothing_of_the_old(tmp_path: Path) -> None:
    store = Store(tmp_path)
    view = store.view(INSTANCE, DATASET, _files(store, "a", "b"))
    assert store.view(INSTANCE, DATASET, _files(store, "b", "c")) == view
    assert sorted(_content(view)) == ["b", "c"]
    assert len(list(view.parent.iterdir())) == 2  # the link and the folder that it points to


def test_a_link_that_was_deleted_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    files = _files(store, "a", "b")
    view = store.view(INSTANCE, DATASET, files)
    (view / "a").unlink()
    store.view(INSTANCE, DATASET, files)
    assert sorted(_content(view)) == ["a", "b"]


def test_whatever_call_fails_a_reader_sees_the_old_view_or_the_new(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = _files(store, "a", "b"), _files(store, "b", "c")
    n, survived = 0, False
    while not survived:
        n += 1
        view = store.view(INSTANCE, DATASET, old)
        disk = CountedDisk(n, failing(28))
        with suppress(NoSpace):
            Store(tmp_path, fs=disk).view(INSTANCE, DATASET, new)
        survived = n > len(disk.calls)
        assert sorted(_content(view)) in (["a", "b"], ["b", "c"])
    assert n > 8
    assert not list((tmp_path / "partial").iterdir())


def test_two_datasets_whose_names_look_alike_have_two_folders(tmp_path: Path) -> None:
    store = Store(tmp_path)
    views = [
        store.view(INSTANCE, Did("test", name), _files(store, str(n)))
        for n, name in enumerate(("a/b", "b", "c b", "c_b"))
    ]
    assert len(set(views)) == 4
    assert [list(_content(view)) for view in views] == [["0"], ["1"], ["2"], ["3"]]
    again = store.view(INSTANCE, Did("test", "b"), _files(store, "1"))
    assert again == views[1]


@given(st.lists(dids(), unique=True, max_size=20))
@settings(max_examples=200)
def test_link_names_are_distinct_safe_and_do_not_depend_on_case(names: list[Did]) -> None:
    links = link_names(names)
    assert len({link.casefold() for link in links}) == len(names)
    for link in links:
        assert link.isascii()
        assert "/" not in link
        assert link[0] not in ".-"
        assert 0 < len(link) <= 120


@pytest.mark.parametrize(
    ("names", "links"),
    [
        (["test:a.root", "test:b.root"], ["a.root", "b.root"]),
        (["test:/store/data/x.root"], ["x.root"]),
        (["one:x.root", "two:x.root"], ["x~", "x~"]),
        (["test:a/x.root", "test:b/x.root"], ["x~", "x~"]),
        (["test:X.root", "test:x.root"], ["X~", "x~"]),
    ],
)
def test_only_names_that_look_alike_get_a_digest(names: list[str], links: list[str]) -> None:
    got = link_names([Did.parse(name) for name in names])
    assert all(one.startswith(link) for one, link in zip(got, links, strict=True))
    assert all(("~" in one) == ("~" in link) and one.endswith(".root") for one, link in zip(got, links, strict=True))
