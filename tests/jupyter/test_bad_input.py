"""What bad notebooks, servers and disks do to a Jupyter server: it answers, the notebook opens, the reason is told."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.jupyter.test_open_policy import manifest_of, put
from tests.support.jupyter_server import TOKEN, Server, declaring, notebook
from tests.support.scripted_server import ScriptedServer, Stall
from tests.support.slow_rucio import slow_rucio
from tests.support.small_disk import Disk

DIMUON = "sandbox:dimuon"
#: How long the silent Rucio keeps a request waiting; a server that waits with it answers nobody for as long.
SILENT_S = 10.0


@pytest.fixture
def silent_rucio() -> Iterator[str]:
    """The URL of a server that takes every connection and says nothing for `SILENT_S`."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                kept.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for connection in kept:
        connection.close()


def longest_answer_s(server: Server, during_s: float) -> float:
    """The longest time that the server took for a request that asks nothing of us."""
    longest, end = 0.0, time.monotonic() + during_s
    while time.monotonic() < end:
        began = time.monotonic()
        assert server.ask("api/status")[0] == 200
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.02)
    return longest


def test_the_server_answers_while_rucio_is_silent(start: Start, silent_rucio: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'default_instance = "silent"\n[instances.silent]\nhost = "{silent_rucio}"\nauth_host = "{silent_rucio}"\n'
        'account = "a"\nauth_type = "userpass"\nusername = "a"\npassword = "b"\n[policy]\nread_timeout = 10\n'
    )
    with start(lag=True, NBRUCIO_CONFIG=str(config)) as server:
        server.ask("lag")
        for name in ("a", "b", "c", "d", "e", "f"):
            put(server, f"{name}.ipynb", declaring(dimuon=f"s:{name}"))
            server.open(f"{name}.ipynb")
        searches = [threading.Thread(target=search_in_vain, args=(server,)) for _ in range(6)]
        for search in searches:
            search.start()
        assert longest_answer_s(server, 3) < SILENT_S / 4
        assert server.state("a.ipynb")["state"] == "syncing"
        assert manifest_of(server, "a.ipynb").manifest().entries["dimuon"].state == "syncing"
        content = declaring("1", dimuon="s:a")
        began = time.monotonic()
        server.save("a.ipynb", content)
        assert time.monotonic() - began < SILENT_S / 4
        assert server.ask("lag")[1]["late_ms"] < 1000 * SILENT_S / 4
    for search in searches:
        search.join()


def search_in_vain(server: Server) -> None:
    """A search that ends when the server does."""
    with suppress(OSError):
        server.ask("nbrucio/find?pattern=s:*")


def test_slow_answers_are_waited_for_side_by_side(start: Start, sandbox: Sandbox, tmp_path: Path) -> None:
    delay_s = 4.0
    with slow_rucio(sandbox, tmp_path, delay_s) as config, start(lag=True, NBRUCIO_CONFIG=str(config)) as server:
        server.ask("lag")
        began = time.monotonic()
        for name in ("a", "b", "c", "d", "e", "f"):
            put(server, f"{name}.ipynb", declaring(dimuon=DIMUON))
            server.open(f"{name}.ipynb")
        opened_s = time.monotonic() - began
        ends = [server.settled(f"{name}.ipynb")["requirements"] for name in ("a", "b", "c", "d", "e", "f")]
        assert ends == [{"dimuon": "missing"}] * 6  # Rucio was asked; nobody has agreed to a download
        assert opened_s < delay_s
        assert delay_s < time.monotonic() - began < 6 * delay_s
        assert server.ask("lag")[1]["late_ms"] < 1000 * delay_s / 4


