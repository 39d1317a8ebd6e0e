"""Values of ``nbrucio.data`` in the pickle of a worker with a store of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_file, add_files, replica_paths
from tests.runners.conftest import Done, Shell
from tests.support.access_log import new_requests

SEND = """
import pickle, sys, cloudpickle, nbrucio
value = nbrucio.data["small"]
for name, sent in (("whole", value), ("items", list(value)), ("cloud", [*value])):
    with open(name, "wb") as file:
        file.write((cloudpickle if name == "cloud" else pickle).dumps(sent))
"""
#: A worker: it unpickles, sends it on as Dask's scheduler does, unpickles again and uses it.
USE = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    value = pickle.loads(pickle.dumps(pickle.loads(file.read())))
try:
    %s
except Exception as error:
    print(type(error).__name__, error)
"""
ALWAYS_LOADED = "print('loaded'); list(value)"
READ = USE % "print([(path.did, str(path).partition('/objects/')[0], len(open(path, 'rb').read())) for path in value])"
AS_COMPLETED = READ.replace(" in value]", " in value.as_completed()]")
TEXT = USE % "print([str(path) for path in value])"
Placed = Callable[[str, bytes, str], Path]


@pytest.fixture
def placed(sandbox: Sandbox) -> Placed:
    """Adds a file to an RSE and gives the path of its replica there."""

    def add(name: str, data: bytes, rse: str) -> Path:
        with sandbox.admin() as client:
            did = add_file(client, "sandbox", name, data, [rse])
            return replica_paths(client, rse, [did])[did]

    return add


def send(shell: Shell, *requirements: dict[str, Any]) -> None:
    """Sync on this machine, and write the pickles."""
    shell.notebook(*requirements)
    assert shell("nbrucio", "sync", "nb.ipynb").exit_code == 0
    done = shell("python", "-c", SEND, NBRUCIO_NOTEBOOK=str(shell.folder / "nb.ipynb"))
    assert done.exit_code == 0, done.told


def use(shell: Shell, code: str, pickled: str = "items", *options: str, **env: str) -> Done:
    """Run a worker whose store is elsewhere, and where the sender's does not exist."""
    away = shell.store.with_name("away")
    if shell.store.exists():
        shell.store.rename(away)
    try:
        done = shell("python", *options, "-c", code, pickled, **{"NBRUCIO_STORE": str(shell.folder / "worker"), **env})
    finally:
        if away.exists():
            away.rename(shell.store)
    assert done.exit_code == 0, done.told
    return done


def test_on_the_same_machine_the_senders_paths_are_used(shell: Shell, small: dict[str, Any], sandbox: Sandbox) -> None:
    send(shell, small)
    with new_requests(sandbox.storage_log) as requests:
        for read, pickled in ((READ, "whole"), (READ, "items"), (READ, "cloud"), (AS_COMPLETED, "whole")):
            done = shell("python", "-c", read, pickled)
            assert done.out == str([(f"sandbox:runners/{n}.dat", str(shell.store), 5_000) for n in range(3)]) + "\n"
    assert not requests


def test_a_worker_uses_its_own_store_first(shell: Shell, small: dict[str, Any], sandbox: Sandbox) -> None:
    send(shell, small)
    worker = str(shell.folder / "worker")
    assert shell("nbrucio", "sync", "nb.ipynb", NBRUCIO_STORE=worker, NBRUCIO_RUNTIME_DIR=worker).exit_code == 0
    with new_requests(sandbox.storage_log) as requests:
        for pickled in ("whole", "items", "cloud"):
            done = use(shell, READ, pickled)
            assert done.out == str([(f"sandbox:runners/{n}.dat", worker, 5_000) for n in range(3)]) + "\n"
    assert not requests


def test_a_worker_without_the_file_gets_a_url_that_answers(
    shell: Shell, small: dict[str, Any], sandbox: Sandbox
) -> None:
    send(shell, small)
    with new_requests(sandbox.storage_log) as requests, new_requests(sandbox.access_log) as asked:
        places = eval(use(shell, TEXT).out)
    assert [place.partition(":")[0] for place in places] == ["https"] * 3
    assert sum(request.size_bytes for request in requests) == 3, "the last byte of each"
    assert not asked, "the replicas are in the pickle"


def test_a_worker_uses_the_mount_of_its_node(shell: Shell, placed: Placed) -> None:
    path = placed("sent/mounted.dat", b"mounted", "SANDBOX_MOUNT")
    send(shell, {"did": "sandbox:sent/mounted.dat", "handle": "small", "access": "download"})
    assert use(shell, TEXT, "whole").out == f"{[str(path)]}\n"


