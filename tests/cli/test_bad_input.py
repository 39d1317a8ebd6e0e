"""What bad input gets: words, the next step, an exit code of its own, nothing lost and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli

Write = Callable[..., Path]
Placed = Callable[..., list[Path]]


def objects(cli: Cli) -> list[Path]:
    """Every file that has a final name in the store."""
    return [path for path in (cli.store / "objects").rglob("*") if path.is_file() and path.suffix != ".json"]


def outside(cli: Cli, known: set[Path]) -> set[Path]:
    """Files that appeared anywhere but in the store, the runtime folder, the user's cache and what he agreed to."""
    home = Path(cli.env["HOME"])
    inside = {cli.store, Path(cli.env["NBRUCIO_RUNTIME_DIR"]), home / ".cache", home / ".config" / "nbrucio"}
    found = {path for path in cli.store.parent.rglob("*") if path.is_file()}
    return {path for path in found - known if not inside & set(path.parents)}


# --- instances and credentials ----------------------------------------------------------------------------------------


def test_no_instance_is_configured(cli: Cli, notebook: Write) -> None:
    result = cli("sync", notebook({"did": "sandbox:dimuon", "handle": "x"}), NBRUCIO_CONFIG="/dev/null")
    assert result.exit_code == 2
    assert "No Rucio instance is configured on this machine." in result.err
    assert "config.toml" in result.err


def test_a_notebook_that_names_an_unknown_instance(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "x", "instance": "evil.example"})
    result = connected("sync", path)
    assert result.exit_code == 2
    assert "The Rucio instance 'evil.example' is not configured on this machine." in result.err
    assert "Configured instances: sandbox." in result.err


def test_an_unknown_did(connected: Cli, notebook: Write) -> None:
    result = connected("sync", notebook({"did": "sandbox:nothing", "handle": "x"}))
    assert result.exit_code == 4
    assert "sandbox:nothing" in result.err
    assert connected("show", "sandbox:nothing").exit_code == 4
    assert connected("add", connected.folder / "nb.ipynb", "sandbox:nothing2").exit_code == 4


def changed_config(cli: Cli, old: str, new: str) -> str:
    """A copy of the configuration with one setting changed; its path."""
    text = Path(cli.env["NBRUCIO_CONFIG"]).read_text()
    lines = [new if line.startswith(old) else line for line in text.splitlines()]
    path = cli.folder / "changed.toml"
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return str(path)


def test_a_wrong_password(connected: Cli, notebook: Write) -> None:
    config = changed_config(connected, "password", 'password = "wrong"')
    result = connected("sync", notebook({"did": "sandbox:dimuon", "handle": "x"}), NBRUCIO_CONFIG=config)
    assert result.exit_code == 7
    assert "wrong" not in result.err.replace("wrong password", "")
    assert objects(connected) == []


def test_a_server_that_is_down(connected: Cli, notebook: Write) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}"
        path = notebook({"did": "sandbox:growing", "handle": "x"})
        config = changed_config(connected, "host", f'host = "{dead}"')
        Path(config).write_text(Path(config).read_text().replace("auth_host", f'auth_host = "{dead}" #'))
        assert connected("sync", path, NBRUCIO_CONFIG=config).exit_code == 8
        connected("sync", path)
        assert connected("sync", path, NBRUCIO_CONFIG=config).exit_code == 0


def test_offline_names_what_is_missing(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "x"})
    before = sandbox.access_log.read_text()
    assert connected("sync", path, "--offline").exit_code == 8
    assert connected("sync", path, NBRUCIO_SAFE="1").exit_code == 8
    assert sandbox.access_log.read_text() == before


def test_rucio_download_ends_with_0_when_nothing_came_and_we_do_not(connected: Cli, notebook: Write) -> None:
    rucio = Path(sys.executable).with_name("rucio")
    theirs = subprocess.run(
        [rucio, "download", "sandbox:nothing"],
        env=connected.env,
        cwd=connected.folder,
        capture_output=True,
        check=False,
    )
    ours = connected("sync", notebook({"did": "sandbox:nothing", "handle": "x"}))
    assert (theirs.returncode, ours.exit_code) == (0, 4)


# --- replicas ---------------------------------------------------------------------------------------------------------