def configured(tmp_path: Path, silent_rucio: str, *, read_timeout_s: int) -> str:
    """The path of a configuration whose only instance takes connections and never answers."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'default_instance = "silent"\n[instances.silent]\nhost = "{silent_rucio}"\nauth_host = "{silent_rucio}"\n'
        'account = "a"\nauth_type = "userpass"\nusername = "a"\npassword = "b"\n'
        f"[policy]\nread_timeout = {read_timeout_s}\n"
    )
    return str(config)


def test_an_instance_that_hangs_is_named_where_the_user_looks(start: Start, silent_rucio: str, tmp_path: Path) -> None:
    with start(NBRUCIO_CONFIG=configured(tmp_path, silent_rucio, read_timeout_s=1)) as server:
        put(server, "a.ipynb", declaring(dimuon="s:a"))
        server.open("a.ipynb")
        assert server.settled("a.ipynb")["requirements"] == {"dimuon": "failed"}
        error = manifest_of(server, "a.ipynb").manifest().entries["dimuon"].error
        assert error is not None
        assert error["code"] == "offline"
        assert "silent" in error["message"]
        (told,) = server.ask("nbrucio/status?path=a.ipynb")[1]["sync"]["errors"]["dimuon"]
        assert told["message"] == error["message"]


def test_a_server_that_stops_does_not_wait_for_a_silent_rucio(start: Start, silent_rucio: str, tmp_path: Path) -> None:
    with start(NBRUCIO_CONFIG=configured(tmp_path, silent_rucio, read_timeout_s=60)) as server:
        put(server, "a.ipynb", declaring(dimuon="s:a"))
        server.open("a.ipynb")
        time.sleep(1)
        began = time.monotonic()
        server.process.terminate()
        server.process.wait(30)
        assert time.monotonic() - began < 15


@pytest.mark.parametrize(("place", "kilobytes"), [("beside", 100_000), ("within", 20_000)])
def test_a_notebook_with_much_metadata_opens_and_saves(server: Server, place: str, kilobytes: int) -> None:
    content = declaring("x = 1", dimuon=DIMUON)
    metadata = content["metadata"]
    holder = metadata if place == "beside" else metadata["nbrucio"]["requirements"][0]
    holder["other"] = ["0123456789" * 100] * kilobytes
    put(server, "a.ipynb", content)
    server.open("a.ipynb")
    assert server.settled("a.ipynb")["requirements"] == {"dimuon": "missing"}
    saved = server.save("a.ipynb", content)
    assert saved["metadata"]["nbrucio"]["requirements"] == metadata["nbrucio"]["requirements"]


def test_ten_thousand_requirements_do_not_stop_the_server(server: Server) -> None:
    content = declaring("1", **{f"h{n}": f"s:unknown.{n}" for n in range(10_000)})
    for requirement in content["metadata"]["nbrucio"]["requirements"]:
        requirement["instance"] = "nowhere.example.org"  # so that the sandbox is spared 10,000 questions
    put(server, "a.ipynb", content)
    server.open("a.ipynb")
    assert longest_answer_s(server, 2) < 5
    assert set(server.settled("a.ipynb")["requirements"].values()) == {"failed"}
    error = manifest_of(server, "a.ipynb").manifest().entries["h77"].error
    assert error is not None
    assert "nowhere.example.org" in error["message"]


def test_too_many_requirements_are_refused_with_the_reason(server: Server) -> None:
    put(server, "a.ipynb", declaring("1", **{f"h{n}": "s:n" for n in range(10_001)}))
    server.open("a.ipynb")
    server.settled("a.ipynb")
    faults = server.ask(f"nbrucio/status?path={server.api('a.ipynb')}")[1]["faults"]
    assert "at most 10,000 are allowed" in faults[0]["message"]


def test_one_did_at_an_unknown_instance_does_not_stop_the_others(server: Server) -> None:
    content = declaring(dimuon=DIMUON, far="s:far")
    content["metadata"]["nbrucio"]["requirements"][1]["instance"] = "nowhere.example.org"
    put(server, "a.ipynb", content)
    assert server.sync("a.ipynb")["requirements"] == {"dimuon": "ready", "far": "failed"}
    assert len(manifest_of(server, "a.ipynb")["dimuon"]) == 4


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """An empty file system of 64 kB."""
    one = Disk(tmp_path / "disk", 65536)
    yield one
    one.close()


def test_a_full_disk_is_told_where_the_user_looks(start: Start, disk: Disk) -> None:
    with start(NBRUCIO_STORE=str(disk.path / "store"), **disk.full()) as server:
        path = put(server, "a.ipynb", declaring(dimuon=DIMUON))
        assert server.sync("a.ipynb")["requirements"] == {"dimuon": "missing"}
        (error,) = server.ask("nbrucio/status?path=a.ipynb")[1]["sync"]["errors"]["dimuon"][:1]
        assert error["code"] == "no-space"
        server.open("a.ipynb")
        server.save("a.ipynb", declaring("1", dimuon=DIMUON))
        with server.kernel("a.ipynb") as kernel:
            shown = kernel.run("import nbrucio\nnbrucio.data['dimuon']").traceback
    assert "'dimuon' (sandbox:dimuon) is missing: " in shown[0]
    assert "free" in shown[0]
    assert str(path) in shown[1]


def test_a_disk_that_becomes_read_only_keeps_what_is_here(start: Start, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk", 64 << 20)
    try:
        with start(NBRUCIO_STORE=str(disk.path / "store"), NBRUCIO_KEEP_FREE="0") as server:
            put(server, "a.ipynb", declaring(dimuon=DIMUON))
            assert server.sync("a.ipynb")["requirements"] == {"dimuon": "ready"}
            disk.make_read_only()
            assert server.sync("a.ipynb")["requirements"] == {"dimuon": "ready"}
            put(server, "b.ipynb", declaring(odd="sandbox:odd.names"))
            server.ask("nbrucio/sync", {"path": "b.ipynb"})
            server.settled("b.ipynb")
            error = manifest_of(server, "b.ipynb").manifest().entries["odd"].error
            assert error is not None
            assert "bug in nbrucio" not in error["message"]
            assert "read-only" in error["message"].lower() or "permission" in error["message"].lower()
            server.save("b.ipynb", declaring("1", odd="sandbox:odd.names"))
            with server.kernel("a.ipynb") as kernel:
                assert kernel.run("import nbrucio\nprint(len(nbrucio.data['dimuon']))").text == "4\n"
            assert "Traceback" not in server.log.read_text()
    finally:
        disk.close()


def test_a_store_that_cannot_be_written_is_told(start: Start, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    with start(NBRUCIO_STORE=str(blocked / "store")) as server:
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.ask("nbrucio/sync", {"path": "a.ipynb"})
        server.settled("a.ipynb")
        entry = manifest_of(server, "a.ipynb").manifest().entries["dimuon"]
        assert entry.state == "failed"
        assert entry.error is not None
        assert "bug in nbrucio" not in entry.error["message"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', "\x00"])
def test_a_file_that_is_no_notebook_is_told(server: Server, text: str) -> None:
    (server.root / "a.ipynb").write_text(text)
    server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb"})
    server.settled("a.ipynb")
    status, report = server.ask(f"nbrucio/status?path={server.api('a.ipynb')}")
    assert (status, len(report["faults"])) == (200, 1)


def test_a_broken_configuration_is_told_and_the_notebook_opens(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[instances\n")
    with start(NBRUCIO_CONFIG=str(config)) as server:
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.open("a.ipynb")
        status, answer = server.ask("nbrucio/status?path=a.ipynb")
        assert (status, answer["error"]["code"]) == (400, "bad-config")
        assert server.save("a.ipynb", notebook("1"))["cells"][0]["source"] == ["1"]


def test_a_runtime_folder_of_somebody_else_is_told(start: Start, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "elsewhere")
    with start(NBRUCIO_RUNTIME_DIR=str(tmp_path / "linked")) as server:
        put(server, "a.ipynb", declaring(dimuon=DIMUON))
        server.ask("nbrucio/sync", {"path": "a.ipynb"})
        assert server.settled("a.ipynb")["state"] == "done"
        assert not list((tmp_path / "elsewhere").iterdir())
        with server.kernel("a.ipynb") as kernel:
            assert kernel.run("print(1)").text == "1\n"


def test_a_notebook_that_is_gone_is_told(server: Server) -> None:
    path = put(server, "a.ipynb", declaring(dimuon=DIMUON))
    path.unlink()
    status, answer = server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb"})
    assert (status, answer["error"]["code"]) == (400, "bad-notebook")
    assert "does not exist" in json.dumps(answer)


def test_a_name_that_is_too_long_for_a_file_is_no_notebook_and_no_bug(server: Server) -> None:
    status, answer = server.ask(f"nbrucio/status?path={'a' * 5000}.ipynb")
    assert (status, answer["error"]["code"]) == (400, "bad-notebook")


def test_questions_to_a_silent_instance_keep_no_others_waiting_and_end_with_their_clients(
    start: Start, sandbox: Sandbox, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    with ScriptedServer([Stall()]) as silent:
        config.write_text(
            Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text()
            + f'\n[instances.silent]\nhost = "{silent.url}"\nauth_host = "{silent.url}"\n'
            + 'account = "a"\nauth_type = "userpass"\nusername = "a"\npassword = "b"\n'
        )
        with start(NBRUCIO_CONFIG=str(config)) as server, ExitStack() as clients:
            asking = [clients.enter_context(_asking(server, "nbrucio/login?instance=silent")) for _ in range(40)]
            _until(lambda: len(silent.requests) == 1)  # of all threads one logs in
            assert server.ask("nbrucio/login?instance=sandbox")[1]["error"] is None
            assert len(silent.requests) == 1
            for client in asking:
                client.close()
            clients.enter_context(_asking(server, "nbrucio/login?instance=silent"))
            _until(lambda: len(silent.requests) > 1)


def _asking(server: Server, path: str) -> socket.socket:
    """A connection on which ``path`` was asked for; closing it is leaving."""
    url = urlsplit(server.url)
    connection = socket.create_connection((url.hostname or "", url.port or 80), timeout=20)
    connection.sendall(
        f"GET {url.path}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: token {TOKEN}\r\n\r\n".encode()
    )
    return connection


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("odd", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_an_odd_file_beside_a_notebook_keeps_no_request_waiting(server: Server, odd: Callable[[Path], None]) -> None:
    digest = "sha256:" + "0" * 64
    lock = {"did": "s:long", "type": "DATASET", "files": 100, "bytes": 1, "open": True, "digest": digest, "locked": "x"}
    value = {"requirements": [{"did": "s:long", "handle": "long"}], "lock": {"long": lock}}
    path = put(server, "odd.ipynb", notebook(metadata={"nbrucio": value}))
    odd(path.with_name("odd.ipynb.nbrucio-lock.json"))
    began = time.monotonic()
    server.open("odd.ipynb")
    assert server.settled("odd.ipynb")["requirements"] == {"long": "failed"}
    told = manifest_of(server, "odd.ipynb").manifest().entries["long"].error
    assert told is not None
    assert told["code"] == "unreadable-file"
    assert "odd.ipynb.nbrucio-lock.json cannot be read: it is not a regular file." in told["message"]
    status, answer = server.ask(f"nbrucio/status?path={server.api('odd.ipynb')}")
    assert status == 200, answer
    assert "unreadable-file" in json.dumps(answer)
    assert time.monotonic() - began < SILENT_S