def test_the_text_of_a_sent_file_is_plain_and_stays_the_same(shell: Shell, small: dict[str, Any]) -> None:
    send(shell, small)
    code = (
        USE % "print([(type(one), pickle.loads(pickle.dumps(one)) == one) for one in (str(value[0]), f'{value[0]}')])"
    )
    assert use(shell, code).out == "[(<class 'str'>, True), (<class 'str'>, True)]\n"
    code = USE % "print(value[0].startswith('https:'), '0.dat' in value[0], (value[0] + ':Events')[-6:])"
    assert use(shell, code).out == "True True Events\n"


def test_a_dead_url_is_looked_up_again_by_its_did(shell: Shell, sandbox: Sandbox, placed: Placed) -> None:
    path = placed("sent/moved.dat", b"moved", "SANDBOX_HTTPS")
    send(shell, {"did": "sandbox:sent/moved.dat", "handle": "small", "access": "stream"})
    first = eval(use(shell, TEXT).out)[0]
    path.unlink()
    did = Did("sandbox", "sent/moved.dat")
    with sandbox.admin() as client:
        add_files(client, [NewFile(did, b"moved")], ["SANDBOX_MOUNT"])
        there = replica_paths(client, "SANDBOX_MOUNT", [did])[did]
    assert first.startswith("https:")
    assert eval(use(shell, TEXT).out) == [str(there)]
    there.unlink()
    done = use(shell, TEXT)
    assert done.out.startswith("NoReplica sandbox:sent/moved.dat cannot be opened on ")
    assert "SANDBOX_HTTPS: not found (HTTP 404)" in done.out
    assert "Run `nbrucio doctor` on " in done.out


def test_a_pickle_has_no_credentials(shell: Shell, small: dict[str, Any]) -> None:
    send(shell, {**small, "access": "stream"})
    token = "ey" + "secret" * 10
    done = shell(
        "python", "-c", SEND, NBRUCIO_NOTEBOOK=str(shell.folder / "nb.ipynb"), BEARER_TOKEN=token, RUCIO_PASSWORD="pw"
    )
    assert done.exit_code == 0, done.told
    for name in ("whole", "items", "cloud"):
        pickled = (shell.folder / name).read_bytes()
        assert b"sandbox:runners/0.dat" in pickled
        assert token.encode() not in pickled
        assert b"Bearer" not in pickled


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"NBRUCIO_CONFIG": "/dev/null", "RUCIO_CONFIG": "/dev/null"}, "is not configured there. Run `nbrucio config"),
        ({"NBRUCIO_SAFE": "1"}, "it is neither cached nor mounted"),
    ],
)
def test_a_node_that_cannot_open_a_file_is_named(
    shell: Shell, small: dict[str, Any], env: dict[str, str], expected: str
) -> None:
    send(shell, small)
    done = use(shell, TEXT, **env)
    assert expected in done.out
    assert done.out.count("\n") == 1


def test_a_worker_without_nbrucio_says_so_or_uses_the_shared_path(shell: Shell, small: dict[str, Any]) -> None:
    send(shell, small)
    code = USE % "print(type(value).__name__, len(value), type(value[0]).__name__)"
    assert shell("python", "-S", "-c", code, "whole").out == "tuple 3 str\n"
    done = use(shell, USE % ALWAYS_LOADED, "whole", "-S")
    assert done.out.startswith("loaded\nModuleNotFoundError ")
    assert "no nbrucio of this version to find one: run pip install --upgrade nbrucio there" in done.out


@pytest.mark.parametrize(
    "used", ["open(value)", "str(value)", "f'{value}:Events'", "value.storage_options", "len(value)"]
)
def test_a_value_of_a_newer_nbrucio_loads_and_is_refused_in_words_when_it_is_used(
    shell: Shell, small: dict[str, Any], used: str
) -> None:
    send(shell, {**small, "select": {"first": 1}})
    newer = "import nbrucio.kernel.travel as travel\ntravel.VERSION = 2\n" + SEND
    assert shell("python", "-c", newer, NBRUCIO_NOTEBOOK=str(shell.folder / "nb.ipynb")).exit_code == 0
    done = use(shell, USE % f"print('loaded'); {used}", "whole")
    assert done.out.startswith("loaded\nModuleNotFoundError ")
    assert "has no copy of sandbox:runners/0.dat at " in done.out
    assert done.out.count("\n") == 2