def test_a_corrupted_replica_is_passed_over(connected: Cli, notebook: Write, placed: Placed) -> None:
    data = os.urandom(100_000)
    first, second = placed("twice.dat", data, "SANDBOX_POSIX", "SANDBOX_HTTPS")
    path = notebook({"did": "sandbox:twice.dat", "handle": "x"})
    codes = []
    for bad in (first, second):
        bad.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        codes.append(connected("sync", path, NBRUCIO_STORE=str(connected.folder / f"store {len(codes)}")).exit_code)
    assert codes == [0, 9]


def test_a_file_whose_every_replica_is_corrupted(connected: Cli, notebook: Write, placed: Placed) -> None:
    (replica,) = placed("bad.dat", b"right" * 1000, "SANDBOX_HTTPS")
    replica.write_bytes(b"wrong" * 1000)
    result = connected("sync", notebook({"did": "sandbox:bad.dat", "handle": "x"}))
    assert result.exit_code == 9
    assert "sandbox:bad.dat" in result.err
    assert "SANDBOX_HTTPS" in result.err
    assert objects(connected) == []


def test_a_replica_that_is_gone(connected: Cli, notebook: Write, placed: Placed) -> None:
    (replica,) = placed("gone.dat", b"x", "SANDBOX_HTTPS")
    replica.unlink()
    result = connected("sync", notebook({"did": "sandbox:gone.dat", "handle": "x"}))
    assert (result.exit_code, objects(connected)) == (4, [])
    assert "sandbox:gone.dat" in result.err


@pytest.mark.parametrize("name", ["a/b/c.dat", "odd/../up.dat", "x/payload.part", "n" * 250, "/abs/x.dat"])
def test_odd_names_stay_in_the_store(connected: Cli, notebook: Write, placed: Placed, name: str) -> None:
    placed(name, name.encode(), "SANDBOX_HTTPS")
    path = notebook({"did": f"sandbox:{name}", "handle": "x"})
    known = {each for each in connected.store.parent.rglob("*") if each.is_file()}
    result = connected("sync", path)
    assert result.exit_code == 0, result.err
    (file,) = connected("paths", path).out.splitlines()
    assert Path(file).resolve().is_relative_to(connected.store.resolve())
    assert Path(file).read_text() == name
    assert outside(connected, known) == set()


# --- disks ------------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_before_the_first_byte(connected: Cli, notebook: Write, sandbox: Sandbox) -> None:
    config = connected.folder / "policy.toml"
    config.write_text(Path(connected.env["NBRUCIO_CONFIG"]).read_text() + '\n[policy]\nkeep_free = "1000 TB"\n')
    before = sandbox.storage_log.read_text()
    result = connected("sync", notebook({"did": "sandbox:dimuon", "handle": "x"}), NBRUCIO_CONFIG=str(config))
    assert result.exit_code == 6
    assert "9.3 MB would be downloaded" in result.err
    assert (sandbox.storage_log.read_text(), objects(connected)) == (before, [])


def test_a_download_over_the_budget_is_refused(connected: Cli, notebook: Write) -> None:
    config = connected.folder / "policy.toml"
    config.write_text(Path(connected.env["NBRUCIO_CONFIG"]).read_text() + '\n[policy]\nmax_download = "1 MB"\n')
    result = connected("sync", notebook({"did": "sandbox:dimuon", "handle": "x"}), NBRUCIO_CONFIG=str(config))
    assert (result.exit_code, objects(connected)) == (6, [])
    assert "this machine allows 1.0 MB in one sync" in result.err


def test_a_disk_that_fills_up_meanwhile(connected: Cli, notebook: Write, placed: Placed) -> None:
    placed("large.dat", os.urandom(3_000_000), "SANDBOX_HTTPS")
    path = notebook({"did": "sandbox:large.dat", "handle": "x"})
    # A limit on file size needs no file system of its own. It gives EFBIG where a full disk gives ENOSPC.
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000));"
        "sys.argv = ['nbrucio', 'sync', sys.argv[1]]; from nbrucio_cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=connected.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert objects(connected) == []
    assert connected("sync", path).exit_code == 0


