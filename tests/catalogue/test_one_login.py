"""Threads and processes with one login: one of them logs in, and no one's connection is closed by another."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.errors import CredentialsRejected
from nbrucio.sandbox import Sandbox, seed
from tests.catalogue.conftest import Connect
from tests.support.access_log import new_requests
from tests.support.scripted_server import LOGIN, ScriptedServer, answer
from tests.support.sync_questions import DIMUON


def in_threads(count: int, work: Callable[[int], object]) -> None:
    """Call ``work`` in so many threads with their numbers; raise an error of one."""
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


def test_of_threads_with_catalogues_of_their_own_one_logs_in(sandbox: Sandbox, connect: Connect) -> None:
    catalogues = [connect() for _ in range(8)]
    with new_requests(sandbox.access_log) as requests:
        in_threads(8, lambda number: catalogues[number].describe(DIMUON))
    assert [request.path for request in requests].count("/auth/userpass") == 1


_ASK = """
import sys
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Credentials, Instance
from nbrucio.core.did import Did
host, user, password = sys.argv[1:]
catalogue = RucioCatalogue(Instance('i', 'i', host, host, 'userpass', user, Credentials(user, password)))
sys.stdin.readline()
print(catalogue.describe(Did('sandbox', 'dimuon')).files)
"""


@pytest.mark.parametrize("saved", [None, "a-token-that-has-ended"])
def test_of_processes_one_logs_in(
    sandbox: Sandbox, instance: Instance, environ: dict[str, str], saved: str | None
) -> None:
    login = instance.credentials
    if saved is not None:
        asked = Instance("i", "i", instance.host, instance.host, "userpass", login.username, login)
        token_file(asked, environ).write_text(saved)
    command = [sys.executable, "-c", _ASK, instance.host, str(login.username), str(login.password)]
    env = {**os.environ, **environ}
    env.pop("XDG_RUNTIME_DIR", None)
    asking = [
        subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    with new_requests(sandbox.access_log) as requests:
        assert [process.communicate("\n", timeout=60)[0] for process in asking] == ["4\n"] * 4
    assert [request.path for request in requests].count("/auth/userpass") == 1


def test_a_server_that_refuses_each_token_gets_one_login_a_request(connect: Connect, scripted: ScriptedServer) -> None:
    refused = answer("", "401 Unauthorized", ExceptionClass="CannotAuthenticate", ExceptionMessage="no such token")
    scripted.answers = [LOGIN, refused] * 6
    catalogue = connect(host=scripted.url, auth_host=scripted.url)
    for logins in (1, 2):
        with pytest.raises(CredentialsRejected, match="no such token"):
            catalogue.describe(DIMUON)
        paths = [request.split()[1] for request in scripted.requests]
        assert paths.count("/auth/userpass") == logins


@pytest.fixture(scope="module")
def hundreds(sandbox: Sandbox) -> Did:
    """A dataset whose list is longer than one read of a socket."""
    files = [seed.NewFile(Did("sandbox", f"one-login/{number:04}"), b"x") for number in range(500)]
    with sandbox.admin() as client:
        seed.add_files(client, files, ["SANDBOX_POSIX"])
        return seed.add_dataset(client, "sandbox", "one-login", [file.did for file in files], closed=True)


def test_closing_a_catalogue_ends_no_answer_that_another_thread_reads(connect: Connect, hundreds: Did) -> None:
    catalogue = connect()
    catalogue.describe(hundreds)
    done = threading.Event()

    def read(_: int) -> None:
        try:
            for _ in range(5):
                assert sum(1 for _ in catalogue.files(hundreds)) == 500
        finally:
            done.set()

    def close() -> None:
        while not done.is_set():
            catalogue.close()

    closing = threading.Thread(target=close)
    closing.start()
    in_threads(8, read)
    closing.join()


def test_a_refused_token_ends_no_answer_that_another_thread_reads(
    sandbox: Sandbox, connect: Connect, hundreds: Did
) -> None:
    catalogue = connect()
    slow = catalogue.files(hundreds)
    next(slow)
    catalogue._session._tokens.refuse(str(catalogue._session._tokens.current()))
    with new_requests(sandbox.access_log) as requests:
        in_threads(8, lambda _: [catalogue.describe(DIMUON) for _ in range(5)])
    assert [request.path for request in requests].count("/auth/userpass") == 1
    assert sum(1 for _ in slow) == 499
