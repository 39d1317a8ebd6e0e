"""``nbrucio store``: what the cache holds, and its cleaning."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.cli.conftest import Cli, Result

SIZE = 100_000
DAY_S = 86_400


@pytest.fixture(scope="module")
def datasets(sandbox: Sandbox) -> dict[str, str]:
    """Two datasets of two files of `SIZE` bytes, and a third that shares one file with the first."""
    names = [f"care/{name}.dat" for name in ("a1", "a2", "b1", "b2")]
    files = [NewFile(Did("sandbox", name), name.encode().ljust(SIZE)) for name in names]
    members = {"a": files[:2], "b": files[2:], "shared": [files[0]]}
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        return {
            name: str(add_dataset(client, "sandbox", f"care.{name}", [file.did for file in own], closed=True))
            for name, own in members.items()
        }


@pytest.fixture
def synced(connected: Cli, notebook: Callable[..., Path], datasets: dict[str, str]) -> Callable[..., Path]:
    """Writes a notebook that declares these datasets, and syncs it; last used so many days ago."""

    def sync(*names: str, days: float = 0.0, **env: str) -> Path:
        wanted = [{"did": datasets[name], "handle": name} for name in names]
        path = notebook(*wanted, name=f"{'-'.join(names)}.ipynb")
        done = connected("sync", path, **env)
        assert done.exit_code == 0, done.err
        used_s = time.time() - days * DAY_S
        os.utime(_record(connected, path), (used_s, used_s))
        return path

    return sync


def _record(cli: Cli, path: Path) -> Path:
    (found,) = [
        record
        for record in (cli.store / "uses").iterdir()
        if json.loads(record.read_text())["notebook"] == os.path.realpath(path)
    ]
    return found


def _cached(cli: Cli) -> set[str]:
    return {path.name for path in (cli.store / "objects").glob("*/*/*")}


def _ready(cli: Cli, path: Path) -> bool:
    (notebook,) = cli("status", path, "--json").facts["notebooks"]
    return all(one["state"] == "ready" for one in notebook["requirements"])


def test_it_says_what_the_store_holds_by_notebook_and_by_did(
    connected: Cli, synced: Callable[..., Path], datasets: dict[str, str]
) -> None:
    both, shared = synced("a", "b", days=3), synced("shared")
    found = connected("store", "--json").facts
    assert (found["files"], found["bytes"], found["path"]) == (4, 4 * SIZE, str(connected.store))
    assert found["unneeded"] == {"files": 0, "bytes": 0}
    assert [(one["path"], one["files"]) for one in found["notebooks"]] == [(str(shared), 1), (str(both), 4)]
    assert {one["did"]: (one["files"], one["notebooks"]) for one in found["data"]} == {
        datasets["a"]: (2, [str(both)]),
        datasets["b"]: (2, [str(both)]),
        datasets["shared"]: (1, [str(shared)]),
    }
    words = connected("store").out
    assert "4 files, 400.0 kB" in words
    assert "used 3 days ago" in words
    assert datasets["a"] in words


def test_gc_removes_what_no_existing_notebook_needs_and_nothing_else(
    connected: Cli, synced: Callable[..., Path]
) -> None:
    gone, shared = synced("a", "b"), synced("shared")
    gone.unlink()
    shown = connected("store", "gc", "--dry-run")
    assert shown.out.startswith("3 files, 300.0 kB would be removed; 1 file, 100.0 kB left.")
    assert str(gone) in shown.out
    assert len(_cached(connected)) == 4
    assert connected("store", "gc").out.startswith("3 files, 300.0 kB removed")
    assert _cached(connected) == {"a1.dat"}
    assert _ready(connected, shared)


def test_gc_to_a_size_removes_the_least_recently_used_but_never_pinned_or_recent_data(
    connected: Cli, synced: Callable[..., Path]
) -> None:
    old, pinned, recent = synced("b", days=30), synced("shared", days=60), synced("a", days=2)
    assert connected("store", "pin", pinned).exit_code == 0
    assert connected("store", "gc", "--to", "400kB").out.startswith("0 files")
    assert connected("store", "gc", "--to", "350kB").out.startswith("1 file, 100.0 kB removed")
    assert not _ready(connected, old)
    least = connected("store", "gc", "--to", "0")
    assert least.out == (
        "1 file, 100.0 kB removed; 2 files, 200.0 kB left.\n"
        "All other files belong to pinned or recently used notebooks.\n"
    )
    assert _ready(connected, recent)
    assert connected("store", "gc", "--to", "0", "--keep-days", "1").exit_code == 0
    assert _cached(connected) == {"a1.dat"}
    assert connected("store", "unpin", pinned).exit_code == 0
    assert connected("store", "gc", "--to", "0", "--keep-days", "1").exit_code == 0
    assert _cached(connected) == set()


def test_rm_removes_a_dataset_or_a_file_and_the_folder_of_links(
    connected: Cli, synced: Callable[..., Path], datasets: dict[str, str]
) -> None:
    synced("a", "b")
    assert connected("store", "rm", datasets["a"]).out == "2 files, 200.0 kB removed; 2 files, 200.0 kB left.\n"
    assert _cached(connected) == {"b1.dat", "b2.dat"}
    assert not any(connected.store.glob("views/*/sandbox/care.a"))
    assert any(connected.store.glob("views/*/sandbox/care.b"))
    assert connected("store", "rm", "sandbox:care/b1.dat").exit_code == 0
    assert _cached(connected) == {"b2.dat"}
    again = connected("store", "rm", datasets["a"])
    assert (again.exit_code, again.err.splitlines()[0]) == (4, f"error: {datasets['a']} is not cached.")


def _limited(cli: Cli, **policy: object) -> dict[str, str]:
    file = cli.folder / "config.toml"
    servers = Path(cli.env["NBRUCIO_CONFIG"]).read_text()
    file.write_text(
        servers + "\n[policy]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in policy.items())
    )
    return {"NBRUCIO_CONFIG": str(file)}


def test_a_sync_stays_within_max_store_by_removing_the_least_recently_used_if_allowed(
    connected: Cli, synced: Callable[..., Path], notebook: Callable[..., Path], datasets: dict[str, str]
) -> None:
    synced("b", days=30)
    wanted = notebook({"did": datasets["a"], "handle": "a"})
    limit = _limited(connected, max_store="350 kB")
    refused: Result = connected("sync", wanted, **limit)
    assert refused.exit_code == 6
    assert "200.0 kB would be downloaded, but the cache has 200.0 kB of at most 350.0 kB." in refused.err
    assert "next: nbrucio store gc --to 150000" in refused.err
    assert _cached(connected) == {"b1.dat", "b2.dat"}
    allowed = _limited(connected, max_store="350 kB", evict=True)
    done = connected("sync", wanted, **allowed)
    assert done.exit_code == 0, done.err
    assert "1 cached file (100.0 kB) removed to make room" in done.err
    assert len(_cached(connected)) == 3
    assert {"a1.dat", "a2.dat"} < _cached(connected)


def test_what_the_sync_itself_needs_is_not_removed_to_make_room(
    connected: Cli, synced: Callable[..., Path], notebook: Callable[..., Path], datasets: dict[str, str]
) -> None:
    synced("b", days=30)
    wanted = notebook({"did": datasets["a"], "handle": "a"}, {"did": datasets["b"], "handle": "b"})
    refused = connected("sync", wanted, **_limited(connected, max_store="350 kB", evict=True))
    assert refused.exit_code == 6
    assert "Remove data that you do not need, or raise max_store" in refused.err
    assert _cached(connected) == {"b1.dat", "b2.dat"}


def test_an_unreadable_record_stops_the_cleaning_but_not_a_sync(connected: Cli, synced: Callable[..., Path]) -> None:
    path = synced("a", days=30)
    _record(connected, path).write_text("{")
    stopped = connected("store", "gc", "--to", "0")
    assert stopped.exit_code == 2
    assert "cannot be read" in stopped.err
    assert len(_cached(connected)) == 2
    assert connected("sync", path, "--refresh", **_limited(connected, max_store="1 MB", evict=True)).exit_code == 0


def test_a_sync_that_fails_does_not_make_the_files_of_its_notebook_unneeded(
    connected: Cli, synced: Callable[..., Path]
) -> None:
    notebook = synced("a")
    before = _cached(connected)
    assert connected("sync", notebook, "--locked").exit_code == 10, "it has no lock"
    assert connected("store", "gc").exit_code == 0
    assert _cached(connected) == before
    assert _ready(connected, notebook)