def test_a_store_that_cannot_be_written(connected: Cli, notebook: Write) -> None:
    blocked = connected.folder / "blocked"
    blocked.write_text("a file stands where the store should be")
    result = connected("sync", notebook({"did": "sandbox:growing", "handle": "x"}), NBRUCIO_STORE=str(blocked))
    assert result.exit_code not in (0, 1)
    assert str(blocked) in result.err
    assert blocked.read_text() == "a file stands where the store should be"


@pytest.mark.parametrize("files", [11, 13])
def test_a_process_that_may_open_few_files(connected: Cli, notebook: Write, files: int) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "x"})
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}));"
        "sys.argv = ['nbrucio', 'sync', sys.argv[1]]; from nbrucio_cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=connected.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert errors
    assert all("nbrucio cannot open more files: this process has too many open." in line for line in errors)
    assert "`ulimit -n 4096`" in done.stderr
    assert connected("sync", path).exit_code == 0


# --- killed, and twice at once ----------------------------------------------------------------------------------------


@contextmanager
def running(cli: Cli, *words: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "nbrucio_cli", *map(str, words)],
        env=cli.env,
        cwd=cli.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_two_syncs_at_once_both_succeed_and_share(
    connected: Cli, notebook: Write, sandbox: Sandbox, placed: Placed
) -> None:
    placed("shared.dat", os.urandom(20_000_000), "SANDBOX_HTTPS")
    path = notebook({"did": "sandbox:shared.dat", "handle": "x"})
    before = len(sandbox.storage_log.read_text().splitlines())
    with running(connected, "sync", path, "-q") as one, running(connected, "sync", path, "-q") as two:
        assert [one.wait(60), two.wait(60)] == [0, 0]
    fetched = [line for line in sandbox.storage_log.read_text().splitlines()[before:] if line.startswith("GET")]
    assert len(fetched) == 1
    assert len(objects(connected)) == 1


def test_a_killed_sync_leaves_no_file_and_the_next_one_completes(
    connected: Cli, notebook: Write, thousand: str
) -> None:
    path = notebook({"did": thousand, "handle": "x"})
    with running(connected, "sync", path, "-q") as process:
        deadline = time.monotonic() + 60
        while len(objects(connected)) < 50 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished = objects(connected)
    assert 50 <= len(finished) <= 1000
    assert all(file.read_text().startswith("file ") for file in finished)
    result = connected("sync", path, "--json")
    assert result.exit_code == 0
    assert result.facts["downloaded_files"] <= 1000 - len(finished) + 8  # at most what was in flight comes twice
    assert len(objects(connected)) == 1000


def test_ctrl_c_ends_with_130(connected: Cli, notebook: Write, thousand: str) -> None:
    path = notebook({"did": thousand, "handle": "x"})
    with running(connected, "sync", path) as process:
        deadline = time.monotonic() + 60
        while len(objects(connected)) < 10 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err


# --- the tool itself --------------------------------------------------------------------------------------------------


def test_an_unknown_verb_names_the_closest(cli: Cli) -> None:
    result = cli("snyc", "nb.ipynb")
    assert result.exit_code == 2
    assert "Did you mean sync" in result.err


def test_errors_are_json_where_json_is_asked_for(cli: Cli) -> None:
    result = cli("sync", "missing.ipynb", "--json")
    facts = result.facts
    assert facts["exit_code"] == result.exit_code == 2
    assert facts["notebooks"][0]["faults"][0]["code"] == "bad-notebook"
    assert json.loads(cli("show", "nocolon", "--json").out)["error"]["code"] == "bad-did"


def test_data_is_listed_and_downloaded_without_rucio_clients(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "sandbox:growing", "handle": "x"})
    connected("sync", path)
    blocked = connected.folder / "blocker"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text("import sys\nsys.modules['rucio'] = None\n")
    env = {"PYTHONPATH": str(blocked)}
    assert connected("status", path, **env).exit_code == 0
    assert connected("sync", path, **env).exit_code == 0
    other = notebook({"did": "sandbox:dimuon", "handle": "y"}, name="other.ipynb")
    assert connected("sync", other, **env, XDG_CACHE_HOME=str(connected.folder / "no-token")).exit_code == 0
    blocking = Cli(connected.folder, connected.env | env | {"NBRUCIO_NOTEBOOK": str(path)})
    assert blocking.python("import nbrucio; print(len(nbrucio.data['x']))").strip() == "2"
