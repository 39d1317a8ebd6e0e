"""The steps of a simulated user, each with what it may give."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbrucio.core.did import Did
from nbrucio.core.planner import Wanted
from nbrucio.errors import IntegrityError
from nbrucio.jupyter.consent import agree, limited
from nbrucio.operations import edit, store_care
from nbrucio.operations.adding import Wish, add
from nbrucio.operations.grants import user_grants
from nbrucio.operations.verify import verify
from nbrucio.pipeline.cached_status import cached_status
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from tests.simulation import events
from tests.simulation.expectations import Ended, Expectations
from tests.simulation.grid import DATASETS, SCOPE
from tests.simulation.model import Book, Wrong

if TYPE_CHECKING:
    from tests.simulation.world import World

#: A user stops a command that takes longer.
_PATIENCE_S = 900.0
_LOG = logging.getLogger("simulation")


class _Patience(threading.Event):
    """The user's wish to stop."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._now = world.clock.monotonic_s
        self._end_s = self._now() + _PATIENCE_S

    def is_set(self) -> bool:
        return self._now() > self._end_s


class Steps(Expectations):
    """The steps of one world."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.chance = world.chance
        self._common = (self.sync,) * 5 + (self.open,) * 4 + (self.lock, self.status, self.collect, self.check) * 2
        self._rare = (self.verify, self.remove_data, self.drop, self.retype, self.delete, self.pin, self.pin)

    def first(self) -> None:
        """Declare what a user already has."""
        for book in self.world.books:
            self.declare(book)
            self.sync(book)

    def any(self) -> None:
        """Take one step, at random."""
        self.world.disturbed = False
        self.world.clock.advance(self.chance.choice((2, 40, 600, 90_000)))
        book = self._book()
        if self.chance.random() < 0.35:
            self.chance.choice((self.outside, self.mend))(book)
        elif not book.exists:
            book.path.unlink(missing_ok=True)
            book.create()
        elif not book.dataset:
            self.declare(book)
        else:
            self.chance.choice(self._common + self._rare)(book)
        for one in (one for one in self.world.books if one.exists):
            one.raw()
            self.read(one)

    def other(self) -> None:
        """Take the step of another process while one runs."""
        book = self._book(idle=True)
        if book is not None and len(self.world.machine.running) < 2:
            self.chance.choice((self.read_all, self.sync, self.sync, self.sync, self.collect, self.status))(book)

    def last(self) -> None:
        """Mend everything; then each notebook must get its data."""
        world = self.world
        world.grid.settle()
        world.clock.advance(3_600)
        if self.chance.random() < 0.5:
            world.clock.jump(-500 * 86_400)
        world.machine.locking = "honest"
        world.config = world.config._replace(policy=world.unlimited)
        for book in (one for one in world.books if one.exists):
            self._run("verify", lambda book=book: verify([book.path], world.config), quiet=True)
        if self.chance.random() < 0.5:
            for path in world.store.paths():
                path.unlink()
                world.disk.touched(str(path.parent))
        for book in (one for one in world.books if one.exists and one.dataset):
            ended = self._synced(book, Options(), quiet=True)
            now = world.grid.state(book.dataset or "")
            names = {name for state in book.may for name in state}
            if ended.error is not None or ended.result.exit_code != 0:
                old = any(v != len(world.grid.versions[name]) - 1 for state in book.may for name, v in state)
                if not old:
                    words = ended.error or [str(error) for error in ended.result.errors()]
                    raise Wrong(f"{book.path.name} cannot get {sorted(names)}, now {sorted(now)}: {words}")
            else:
                self._read(book, must=True)
                again = self._run("again", lambda book=book: sync([book.path], world.config), quiet=True)
                if again.result is None or again.result.exit_code or again.pid in world.fetched:
                    raise Wrong(f"{book.path.name} is not whole after a sync: {again.error or again.result}")

    # Steps. Each takes the notebook that it is about.

    def declare(self, book: Book) -> None:
        """Declare a dataset, with or without its lock."""
        dataset, offline = self._dataset(), self.chance.random() < 0.4
        with self._changing(book, dataset):
            wish = Wish("data", offline=offline)
            ended = self._run(
                f"declare {book.path.name} {dataset} {offline}",
                lambda: add(book.path, [Did(SCOPE, dataset)], self.world.config, wish=wish),
            )
        self._settle(book, dataset, ended)

    def retype(self, book: Book, dataset: str | None = None) -> None:
        """Declare another dataset, or the same one without its lock, in an editor."""
        self.world.trace.append(f"> retype {book.path.name}")
        book.declare(dataset or self._dataset())
        self.world.disk.touched(str(book.path))

    def lock(self, book: Book) -> None:
        """Lock the list of a notebook, or take the present one."""
        is_open = not book.is_locked and self.chance.random() < 0.5  # in another program, that saves it afterwards
        if is_open:
            self.world.trace.append("-- dataset grows")
            self.world.grid.grow()
        upgrade = [] if is_open or self.chance.random() < 0.5 else None
        with self._changing(book, book.dataset):
            ended = self._run(
                f"lock {book.path.name} {upgrade}",
                lambda: edit.lock(book.path, self.world.config, upgrade=upgrade, pin=self.chance.random() < 0.3),
            )
        done = ended.sure and ended.result is not None and not ended.result.errors()
        if upgrade is not None and done:
            book.may = ended.states(self.world, book.dataset)
        self._settle(book, book.dataset, ended, upgraded=done and upgrade is not None)
        if is_open and done:
            self.retype(book, book.dataset)
            self.sync(book)

    def drop(self, book: Book) -> None:
        """Remove the requirement."""
        with self._changing(book, book.dataset):
            ended = self._run(f"remove {book.path.name}", lambda: edit.remove(book.path, ["data"]))
        if not book.raw().get("requirements"):
            book.forget_but_needs()
        elif ended.sure:
            raise Wrong(f"{book.path.name} still has its requirement: {ended.error}")

    def sync(self, book: Book) -> None:
        """Sync as the command does."""
        options = Options(refresh=self.chance.random() < 0.3, offline=self.chance.random() < 0.1)
        grants = user_grants()
        agreed_ns: list[int] = []

        def begins(wanted: Sequence[Wanted]) -> None:
            agreed_ns.append(self.world.clock.wall_ns())
            agree(grants, wanted, _LOG)

        self._synced(book, options, begins=None if self.chance.random() < 0.2 else begins, agreed_ns=agreed_ns)

    def _synced(
        self, book: Book, options: Options, *, begins: Any = None, agreed_ns: Sequence[int] = (), quiet: bool = False
    ) -> Ended:
        world, dataset = self.world, book.dataset
        with self._changing(book, dataset):
            kept = self._kept(recent=True)
            ended = self._run(
                f"sync {book.path.name} {options.refresh} {options.offline}",
                lambda: sync([book.path], world.config, options=options, cancel=_Patience(world), begins=begins),
                quiet=quiet,
            )
        self._keeps_limits(ended, kept)
        if dataset is None:
            book.needs = set()
            return ended
        for now_ns in agreed_ns:
            lists = book.may | ended.states(world, dataset)
            world.consent.give(dataset, world.grid.size({name for one in lists for name, _ in one}), now_ns)
        self._after_sync(book, ended, options)
        return ended

    def open(self, book: Book) -> None:
        """Open a notebook, which downloads only what the user agreed to."""
        world, dataset = self.world, book.dataset
        if self.chance.random() < 0.5:
            self.remove_data(book)
        if self.chance.random() < 0.2:
            world.clock.jump(self.chance.choice((200, 200, -400)) * 86_400)
        budget = self.chance.choice((None, None, 1_000_000, 800, 0))
        asked_ns: list[int] = []  # before and after the clock may be set while the grants are read

        def opened() -> Any:
            if cached_status([book.path], world.config, synced=True) is not None:
                return None
            found = status([book.path], world.config, publish_ready=True).notebooks[0]
            if found.manifest is not None:
                return None
            asked_ns.append(world.clock.wall_ns())
            config = limited(world.config, found, budget, user_grants())
            asked_ns.append(world.clock.wall_ns())
            return sync([book.path], config, cancel=_Patience(world))

        with self._changing(book, dataset):
            ended = self._run(f"open {book.path.name} {budget}", opened)
        allowed = max((world.consent.allowed(dataset, now_ns) for now_ns in asked_ns), default=0)
        allowed = allowed if budget is None else min(allowed, budget)
        sent = world.fetched.get(ended.pid, set())
        if world.grid.size(sent) > allowed:
            raise Wrong(f"{sorted(sent)} were downloaded, with consent to {allowed} bytes")
        if ended.result is not None:
            self._after_sync(book, ended, Options())
        elif not ended.sure and not book.is_locked:
            book.may |= ended.states(world, dataset)
            book.is_remembered = False
            book.needs = set()
        elif ended.sure and ended.error is None:
            self._read(book, must=True)

    def read(self, book: Book) -> None:
        """Run a cell."""
        if book.exists and (book.dataset or self.world.running):
            self._read(book)
        elif book.exists and self._given(book) is not None:
            raise Wrong(f"{book.path.name} gives data that it does not declare")

    def read_all(self, _: Book) -> None:
        """Run a cell of each notebook."""
        for book in self.world.books:
            self.read(book)

    def status(self, book: Book) -> None:
        """Ask for the status, which must not promise what is not there."""
        world = self.world
        ended = self._run(f"status {book.path.name}", lambda: status([book.path], world.config))
        if ended.result is not None:
            self._agrees(ended.result.notebooks[0], ended)
        ended = self._run(f"cached {book.path.name}", lambda: cached_status([book.path], world.config, synced=True))
        if ended.result is not None and ended.sure:
            self._read(book, must=True)

    def check(self, book: Book) -> None:
        """Compare the lock with Rucio, which must not be said without an answer."""
        if not book.is_locked:
            return
        world = self.world
        ended = self._run(f"check {book.path.name}", lambda: status([book.path], world.config, check=True))
        if ended.result is None or not ended.sure:
            return
        report = ended.result.notebooks[0]
        requirement = report.requirements[0].resolved
        quiet = not report.faults and requirement.error is None and requirement.drift is None
        if quiet and not ended.asked:
            raise Wrong("a check without an answer of Rucio found nothing to say")
        if quiet and world.grid.state(book.dataset) not in book.may:
            raise Wrong("a check did not find that the dataset differs from the lock")

    def verify(self, book: Book) -> None:
        """Read every file again, which finds what no time shows."""
        world = self.world
        bad = {path.name for path in world.store.paths() if not self._is_right(path)}
        ended = self._run(f"verify {book.path.name}", lambda: verify([book.path], world.config))
        if ended.result is None or not ended.sure or len(book.may) != 1:
            return
        report = ended.result.report.notebooks[0]
        wrong = {error.subject for error in ended.result.wrong if isinstance(error, IntegrityError)}
        for file in (file for requirement in report.requirements for file in requirement.files):
            name = file.entry.did.name
            if file.where is not None and not self._is_right(Path(file.where)):
                raise Wrong(f"{name} is damaged, and verify took it for right")
            if name in bad and str(file.entry.did) not in wrong and Path(file.where or "").exists():
                raise Wrong(f"{name} is damaged, and verify said nothing")

    def collect(self, book: Book) -> None:
        """Clean the store, which keeps what notebooks need, also those whose data could not be resolved."""
        world = self.world
        if not world.running and self.chance.random() < 0.3:
            self._synced(book, Options(refresh=True, offline=True))
        if self.chance.random() < 0.3 and not world.running:
            world.clock.jump(8 * 86_400)
        to_bytes = self.chance.choice((None, None, 0, 3000))
        kept = self._kept(recent=to_bytes is not None)
        if world.running and to_bytes is None and not world.disk.was_full:  # what a sync has brought so far
            states = [state for book in world.books if book.since is not None for state in book.allowed(world.grid)]
            wanted = set.intersection(set(world.grid.versions), *({name for name, _ in state} for state in states))
            kept |= wanted & (world.store.names() - world.running[-1].present) if states else set()
        ended = self._run(f"collect {to_bytes}", lambda: store_care.collect(world.config, to_bytes=to_bytes))
        lost = (kept & ended.present) - world.store.names()
        if lost and not ended.disturbed:
            raise Wrong(f"{sorted(lost)} were removed, and a notebook needs them")

    def remove_data(self, book: Book) -> None:
        """Remove the files of a dataset from the store."""
        dataset = book.dataset
        self._run(
            f"store rm {dataset}", lambda: store_care.remove(self.world.config, [Did(SCOPE, dataset)], dry_run=False)
        )

    def outside(self, _: Book) -> None:
        """Let something happen outside of every process."""
        name = self.chance.choice([name for name in sorted(events.EVENTS) if "process" not in name])
        if not name.startswith(("killed", "disk full")):
            self.world.trace.append(f"-- {name}")
            events.EVENTS[name](self.world)
        else:
            self.world.trace.append("-- rot")
            events.rot(self.world)

    def delete(self, book: Book) -> None:
        """Delete a notebook; another one of its name may come."""
        if self.chance.random() < 0.5:
            book.path.unlink()
            book.exists = False
            book.forget()

    def pin(self, book: Book) -> None:
        """Ask the store to keep the data of a notebook."""
        ended = self._run(f"pin {book.path.name}", lambda: store_care.pin(self.world.config, [book.path], pinned=True))
        book.is_pinned = book.is_pinned or (ended.sure and ended.error is None)

    def mend(self, _: Book) -> None:
        """Let Rucio and storage work again."""
        self.world.trace.append("-- mended")
        self.world.grid.mend()

    # What several of them need.

    def _dataset(self) -> str:
        return self.chance.choice((*DATASETS[:1] * 3, *DATASETS))

    def _book(self, *, idle: bool = False) -> Any:
        books = [book for book in self.world.books if not idle or (book.since is None and book.exists and book.dataset)]
        return self.chance.choice(books) if books else None
