"""``nbrucio sync --frozen --part I/N``, as the tasks of a job array run it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_file, add_files, attach
from tests.cli.conftest import Cli, Result
from tests.support.access_log import new_requests

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def parted(sandbox: Sandbox) -> dict[str, str]:
    """A requirement of seven files of 100 to 700 bytes."""
    files = [NewFile(Did("sandbox", f"parted/{n}.dat"), bytes(100 * n)) for n in range(1, 8)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        did = add_dataset(client, "sandbox", "parted", [file.did for file in files], closed=True)
    return {"did": str(did), "handle": "small"}


def test_each_task_of_an_array_downloads_its_own_files(
    connected: Cli, notebook: Write, parted: dict[str, str], sandbox: Sandbox
) -> None:
    first = notebook(parted)
    second = notebook(
        {"did": "sandbox:parted", "handle": "again"}, {"did": "sandbox:dimuon", "handle": "muons"}, name="b.ipynb"
    )
    assert connected("lock", first).exit_code == connected("lock", second).exit_code == 0
    lists = []
    with new_requests(sandbox.storage_log) as requests:
        for number in (1, 2, 3):
            node = {"NBRUCIO_STORE": f"node{number}", "NBRUCIO_RUNTIME_DIR": f"{connected.folder}/run{number}"}
            done = connected("sync", "--locked", "--part", f"{number}/3", first, second, "--json", **node)
            assert done.exit_code == 0, done.err
            reports = [one for nb in done.facts["notebooks"] for one in nb["requirements"]]
            lists.append({file["did"] for one in reports for file in one["files"]})
    assert sum(map(len, lists)) == len(set.union(*lists)) == 7 + 4
    sent = [request.path for request in requests if request.method == "GET" and "/parted/" in request.path]
    assert len(sent) == len(set(sent)) == 7, "each file once"


def test_a_pinned_lock_runs_frozen_on_nodes_that_know_nothing(
    connected: Cli, notebook: Write, parted: dict[str, str], sandbox: Sandbox
) -> None:
    many = [NewFile(Did("sandbox", f"parted.many/{n:02}"), b"x") for n in range(65)]
    with sandbox.admin() as client:
        add_files(client, many, ["SANDBOX_MOUNT"])
        add_dataset(client, "sandbox", "parted.many", [file.did for file in many], closed=True)
    path = notebook(parted, {"did": "sandbox:parted.many", "handle": "many"})
    assert connected("lock", path).exit_code == 0

    def frozen(part: int) -> Result:
        node = {"NBRUCIO_STORE": f"node{part}", "NBRUCIO_RUNTIME_DIR": f"{connected.folder}/node{part}/run"}
        return connected("sync", "--frozen", "--part", f"{part}/2", path, "--json", **node)

    without = frozen(1)
    assert (without.exit_code, f"nbrucio lock {path} --pin" in without.err) == (8, True)
    pinned = connected("lock", path, "--pin")
    assert pinned.out.splitlines()[:2] == [
        "'small' file list added: sandbox:parted (DATASET, 7 files, 2.8 kB)",
        "'many' file list added: sandbox:parted.many (DATASET, 65 files, 65 B)",
    ]
    assert "is already locked" in connected("lock", path, "--pin").out
    with new_requests(sandbox.access_log) as requests:
        parts = [frozen(1), frozen(2)]
    assert [part.exit_code for part in parts] == [0, 0]
    assert not [request.path for request in requests if "/dids/" in request.path]
    files = [f for part in parts for nb in part.facts["notebooks"] for one in nb["requirements"] for f in one["files"]]
    assert len({file["did"] for file in files}) == len(files) == 7 + 65


def test_the_tasks_of_an_array_keep_each_others_files_when_the_cache_is_cleaned(
    connected: Cli, notebook: Write, parted: dict[str, str]
) -> None:
    path = notebook(parted)
    assert connected("lock", path, "--pin").exit_code == 0
    for number in (1, 2):
        task = {"NBRUCIO_STORE": "together", "NBRUCIO_RUNTIME_DIR": f"{connected.folder}/task{number}"}
        assert connected("sync", "--frozen", "--part", f"{number}/3", path, **task).exit_code == 0
    cleaned = connected("store", "gc", "--dry-run", NBRUCIO_STORE="together")
    assert cleaned.out.startswith("0 files, 0 B would be removed"), cleaned.out


def test_a_lock_that_was_pinned_once_stays_so_when_it_is_upgraded(
    connected: Cli, notebook: Write, sandbox: Sandbox
) -> None:
    files = [NewFile(Did("sandbox", f"parted.stays/{n}"), b"x") for n in range(2)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_MOUNT"])
        did = add_dataset(client, "sandbox", "parted.stays", [file.did for file in files], closed=True)
        path = notebook({"did": str(did), "handle": "one"})
        connected("lock", path, "--pin")
        client.set_status(did.scope, did.name, open=True)
        attach(client, did.scope, did.name, [add_file(client, did.scope, "parted.stays/2", b"x", ["SANDBOX_MOUNT"])])
        client.set_status(did.scope, did.name, open=False)
    locks = connected("lock", path, "--upgrade", "--json").facts["requirements"]
    assert locks[0]["drift"] == "gained 1 file, 1 B since the lock"
    synced = connected("sync", "--frozen", path, "--json", NBRUCIO_STORE="fresh")
    assert len(synced.facts["notebooks"][0]["requirements"][0]["files"]) == 3


def test_a_program_reads_the_part_of_its_job(connected: Cli, notebook: Write, parted: dict[str, str]) -> None:
    path = notebook(parted)
    connected("lock", path)
    job = Cli(connected.folder, {**connected.env, "NBRUCIO_RUNTIME_DIR": str(connected.folder / "job")})
    assert job("sync", "--frozen", "--part", "2/7", path).exit_code == 0
    assert job.python("import nbrucio; one = nbrucio.data['small']; print(len(one), one.folder)") == "1 None\n"
    assert "0 of 1 ready" in connected("status", path).out, "a part is not remembered as the whole"
    assert connected("sync", path).exit_code == 0
    assert connected.python("import nbrucio; print(len(nbrucio.data['small']))") == "7\n"
    assert job.python("import nbrucio; print(len(nbrucio.data['small']))") == "1\n"


def test_links_have_the_files_of_the_part_only(connected: Cli, notebook: Write, parted: dict[str, str]) -> None:
    path = notebook(parted)
    connected("lock", path)
    env = {name: value for name, value in connected.env.items() if name != "NBRUCIO_RUNTIME_DIR"}
    job = Cli(connected.folder, {**env, "XDG_RUNTIME_DIR": str(connected.folder)})
    found = set()
    for number in (1, 2):
        done = job("sync", "--frozen", "--part", f"{number}/2", path, "--links", f"task{number}")
        assert done.exit_code == 0, done.err
        found |= {link.name for link in (connected.folder / f"task{number}" / "small").glob("*.dat")}
    assert len(found) == 7
    assert not list((connected.folder / "nbrucio").glob("*.json")), "nothing was published where another job looks"


def test_a_missing_file_of_another_part_fails_that_part_only(
    connected: Cli, notebook: Write, placed: Callable[..., list[Path]]
) -> None:
    placed("parted.here", bytes(10), "SANDBOX_HTTPS")
    placed("parted.gone", bytes(20), "SANDBOX_HTTPS")[0].unlink()
    path = notebook({"did": "sandbox:parted.here", "handle": "a"}, {"did": "sandbox:parted.gone", "handle": "b"})
    connected("lock", path)
    assert [connected("sync", "--frozen", "--part", f"{n}/2", path).exit_code for n in (1, 2)] == [4, 0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--frozen", "--part", "0/0"], "'0/0' is not a part: write i/N with i from 1 to N."),
        (["--frozen", "--part", "5/3"], "'5/3' is not a part"),
        (["--frozen", "--part", "a/b"], "'a/b' is not a part"),
        (["--part", "1/2"], "--part goes with --frozen or --locked"),
        (["--frozen", "--part"], "Option '--part' requires an argument"),
    ],
)
def test_a_part_that_cannot_be_is_refused(connected: Cli, notebook: Write, words: list[str], message: str) -> None:
    done = connected("sync", notebook({"did": "sandbox:dimuon", "handle": "muons"}), *words)
    assert (done.exit_code, message in done.err) == (2, True), done.err


def test_parts_without_a_folder_of_their_job_are_refused(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "muons"})
    env = {name: value for name, value in connected.env.items() if name != "NBRUCIO_RUNTIME_DIR"}
    done = Cli(connected.folder, env)("sync", path, "--frozen", "--part", "1/2")
    assert (done.exit_code, "NBRUCIO_RUNTIME_DIR set to a folder of this job" in done.err) == (2, True)


def test_data_without_a_lock_has_no_parts(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "muons"})
    done = connected("sync", path, "--frozen", "--part", "1/2")
    assert (done.exit_code, f"nbrucio lock {path}" in done.err) == (10, True)
