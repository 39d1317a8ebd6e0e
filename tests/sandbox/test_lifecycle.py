"""A sandbox starts, stops, comes back and goes, without touching what is not its own."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nbrucio.errors import MissingDependency, NbrucioError, UnreadableFile, UsageError
from nbrucio.sandbox import Sandbox, seed, servers
from nbrucio.sandbox import sandbox as sandbox_module
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.process import Process, spawn
from nbrucio.sandbox.state import State, load_state


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A second sandbox, which these tests stop and start; its path has characters that need care in configurations."""
    own = Sandbox(tmp_path_factory.mktemp("own") / "a 100% sandbox", tied=True)
    try:
        yield own
    finally:
        own.stop()


def _data_names(sandbox: Sandbox) -> set[str]:
    with sandbox.client() as client:
        return set(client.list_dids("sandbox", [{"name": "*"}], did_type="all"))


def _answers(url: str) -> bool:
    host, port = url.rpartition("/")[2].split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_start_again_changes_nothing(sandbox: Sandbox) -> None:
    before = sandbox.status()
    sandbox.start()
    Sandbox(sandbox.root).start()
    assert sandbox.status() == before
    assert before.running
    assert before.seeded


def test_two_sandboxes_run_side_by_side(sandbox: Sandbox, own: Sandbox) -> None:
    own.start()
    assert own.status().running
    assert sandbox.status().running
    assert not set(own.status().pids) & set(sandbox.status().pids)
    with own.admin() as client:
        seed.add_file(client, "sandbox", "only.here", b"x", ["SANDBOX_POSIX"])
    assert "only.here" in _data_names(own)
    assert "only.here" not in _data_names(sandbox)


def test_stop_by_another_process_ends_both_servers(own: Sandbox) -> None:
    own.start()
    before = own.status()
    code = "import sys, pathlib; from nbrucio.sandbox import Sandbox; Sandbox(pathlib.Path(sys.argv[1])).stop()"
    subprocess.run([sys.executable, "-c", code, str(own.root)], check=True)
    assert before.server_url is not None
    assert before.storage_url is not None
    assert not own.status().running
    assert own.status().pids == ()
    assert not _answers(before.server_url)
    assert not _answers(before.storage_url)
    own.stop()


def test_content_and_ports_survive_a_restart(own: Sandbox) -> None:
    own.start()
    before, names = own.status(), _data_names(own)
    own.stop()
    own.start()
    after = own.status()
    assert _data_names(own) == names
    assert (after.server_url, after.storage_url) == (before.server_url, before.storage_url)


def test_ports_are_none_that_a_connection_takes_by_chance() -> None:
    with servers.listen(0) as one, servers.listen(one.getsockname()[1]) as other:
        ports = {one.getsockname()[1], other.getsockname()[1]}
    assert len(ports) == 2
    assert max(ports) < 32_768  # the first one that Linux gives to outgoing connections; others begin higher


