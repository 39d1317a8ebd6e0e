"""root:// storage, on a real xrootd server."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from nbrucio.core.events import BytesArrived, Event, FileFinished, FileStarted, SilentReporter
from nbrucio.core.files import Replica
from nbrucio.errors import IntegrityError, Interrupted, MissingDependency, TransferFailed
from nbrucio.store import Store
from nbrucio.transfer.errors import PermanentError
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import Outcome, StorageAccess, Task
from nbrucio.transfer.xrootd_children import XrootdChildren, ca_variables, has_own_cas
from tests.support.faulty_disk import INSTANCE, entry, objects
from tests.support.hostile_storage import GOOD, write_ca
from tests.support.listener import Listener
from tests.support.xrootd_server import XrootdServer
from tests.transfer.conftest import PATIENT, QUICK, task

Bring = Callable[..., Outcome]


@pytest.fixture
def bring(store: Store, access: StorageAccess, listener: Listener) -> Bring:
    """Bring the good file from these PFNs, in this order; over root:// in this process, as without CAs."""

    def bring(*pfns: str, access: StorageAccess = access) -> Outcome:
        if all(pfn.startswith("root:") for pfn in pfns):
            access = replace(access, ca=None)
        (outcome,) = fetch([task(*pfns)], store, {INSTANCE: access}, listener, limits=PATIENT)
        return outcome

    return bring


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_the_process_that_started_it(xrootd: XrootdServer, how: signal.Signals) -> None:
    code = (
        "import sys, time, pathlib as p; from tests.support.xrootd_server import XrootdServer\n"
        "server = XrootdServer(p.Path(sys.argv[1]), p.Path(sys.argv[2])); server.start()\n"
        "print(server.port, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(xrootd.folder), str(xrootd.run.parent / how.name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        starter.send_signal(how)
    deadline = time.monotonic() + 30
    while _answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _answers(port)
    assert _answers(xrootd.port)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("scheme", ["root", "https"])
def test_a_file_is_read_whole(xrootd: XrootdServer, bring: Bring, scheme: str) -> None:
    outcome = bring(xrootd.pfn(xrootd.folder / "good.root", scheme))
    assert outcome.stored is not None, outcome.error
    assert outcome.stored.path.read_bytes() == GOOD


def test_no_file_stays_open_at_the_server(xrootd: XrootdServer, bring: Bring) -> None:
    for name in ("good.root", "wrong.root"):
        bring(xrootd.pfn(xrootd.folder / name))
    deadline = time.monotonic() + 10
    while _open_files(xrootd) and time.monotonic() < deadline:
        time.sleep(0.05)  # the server closes a moment after it said so
    assert _open_files(xrootd) == []


def _open_files(xrootd: XrootdServer) -> list[str]:
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # it was closed, or its process ended
            found.append(str(link.readlink()))
    return [path for path in found if path.startswith(f"{xrootd.folder}/")]


@pytest.mark.parametrize("scheme", ["root", "https"])
@pytest.mark.parametrize("name", ["wrong.root", "long.root", "short.root"])
def test_wrong_bytes_get_no_final_name(
    xrootd: XrootdServer, bring: Bring, store: Store, name: str, scheme: str
) -> None:
    outcome = bring(xrootd.pfn(xrootd.folder / name, scheme))
    assert isinstance(outcome.error, IntegrityError), outcome.error
    assert objects(store.root) == []


@pytest.mark.parametrize("name", ["absent", "folder"])
def test_what_is_no_file_is_followed_by_the_next_replica(xrootd: XrootdServer, bring: Bring, name: str) -> None:
    odd = xrootd.pfn(xrootd.folder / name)
    assert isinstance(bring(odd).error, TransferFailed)
    assert bring(odd, xrootd.pfn(xrootd.folder / "good.root")).stored is not None


def test_what_is_here_is_not_read_again(xrootd: XrootdServer, store: Store) -> None:
    partial = store.session().begin(INSTANCE, entry("good.root", GOOD), lambda: None)
    partial.write(GOOD[:300_000])
    partial.keep()
    listener = Listener()
    (outcome,) = fetch([task(xrootd.pfn(xrootd.folder / "good.root"))], store, {}, listener)
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == GOOD
    assert [event.resumed_bytes for event in listener.events if isinstance(event, FileStarted)] == [300_000]
    assert sum(event.count for event in listener.events if isinstance(event, BytesArrived)) == len(GOOD) - 300_000


def test_a_large_file_is_read_ahead_in_order(xrootd: XrootdServer, store: Store) -> None:
    content = os.urandom(5_500_000)
    (xrootd.folder / "large").write_bytes(content)
    wanted = Task(INSTANCE, entry("large", content), (Replica("R", xrootd.pfn(xrootd.folder / "large")),))
    (outcome,) = fetch([wanted], store, {}, SilentReporter())
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == content


def test_a_server_that_is_not_there_is_an_error_of_the_tree(bring: Bring) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(bring(f"root://127.0.0.1:{port}//x").error, TransferFailed)


def test_a_mute_server_does_not_hold_up_a_cancel(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        cancel = threading.Event()
        threading.Timer(0.5, cancel.set).start()
        began = time.monotonic()
        pfn = f"root://127.0.0.1:{mute.getsockname()[1]}//x"
        with pytest.raises(Interrupted):
            fetch([task(pfn)], store, {}, SilentReporter(), cancel=cancel)
        assert time.monotonic() - began < 20  # XRootD itself waits for minutes


def test_a_mute_server_is_ended_by_its_speed(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        pfn = f"root://127.0.0.1:{mute.getsockname()[1]}//x"
        (outcome,) = fetch([task(pfn)], store, {}, SilentReporter(), limits=QUICK)
        assert isinstance(outcome.error, TransferFailed)
        assert "stalled" in str(outcome.error)


def test_the_token_goes_over_tls_only() -> None:
    from nbrucio.transfer.xrootd import Xrootd

    source = Xrootd(StorageAccess(token="secret"), QUICK)
    own = "xrd.wantprot=gsi,krb5,sss,unix,pwd,host"
    assert source._url("root://host//x") == f"root://host//x?{own}"
    assert source._url("roots://host//x?a=b") == f"roots://host//x?a=b&authz=Bearer%20secret&{own}"


def test_https_of_another_ca_is_refused(xrootd: XrootdServer, bring: Bring, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    access = StorageAccess(ca=write_ca(trustme.CA(), folder))
    assert isinstance(bring(xrootd.pfn(xrootd.folder / "good.root", "https"), access=access).error, TransferFailed)


def test_without_the_bindings_another_protocol_is_tried_and_the_error_says_what_to_install(
    xrootd: XrootdServer, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "XRootD", None)
    path = xrootd.folder / "good.root"
    error = bring(xrootd.pfn(path)).error
    assert isinstance(error, MissingDependency)
    assert error.next_command == "pip install 'nbrucio[xrootd]'"
    assert bring(xrootd.pfn(path), xrootd.pfn(path, "https")).stored is not None


@pytest.mark.parametrize(
    ("chosen", "wanted"), [("", "gsi,krb5,sss,unix,pwd,host"), ("ztn,gsi", "gsi"), ("ztn", "host"), ("unix", "unix")]
)
def test_the_library_sends_a_token_that_it_discovers_only_where_it_is_the_instances(
    monkeypatch: pytest.MonkeyPatch, chosen: str, wanted: str
) -> None:
    from nbrucio.transfer.xrootd import Xrootd

    monkeypatch.setenv("XrdSecPROTOCOL", chosen)
    assert Xrootd(StorageAccess(), QUICK)._url("roots://host//x") == f"roots://host//x?xrd.wantprot={wanted}"
    assert Xrootd(StorageAccess(discovers_token=True), QUICK)._url("roots://host//x") == "roots://host//x"


# --- CAs of instances -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def other_xrootd(other_ca: trustme.CA) -> Iterator[XrootdServer]:
    """A server with a certificate of another CA."""
    root = Path(tempfile.mkdtemp(prefix="nbrucio-xrootd-"))
    root.chmod(0o755)
    (root / "files").mkdir()
    (root / "files" / "good.root").write_bytes(GOOD)
    certificate = root / "server.pem"
    certificate.touch(0o600)
    other_ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    server = XrootdServer(root / "files", root / "run", certificate)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(root)


def by_tls(server: XrootdServer) -> str:
    """The URL of its good file over TLS."""
    return server.pfn(server.folder / "good.root").replace("root://", "roots://", 1)


def test_each_of_two_instances_is_verified_by_its_own_cas(
    xrootd: XrootdServer, other_xrootd: XrootdServer, ca: trustme.CA, other_ca: trustme.CA, store: Store, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = write_ca(ca, tmp_path / "one"), write_ca(other_ca, tmp_path / "other")
    access = {"a": StorageAccess(ca=one), "b": StorageAccess(ca=other), "wrong": StorageAccess(ca=one)}
    wanted = {"a": xrootd, "b": other_xrootd, "wrong": other_xrootd}
    before = dict(os.environ)
    outcomes = fetch(
        [Task(name, entry(f"{name}.root", GOOD), (Replica("R", by_tls(server)),)) for name, server in wanted.items()],
        store,
        access,
        SilentReporter(),
        limits=PATIENT,
    )
    by_name = {outcome.task.instance: outcome for outcome in outcomes}
    assert [by_name[name].error for name in ("a", "b")] == [None, None]
    assert "TLS error" in str(by_name["wrong"].error)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("variables", "ca_folder", "scheme", "is_own"),
    [
        ({}, None, "root", False),
        ({}, None, "roots", True),
        ({}, "/etc/grid-security/certificates", "root", False),
        ({"X509_CERT_DIR": "/cvmfs/cas"}, "/cvmfs/cas", "roots", False),
        ({"X509_CERT_DIR": "/cvmfs/cas"}, "/own", "root", True),
        ({"X509_CERT_FILE": "/other"}, "/etc/grid-security/certificates", "root", True),
    ],
)
def test_children_read_for_instances_whose_cas_are_not_those_of_the_process(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], ca_folder: str | None, scheme: str, is_own: bool
) -> None:
    for name in ("X509_CERT_DIR", "X509_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_own_cas(StorageAccess(ca=ca_folder and Path(ca_folder)), scheme) is is_own  # type: ignore[arg-type]


def test_the_variables_of_a_child_name_its_own_cas_and_no_others(tmp_path: Path) -> None:
    folder, file, empty = tmp_path / "cas", tmp_path / "ca.pem", tmp_path / "empty"
    folder.mkdir()
    system = ssl.get_default_verify_paths()
    assert ca_variables(StorageAccess(ca=file), empty) == {
        "X509_CERT_DIR": str(empty),
        "XrdSecGSICADIR": str(empty),
        "X509_CERT_FILE": str(file),
    }
    alone = {"X509_CERT_DIR": str(folder), "XrdSecGSICADIR": str(folder)}
    assert ca_variables(StorageAccess(ca=folder), empty) == alone
    with_system = ca_variables(StorageAccess(ca=folder, with_system_cas=True), empty)
    assert with_system == alone | ({"X509_CERT_FILE": system.cafile} if system.cafile else {})


def test_a_child_reads_on_from_where_a_file_was_cut_and_gives_up_when_asked(
    xrootd: XrootdServer, ca: trustme.CA, store: Store, tmp_path: Path
) -> None:
    access = {INSTANCE: StorageAccess(ca=write_ca(ca, tmp_path))}
    partial = store.session().begin(INSTANCE, entry("good.root", GOOD), lambda: None)
    partial.write(GOOD[:300_000])
    partial.keep()
    listener = Listener()
    (outcome,) = fetch([task(by_tls(xrootd))], store, access, listener)
    assert outcome.stored is not None, outcome.error
    assert sum(event.count for event in listener.events if isinstance(event, BytesArrived)) == len(GOOD) - 300_000
    with socket.create_server(("127.0.0.1", 0)) as mute:
        cancel = threading.Event()
        timer = threading.Timer(0.5, cancel.set)
        timer.start()
        pfn = f"root://127.0.0.1:{mute.getsockname()[1]}//x"
        other = Task(INSTANCE, entry("other", GOOD), (Replica("R", pfn),))
        with pytest.raises(Interrupted):
            fetch([other], store, access, SilentReporter(), cancel=cancel)
        timer.join()


def test_a_silent_server_does_not_hold_up_the_other_files_of_a_child(
    xrootd: XrootdServer, ca: trustme.CA, store: Store, tmp_path: Path
) -> None:
    cancel = threading.Event()
    tasks = [Task(INSTANCE, entry(f"good{n}", GOOD), (Replica("R", by_tls(xrootd)),)) for n in range(40)]

    class Stopping(SilentReporter):
        left = len(tasks)

        def report(self, event: Event) -> None:
            if isinstance(event, FileFinished):
                self.left -= 1
                if not self.left:
                    cancel.set()

    with socket.create_server(("127.0.0.1", 0)) as mute:
        pfn = f"root://127.0.0.1:{mute.getsockname()[1]}//x"
        silent = [Task(INSTANCE, entry(f"silent{n}", GOOD), (Replica("R", pfn),)) for n in range(4)]
        access = {INSTANCE: StorageAccess(ca=write_ca(ca, tmp_path))}
        with pytest.raises(Interrupted):
            fetch([*silent, *tasks], store, access, Stopping(), limits=replace(PATIENT, stall_s=60.0), cancel=cancel)
    assert all(store.find(INSTANCE, one.entry) for one in tasks)


def test_a_child_reports_what_a_storage_refuses(xrootd: XrootdServer, ca: trustme.CA, tmp_path: Path) -> None:
    children = XrootdChildren(StorageAccess(ca=write_ca(ca, tmp_path)), PATIENT)
    sink = SimpleNamespace(
        offset=0,
        end=None,
        entry=entry("absent", GOOD),
        check=lambda: None,
        on_abort=lambda _: None,
        off_abort=lambda _: None,
        write=lambda _: None,
    )
    try:
        for _ in range(2):  # the same child
            with pytest.raises(PermanentError, match="no such file"):
                children.read(Replica("R", by_tls(xrootd).replace("good", "absent")), sink)  # type: ignore[arg-type]
    finally:
        children.close()
