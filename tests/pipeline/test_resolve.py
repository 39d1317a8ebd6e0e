"""From a declaration to files: when the lock answers, when the catalogue is asked, and what a stale lock gets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import Config, Instance
from nbrucio.core.declaration import Declaration
from nbrucio.core.did import Did, DidType
from nbrucio.core.events import SilentReporter
from nbrucio.core.files import DidFacts, DidSize, FileEntry, Replica
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, LockEntry, lock_entry
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.selection import Selection
from nbrucio.errors import DidNotFound, LockStale, NbrucioError, Offline, RucioRefused, UnreadableFile
from nbrucio.notebook import lock_file
from nbrucio.notebook.declared import Declared
from nbrucio.notebook.lock_file import LockFile
from nbrucio.pipeline.resolve import ResolveOptions, Resolver
from nbrucio.state import resolutions
from nbrucio.state.resolutions import Resolutions

DID = Did("s", "data")
WHEN = "2026-11-23T10:00:00Z"
DEFAULT = ResolveOptions()


def files(count: int) -> tuple[FileEntry, ...]:
    return tuple(FileEntry(Did("s", f"{number:04}.root"), 1_000_000, "0a0b0c0d") for number in range(count))


@dataclass
class Fake:
    """A catalogue of one DID; counts how often it is asked what the DID is, for contents, and for their number.

    Attributes:
        stored: the number of files that Rucio stored when the DID was closed.
        counted: the number that Rucio counts now; None means those of ``content``.
    """

    content: tuple[FileEntry, ...]
    open: bool = True
    asked: int = 0
    described: int = 0
    kind: DidType = DidType.DATASET
    stored: int | None = None
    counted: int | None = None
    sized: int = 0
    replicas_of: dict[Did, tuple[Replica, ...]] = field(default_factory=dict)

    def describe(self, did: Did) -> DidFacts:
        self.described += 1
        return DidFacts(did, self.kind, self.open, files=self.stored)

    def files(self, _did: Did) -> Iterator[FileEntry]:
        self.asked += 1
        yield from self.content

    def size(self, _did: Did) -> DidSize:
        self.sized += 1
        return DidSize(len(self.content) if self.counted is None else self.counted, None)


def resolve(
    tmp_path: Path,
    fake: Fake,
    lock: LockEntry | None,
    question: ResolveOptions = DEFAULT,
    **more: Any,
) -> ResolvedRequirement:
    value: dict[str, Any] = {"requirements": [{"did": str(DID), "handle": "data", **more.get("requirement", {})}]}
    if lock is not None:
        value["lock"] = {"data": lock.as_json()}
    if "variants" in more:
        value["variants"] = more["variants"]
    notebook: Any = type("Notebook", (), {"path": tmp_path / "nb.ipynb"})
    instance = Instance("x", "x.example", "https://x.example", "https://x.example", "userpass")
    config = Config((instance,), instance, tmp_path / "store")
    declaration = Declaration.parse(value).in_variant(more.get("variant"))
    resolver = Resolver(config, lambda _: fake, Resolutions(config.store_path), SilentReporter())
    (resolved,) = resolver.resolve(Declared(notebook, declaration), question)
    return resolved


def locked(content: tuple[FileEntry, ...], *, is_open: bool = True, select: Selection | None = None) -> LockEntry:
    return lock_entry(DidFacts(DID, DidType.DATASET, is_open), select, content, WHEN)


def error(resolved: ResolvedRequirement, kind: type[NbrucioError]) -> str:
    assert isinstance(resolved.error, kind)
    return resolved.error.message


def test_a_pinned_list_gives_the_old_set_of_a_dataset_that_grew(tmp_path: Path) -> None:
    fake = Fake(files(5))
    resolved = resolve(tmp_path, fake, locked(files(3)))
    assert (resolved.files, fake.asked) == (files(3), 0)


def test_a_refresh_gives_the_new_set_and_says_so(tmp_path: Path) -> None:
    resolved = resolve(tmp_path, Fake(files(5)), locked(files(3)), ResolveOptions(refresh=True))
    assert (len(resolved.files), resolved.drift) == (5, "gained 2 files, 2.0 MB since the lock")


def test_locked_refuses_a_lock_that_the_catalogue_contradicts(tmp_path: Path) -> None:
    resolved = resolve(tmp_path, Fake(files(5)), locked(files(3)), ResolveOptions(locked=True))
    assert error(resolved, LockStale) == "The lock of 'data' is stale: s:data gained 2 files, 2.0 MB since the lock."


@pytest.mark.parametrize("question", [DEFAULT, ResolveOptions(refresh=True), ResolveOptions(locked=True)])
@pytest.mark.parametrize(("listed", "stored"), [(2, 3), (0, 3), (0, None)])
def test_a_list_that_ended_early_is_an_error_and_never_the_content(
    tmp_path: Path, question: ResolveOptions, listed: int, stored: int | None
) -> None:
    fake = Fake(files(listed), open=stored is None, stored=stored, counted=3)
    lock = locked(files(3)) if question != DEFAULT else None
    words = error(resolve(tmp_path, fake, lock, question), RucioRefused)
    assert words == f"x sent {listed} of 3 files of s:data."


@pytest.mark.parametrize(
    ("fake", "counts"),
    [
        (Fake(files(3), open=False, stored=3), 0),
        (Fake(files(3)), 0),
        # A file was lost after the dataset was closed.
        (Fake(files(2), open=False, stored=3), 1),
        (Fake(()), 1),
        # Two datasets of a container have the same file.
        (Fake(files(3), kind=DidType.CONTAINER, open=False, stored=4, counted=4), 0),
    ],
)
def test_a_list_is_compared_with_a_count_only_where_it_may_lack_files(tmp_path: Path, fake: Fake, counts: int) -> None:
    resolved = resolve(tmp_path, fake, None)
    assert (resolved.error, resolved.files, fake.sized) == (None, fake.content, counts)


def test_locked_says_that_locked_data_was_deleted_and_what_works_then(tmp_path: Path) -> None:
    class Deleted(Fake):
        def describe(self, did: Did) -> DidFacts:
            raise DidNotFound(f"{did} does not exist in x.")

    deleted, lock = Deleted(files(3)), locked(files(3))
    resolved = resolve(tmp_path, deleted, lock, ResolveOptions(locked=True))
    assert error(resolved, LockStale) == "The lock of 'data' is stale: s:data no longer exists in Rucio."
    assert "`nbrucio sync NOTEBOOK` without --locked" in (getattr(resolved.error, "hint", None) or "")
    assert resolve(tmp_path, deleted, lock).files == files(3)
    assert error(resolve(tmp_path, deleted, None), DidNotFound) == "s:data does not exist in x."


def test_locked_takes_a_lock_that_still_holds(tmp_path: Path) -> None:
    fake, lock = Fake(files(3)), locked(files(3))
    resolved = resolve(tmp_path, fake, lock, ResolveOptions(locked=True))
    assert (resolved.lock, resolved.error, fake.asked) == (lock, None, 1)


@pytest.mark.parametrize("question", [ResolveOptions(locked=True), ResolveOptions(frozen=True)])
def test_locked_and_frozen_refuse_what_is_not_locked(tmp_path: Path, question: ResolveOptions) -> None:
    resolved = resolve(tmp_path, Fake(files(3)), None, question)
    assert "is not locked in the notebook" in error(resolved, LockStale)


def test_frozen_never_asks(tmp_path: Path) -> None:
    fake = Fake(files(5))
    assert resolve(tmp_path, fake, locked(files(3)), ResolveOptions(frozen=True)).files == files(3)
    closed = locked(files(3), is_open=False)  # pins no list
    assert "its file list is not on this machine" in error(
        resolve(tmp_path, fake, closed, ResolveOptions(frozen=True)), Offline
    )
    assert fake.asked == 0


def test_locked_cannot_be_checked_offline(tmp_path: Path) -> None:
    resolved = resolve(tmp_path, Fake(files(3)), locked(files(3)), ResolveOptions(locked=True, offline=True))
    assert "cannot read or compare the lock of" in error(resolved, Offline)


def test_changed_content_of_a_closed_dataset_is_refused_and_said_plainly(tmp_path: Path) -> None:
    fake = Fake(files(2), open=False)
    resolved = resolve(tmp_path, fake, locked(files(3), is_open=False))
    assert (fake.asked, fake.described) == (1, 1)
    assert error(resolved, LockStale) == (
        "'data' is locked to 3 files, 3.0 MB of s:data, which lost 1 file, 1.0 MB since the lock. "
        "The locked file list is not on this machine, and Rucio no longer has it."
    )


def test_a_list_that_this_machine_keeps_brings_the_old_set_of_a_closed_dataset_back(tmp_path: Path) -> None:
    Resolutions(tmp_path / "store").save_files(files(3))
    resolved = resolve(tmp_path, Fake(files(2), open=False), locked(files(3), is_open=False))
    assert resolved.files == files(3)


def test_runs_that_start_at_once_ask_for_the_list_of_a_lock_once(tmp_path: Path) -> None:
    content = files(3)
    count, start = 8, threading.Barrier(8)
    fake = Fake(content, open=False)

    def run(_number: int) -> ResolvedRequirement:
        start.wait()
        return resolve(tmp_path, fake, locked(content, is_open=False))

    with ThreadPoolExecutor(count) as pool:
        found = list(pool.map(run, range(count)))
    assert {one.files for one in found} == {content}
    assert (fake.asked, fake.described) == (1, 0), "the digest says that it is the right list"
    assert not list(tmp_path.rglob("*.lock"))


def test_runs_that_wait_for_one_that_is_stopped_do_not_give_up_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    @contextmanager
    def note(_path: Path, wait_s: float) -> Iterator[None]:
        waits.append(wait_s)
        yield

    monkeypatch.setattr(resolutions, "locked", note)
    for _ in range(3):
        with Resolutions(tmp_path).alone(locked(files(3)).digest):
            pass
    assert len(set(waits)) == 3
    assert all(45 <= wait_s <= 75 for wait_s in waits)


def test_a_run_that_fails_to_get_the_list_of_a_lock_leaves_it_to_the_next(tmp_path: Path) -> None:
    content = files(3)
    changed = resolve(tmp_path, Fake(files(2), open=False), locked(content, is_open=False))
    assert changed.error is not None
    assert resolve(tmp_path, Fake(content, open=False), locked(content, is_open=False)).files == content


def test_a_long_list_is_pinned_beside_the_notebook(tmp_path: Path) -> None:
    content = files(INLINE_LIST_MAX_FILES + 1)
    lock = locked(content)
    assert lock.pinned is None
    (tmp_path / "nb.ipynb").write_text("{}")
    sums = {"s:0000.root": "a" * 64}
    lock_file.add(tmp_path / "nb.ipynb", LockFile().with_list(lock.digest, content, sums))
    fake = Fake(files(1))
    resolved = resolve(tmp_path, fake, lock)
    assert (resolved.files, resolved.sha256, fake.asked) == (content, sums, 0)


def test_a_damaged_list_beside_the_notebook_is_not_believed(tmp_path: Path) -> None:
    content = files(INLINE_LIST_MAX_FILES + 1)
    lock = locked(content)
    (tmp_path / "nb.ipynb").write_text("{}")
    lock_file.add(tmp_path / "nb.ipynb", LockFile().with_list(lock.digest, content, {}))
    path = lock_file.path_for(tmp_path / "nb.ipynb")
    path.write_text(path.read_text().replace("0a0b0c0d", "11111111", 1))
    assert resolve(tmp_path, Fake(content), lock, ResolveOptions(frozen=True)).error is not None


UNREADABLE = ["", "[]", '{"lists": {}}', '{"version": 1, "lists": []}', '{"version": 1, "lists": {"a": 1}}', "\udcff"]
UNREADABLE += ['{"version": 2, "lists": {}}', '{"version": 1, "lists": {}, "sha256": {"a": 1}}', "[" * 100_000]


@pytest.mark.parametrize("text", UNREADABLE)
def test_an_unreadable_sidecar_fails_what_needs_it_and_nothing_else(tmp_path: Path, text: str) -> None:
    beside = lock_file.path_for(tmp_path / "nb.ipynb")
    beside.write_bytes(text.encode("utf-8", "surrogateescape"))
    fake = Fake(files(INLINE_LIST_MAX_FILES + 1))
    assert error(resolve(tmp_path, fake, locked(fake.content)), UnreadableFile).startswith(f"{beside} cannot be read: ")
    assert fake.asked == 0, "the lists and sums of the lock are not replaced by what Rucio says"
    short = files(3)
    assert resolve(tmp_path, Fake(short), locked(short)).files == short
    assert resolve(tmp_path, Fake(short), None).files == short


def test_a_new_list_never_replaces_an_unreadable_sidecar(tmp_path: Path) -> None:
    beside = lock_file.path_for(tmp_path / "nb.ipynb")
    beside.write_text("<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n")
    before = beside.read_bytes()
    for change in (
        lambda: lock_file.add(tmp_path / "nb.ipynb", LockFile().with_list("sha256:" + "0" * 64, files(1), {})),
        lambda: lock_file.prune(tmp_path / "nb.ipynb", frozenset()),
    ):
        with pytest.raises(UnreadableFile) as refused:
            change()
        assert "merge conflict" in str(refused.value.hint)
    assert beside.read_bytes() == before


def test_a_sidecar_keeps_what_this_version_does_not_know(tmp_path: Path) -> None:
    beside = lock_file.path_for(tmp_path / "nb.ipynb")
    beside.write_text(json.dumps({"version": 1, "lists": {}, "later": [1]}))
    (tmp_path / "nb.ipynb").write_text("{}")
    lock_file.add(tmp_path / "nb.ipynb", LockFile().with_list("sha256:" + "0" * 64, files(1), {}))
    lock_file.prune(tmp_path / "nb.ipynb", frozenset())
    assert json.loads(beside.read_text())["later"] == [1]


def test_a_sidecar_without_lists_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_text("{}")
    kept = LockFile().with_list("sha256:" + "0" * 64, files(1), {})
    lock_file.add(tmp_path / "nb.ipynb", kept)
    assert json.loads(lock_file.path_for(tmp_path / "nb.ipynb").read_text())["version"] == 1
    lock_file.prune(tmp_path / "nb.ipynb", frozenset())
    assert not lock_file.path_for(tmp_path / "nb.ipynb").exists()


# --- variants ---------------------------------------------------------------------------------------------------------

VARIANTS = {"dev": {"data": {"first": 1}}, "full": {}}


def test_a_variant_selects_from_what_is_locked(tmp_path: Path) -> None:
    fake = Fake(files(5))
    resolved = resolve(tmp_path, fake, locked(files(3)[1:]), variants=VARIANTS, variant="dev")
    assert (resolved.files, fake.asked) == ((files(3)[1],), 0)


def test_a_variant_that_names_nothing_is_the_declaration_as_it_stands(tmp_path: Path) -> None:
    assert resolve(tmp_path, Fake(files(5)), locked(files(3)), variants=VARIANTS, variant="full").files == files(3)


def test_a_variant_may_take_all_of_what_is_declared_in_part(tmp_path: Path) -> None:
    part = {"select": {"first": 1}}
    resolved = resolve(tmp_path, Fake(files(5)), None, variants={"all": {"data": {}}}, variant="all", requirement=part)
    assert len(resolved.files) == 5


def test_locked_compares_a_variant_too(tmp_path: Path) -> None:
    grown = (FileEntry(Did("s", "0000.new"), 1, "0a0b0c0d"), *files(3))  # sorts before the locked ones
    more = {"variants": VARIANTS, "variant": "dev"}
    assert resolve(tmp_path, Fake(files(5)), locked(files(3)), ResolveOptions(locked=True), **more).error is None
    error(resolve(tmp_path, Fake(grown), locked(files(3)), ResolveOptions(locked=True), **more), LockStale)
