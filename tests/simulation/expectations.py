"""How a step of a simulated user is run, what the model learns of it, and the checks that several steps need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbrucio.core.report import NotebookReport
from nbrucio.errors import NbrucioError
from nbrucio.kernel.errors import DataNotHere
from nbrucio.kernel.lookup import Data
from nbrucio.pipeline.options import Options
from tests.simulation.grid import State
from tests.simulation.model import DAY_NS, Book, Wrong

if TYPE_CHECKING:
    from tests.simulation.world import World


class Ended:
    """How a step ended.

    Attributes:
        result: what it returned; None after an error or a kill.
        error: what it raised.
        sure: whether it ended by itself, nothing happened meanwhile, and the disk took everything.
        killed: whether it was killed.
        before: number of states that each dataset had when it began.
        present: names of the undamaged files that were in the store.
    """

    def __init__(self, world: World) -> None:
        self.result: Any = None
        self.error: NbrucioError | None = None
        self.killed = False
        self.sure = False
        self.asked = False
        self.pid = 0
        self.before = {dataset: len(states) - 1 for dataset, states in world.grid.history.items()}
        self.present = {path.name for path in world.store.paths() if not world.store.is_damaged(path)}

    def states(self, world: World, dataset: str) -> set[State]:
        """Return the states that the dataset had since."""
        return set(world.grid.history[dataset][self.before[dataset] :])


class Expectations:
    """The expectations of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _run(self, words: str, act: Callable[[], Any], *, quiet: bool = False) -> Ended:
        world = self.world
        world.trace.append(f"> {words}")
        ended, outer_disturbed = Ended(world), world.disturbed
        world.disturbed, world.disk.was_full = False, False
        answered = world.grid.answered
        world.running.append(ended)
        with world.machine.process({} if quiet else world.events()) as process:
            ended.pid = process.pid
            try:
                ended.result = act()
            except NbrucioError as error:
                ended.error = error
        world.running.pop()
        if not world.running:
            world.disk.left_bytes = None
        ended.killed = process.is_dead
        ended.disturbed = world.disturbed
        ended.sure = not ended.killed and not world.disturbed and not world.disk.was_full
        ended.asked = world.grid.answered > answered
        world.disturbed = outer_disturbed or world.disturbed
        code = "killed" if ended.killed else "ok" if ended.error is None else ended.error.code
        if ended.result is not None and hasattr(ended.result, "exit_code"):
            code += f" {ended.result.exit_code}"
        world.trace.append(f"< {code} after {process.calls} calls")
        return ended

    @contextmanager
    def _changing(self, book: Book, dataset: str | None) -> Iterator[None]:
        """While a step runs that may change what cells get, they may get the old or the new."""
        if dataset is None:
            yield
            return
        known, book.dataset = book.dataset, dataset
        book.since = len(self.world.grid.history[dataset]) - 1
        try:
            yield
        finally:
            book.since, book.dataset = None, known

    def _settle(self, book: Book, dataset: str, ended: Ended, *, upgraded: bool = False) -> None:
        """Update the model after an edit, by what the file says of itself."""
        raw = book.raw()
        if not raw.get("requirements"):
            if ended.sure and ended.error is None:
                raise Wrong(f"{book.path.name} was not changed")
            return
        was_new = book.dataset is None
        if was_new and not raw.get("lock"):
            book.may |= book.former.get(dataset, set())
        book.dataset = dataset
        is_locked = bool(raw.get("lock"))
        is_fresh = is_locked and not book.is_locked
        if (was_new and is_locked) or (is_fresh and not book.is_remembered) or not ended.sure:
            book.may |= ended.states(self.world, dataset)
        if is_fresh or not ended.sure or upgraded:
            book.lock = set(book.may)
        book.is_locked = is_locked

    def _after_sync(self, book: Book, ended: Ended, options: Options) -> None:
        assert book.dataset is not None
        report = None if ended.result is None else ended.result.notebooks[0]
        resolved = report is not None and bool(report.requirements) and report.requirements[0].resolved.error is None
        self._learn(book, ended, options, resolved=resolved)
        if report is not None:
            self._agrees(report, ended)
        if ended.sure and ended.result is not None and ended.result.exit_code == 0:
            self._read(book, must=True)

    def _learn(self, book: Book, ended: Ended, options: Options, *, resolved: bool) -> None:
        """Update the model after a sync, which may have ``resolved`` the declaration."""
        states = ended.states(self.world, book.dataset or "")
        if options.refresh and resolved and ended.sure:
            book.may, book.is_remembered = states, True
        elif book.is_locked:
            book.may = set(book.lock) if resolved and ended.sure else book.may | book.lock
            book.may |= states if options.refresh else set()
        elif resolved and ended.sure:
            if not book.is_remembered:
                book.may |= states
            book.is_remembered = True
        elif not options.offline and (options.refresh or not book.is_remembered):
            book.may |= states
        if not ended.sure:
            book.needs = set()
            book.is_remembered = book.is_remembered and not options.refresh
        elif resolved:
            book.needs = set.intersection(*({name for name, _ in state} for state in book.may))
            book.needs_of = book.dataset
            book.synced_ns = self.world.clock.wall_ns()
        elif book.needs_of != book.dataset:  # also a sync that resolves nothing gives up an earlier declaration
            book.needs = set()

    def _read(self, book: Book, *, must: bool = False) -> None:
        """Run a cell, and see what it gets."""
        world, given = self.world, self._given(book)
        if given is None:
            if must:
                raise Wrong(f"{book.path.name} has no data after all was well")
            return
        found, whole = set(), True
        for name, path in given.items():
            if not path.exists():
                raise Wrong(f"a cell gets a path of {name}, and there is no file")
            version = world.grid.version_of(name, path.read_bytes())
            if version is None and not world.store.is_damaged(path, rotten=True):
                raise Wrong(f"a cell reads wrong bytes of {name}")
            whole = whole and version is not None
            found.add((name, version))
        world.trace.append(f"cell {book.path.name}: {sorted(found, key=str)}")
        allowed = book.allowed(world.grid)
        names = {frozenset(name for name, _ in state) for state in allowed}
        if frozenset(given) not in names or (whole and found not in allowed):
            raise Wrong(f"a cell gets {sorted(found, key=str)}, not one of {[sorted(one) for one in allowed]}")

    def _given(self, book: Book) -> dict[str, Path] | None:
        """Return the files that a cell gets, by name; None without any."""
        with self.world.machine.process({}):
            try:
                files = Data(book.path)["data"]
                return {file.did.partition(":")[2]: Path(path) for file, path in zip(files.files, files, strict=True)}
            except DataNotHere:
                self.world.trace.append(f"cell {book.path.name}: not here")
        return None

    def _agrees(self, report: NotebookReport, ended: Ended) -> None:
        """Fail if a report says that a file is there which is not, or not right."""
        for file in (file for requirement in report.requirements for file in requirement.files):
            if file.where is None or ended.disturbed or file.access.value == "reread":
                continue
            path = Path(file.where)
            if not path.exists():
                raise Wrong(f"a report says that {path.name} is here")
            if not self._is_right(path) and not self.world.store.is_damaged(path, rotten=True):
                raise Wrong(f"a report says that {path.name} is right")

    def _is_right(self, path: Path) -> bool:
        return self.world.grid.version_of(path.name, path.read_bytes()) is not None

    def _kept(self, *, recent: bool) -> set[str]:
        """Return the names of files that notebooks need, or those that were synced within the last days."""
        now_ns = self.world.clock.wall_ns()
        books = [one for one in self.world.books if one.exists]
        kept = [one for one in books if not recent or one.is_pinned or now_ns - one.synced_ns < 7 * DAY_NS]
        return {name for one in kept for name in one.needs_now()}

    def _keeps_limits(self, ended: Ended, kept: set[str]) -> None:
        """Fail if a sync downloaded more than the policy allows, or removed what must stay."""
        world, policy = self.world, self.world.config.policy
        sent = world.fetched.get(ended.pid, set())
        if policy.max_download_bytes is not None and world.grid.size(sent) > policy.max_download_bytes:
            raise Wrong(f"{sorted(sent)} are more than {policy.max_download_bytes} bytes")
        lost = (kept & ended.present) - world.store.names()
        if lost and not ended.disturbed:
            raise Wrong(f"a sync removed {sorted(lost)}")
