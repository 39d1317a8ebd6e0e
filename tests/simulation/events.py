"""What may happen in a simulated world, between two steps of the user or within one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World

_DAY_S = 86_400


def _full(world: World) -> None:
    world.disk.left_bytes = world.chance.choice((0, 10, 100, 900, 3000, 6000, 9000))


def _clock(world: World) -> None:
    world.clock.jump(
        world.chance.choice((-400, -30, -1, 1, 8, 8, 60, 200, 200)) * _DAY_S + world.chance.randint(-5000, 5000)
    )


def _token(world: World) -> None:
    world.grid.token_ends_s = world.clock.monotonic_s() + world.chance.choice((0, 0, 1))


def _storage_token(world: World) -> None:
    world.grid.storage_token_ends_s = world.clock.monotonic_s()


def _down(world: World) -> None:
    world.grid.is_down = True


def _rse_down(world: World) -> None:
    world.grid.down_rses.append(world.chance.choice(("ALPHA", "BETA", "GAMMA")))


def _locks(world: World) -> None:
    world.machine.locking = world.chance.choice(("honest", "absent", "lying", "lying", "lying"))


def _chosen(world: World) -> Path | None:
    paths = world.store.paths()
    return world.chance.choice(paths) if paths else None


def damage(world: World) -> None:
    """Damage a file in the store, as another program might."""
    path = _chosen(world)
    if path is None:
        return
    kind = world.chance.choice(("byte", "short", "touched", "replaced", "gone", "record"))
    if kind == "gone":
        path.unlink()
        return
    if kind == "record":
        path.parent.with_suffix(".json").unlink(missing_ok=True)
        return
    content, was_damaged = path.read_bytes(), world.store.is_damaged(path)
    if not content:
        return
    if kind == "replaced":
        path.unlink()
    elif kind != "touched":
        path.chmod(0o644)
    if kind in ("byte", "replaced"):
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 4]))
    elif kind == "short":
        path.write_bytes(content[:-1])
    world.disk.touched(str(path))
    if kind != "touched" or was_damaged:
        world.store.damaged[str(path)] = path.lstat().st_mtime_ns


def rot(world: World) -> None:
    """Change a byte on the disk, which changes neither time nor size."""
    path = _chosen(world)
    if path is not None:
        content, found = path.read_bytes() or b"?", path.lstat()
        path.chmod(0o644)
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 8]))
        os.utime(path, ns=(found.st_mtime_ns, found.st_mtime_ns))
        world.store.damaged[str(path)] = world.store.rotten[str(path)] = found.st_mtime_ns


def _edit(world: World) -> None:
    # Whoever saves between the last look and the rename loses it, as documented.
    if not any(process.last.startswith("replace work/") for process in world.machine.running):
        for book in (one for one in world.books if one.exists):
            book.edit()
            world.disk.touched(str(book.path))


def _other(world: World) -> None:
    from tests.simulation.steps import Steps

    Steps(world).other()


#: What may happen within a step, by name.
EVENTS: dict[str, Callable[[World], object]] = {
    "killed": lambda world: world.machine.kill(),
    "killed too": lambda world: world.machine.kill(),
    "disk full": _full,
    "disk full too": _full,
    "clock set": _clock,
    "token ends": _token,
    "storage token ends": _storage_token,
    "rucio down": _down,
    "storage down": _rse_down,
    "replica culled": lambda world: world.grid.cull(),
    "replica moved": lambda world: world.grid.move(),
    "replica spoilt": lambda world: world.grid.spoil(),
    "dataset grows": lambda world: world.grid.grow(),
    "file rewritten": lambda world: world.grid.rewrite(),
    "another file rewritten": lambda world: world.grid.rewrite(),
    "locks change": _locks,
    "file damaged": damage,
    "notebook edited": _edit,
    "other process": _other,
    "another process": _other,
    "one more process": _other,
}