def _listening(port: int) -> socket.socket:
    """Listen at ``port``, which a connection of another program may use for a moment."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_taken_ports_are_replaced_everywhere(own: Sandbox) -> None:
    own.start()
    before = own.status()
    own.stop()
    assert before.server_url is not None
    assert before.storage_url is not None
    ports = [int(url.rpartition(":")[2]) for url in (before.server_url, before.storage_url)]
    with ExitStack() as taken:
        for port in ports:
            taken.enter_context(_listening(port))
        own.start()
        after = own.status()
    assert after.running
    assert after.server_url != before.server_url
    assert after.storage_url is not None
    assert str(after.server_url) in Path(own.env()["NBRUCIO_CONFIG"]).read_text()
    with own.client() as client:
        files = [{"scope": "sandbox", "name": "dimuon.4.root"}]
        (replica,) = client.list_replicas(files, schemes=["https"])
    assert [pfn.startswith(after.storage_url) for pfn in replica["pfns"]] == [True]


def test_half_dead_sandbox_starts_whole(own: Sandbox) -> None:
    own.start()
    state = load_state(own.root / "state.json")
    assert state is not None
    assert state.storage is not None
    os.killpg(state.storage.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while own.status().running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not own.status().running
    own.start()
    assert own.status().running
    assert "dimuon" in _data_names(own)


def test_an_unreadable_state_is_an_error_until_reset(tmp_path: Path) -> None:
    own = Sandbox(tmp_path / "own")
    (own.root).mkdir()
    own._layout.marker.write_text("")
    state = own.root / "state.json"
    State(seeded=True).save(state)
    state.write_bytes(state.read_bytes()[:40])
    for act in (own.start, own.status, own.stop):
        with pytest.raises(UnreadableFile, match=r"state\.json cannot be read") as refused:
            act()
        assert "nbrucio sandbox reset" in str(refused.value.hint)
    assert len(state.read_bytes()) == 40
    own.reset()
    assert not own.status().seeded


def test_killed_first_start_is_made_good_by_the_next(tmp_path: Path) -> None:
    root = tmp_path / "killed"
    code = "import sys, pathlib; from nbrucio.sandbox import Sandbox; Sandbox(pathlib.Path(sys.argv[1])).start()"
    starter = subprocess.Popen([sys.executable, "-c", code, str(root)])
    own = Sandbox(root)
    while len(own.status().pids) < 2:
        assert starter.poll() is None
        time.sleep(0.02)
    starter.kill()
    starter.wait()
    left_over = own.status()
    assert not left_over.running
    try:
        # Two at once: the second waits for the first and finds everything done.
        both = [subprocess.Popen([sys.executable, "-c", code, str(root)]) for _ in range(2)]
        assert [process.wait() for process in both] == [0, 0]
        assert own.status().running
        assert not set(left_over.pids) & set(own.status().pids)
        assert "odd.names" in _data_names(own)
        own.reset()
        assert not own.status().seeded
        assert not any((root / name).exists() for name in ("server", "storage", "client", "nbrucio.toml"))
    finally:
        own.stop()


def test_tied_servers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    root = tmp_path / "tied"
    code = (
        "import sys, pathlib as p; from nbrucio.sandbox import Sandbox; Sandbox(p.Path(sys.argv[1]), tied=True).start()"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(root)])
    own = Sandbox(root)
    try:
        while len(own.status().pids) < 2:
            assert starter.poll() is None
            time.sleep(0.02)
        starter.kill()
        starter.wait()
        deadline = time.monotonic() + 30
        while own.status().pids and time.monotonic() < deadline:
            time.sleep(0.05)
        assert own.status().pids == ()
    finally:
        own.stop()


def test_stop_never_ends_a_process_that_got_the_same_number() -> None:
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        Process(bystander.pid, "started at another time").stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_stop_waits_for_a_worker_that_its_server_left(tmp_path: Path) -> None:
    # A server on a busy machine kills a slow worker and ends before it; the worker then still holds the port.
    server = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        leader = spawn([sys.executable, "-c", server], os.environ, log, listener.fileno())
    while not log.exists() or "ready" not in log.read_text():
        assert leader.alive()
        time.sleep(0.02)
    leader.stop()
    socket.create_server(address).close()


def test_folder_of_somebody_else_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="is not empty and not a sandbox"):
        Sandbox(tmp_path).start()
    with pytest.raises(UsageError, match="nothing was deleted"):
        Sandbox(tmp_path).reset()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_server_that_ends_at_boot_is_reported_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [sys.executable, "-c", "raise RuntimeError('this library is broken')"]
    monkeypatch.setattr(servers, "child_command", lambda *_: broken)
    own = Sandbox(tmp_path / "sandbox")
    with pytest.raises(NbrucioError, match="ended while it started") as caught:
        own.start()
    assert "this library is broken" in str(caught.value.hint)
    assert caught.value.next_command == "nbrucio sandbox reset"
    assert own.status().pids == ()


def test_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_module, "_NEEDED", ("gunicorn", "surely_absent.web"))
    with pytest.raises(MissingDependency, match="surely_absent") as caught:
        Sandbox(tmp_path).start()
    assert caught.value.next_command == "pip install 'nbrucio[sandbox]'"


def test_clients_of_a_stopped_sandbox_say_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(NbrucioError, match="is not running") as caught:
        Sandbox(tmp_path / "never").admin()
    assert caught.value.next_command == "nbrucio sandbox start"
    assert not (tmp_path / "never").exists()


def test_passwords_are_for_the_owner_alone(sandbox: Sandbox) -> None:
    layout = SandboxLayout(sandbox.root)
    assert stat.S_IMODE(layout.root.stat().st_mode) == 0o700
    secret = [layout.state, layout.config, layout.server / "etc" / "rucio.cfg", layout.client / "etc" / "rucio.cfg"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in secret] == [0o600] * len(secret)
