"""Uploads that fail: each file has its reason in nbrucio's words, and the log has Rucio's."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbrucio.config import Config, Instance
from nbrucio.core.did import Did
from nbrucio.core.events import ApplyStarted, Event
from nbrucio.errors import CredentialsRejected, NbrucioError, UnreadableFile
from nbrucio.operations.upload.faults import UploadErrors, transfer_reason
from nbrucio.operations.upload.upload import UploadReport, UploadTarget, upload
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import replica_paths
from tests.support.odd_rses import forget_rses

RSE, SCOPE, OTHER = "SANDBOX_SCRATCHDISK", "user.sandbox", "user.other"
EMPTY, CLOSED, SMALL = "EMPTY_SCRATCHDISK", "CLOSED_SCRATCHDISK", "SMALL_SCRATCHDISK"
_DOMAIN = {"read": 1, "write": 1, "delete": 1}
PROTOCOL = {
    "scheme": "file",
    "hostname": "localhost",
    "port": 0,
    "impl": "rucio.rse.protocols.posix.Default",
    "domains": {"lan": _DOMAIN, "wan": _DOMAIN},
}

#: Sends a file that Rucio does not know at first, as when another upload registers it meanwhile.
LATE = """
import sys
from pathlib import Path
from rucio.client import Client
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.operations.upload.destination import UploadDataset
from nbrucio.operations.upload.faults import UploadErrors
from nbrucio.operations.upload.send import Sender

class LateClient(Client):
    def get_metadata_bulk(self, dids):
        del LateClient.get_metadata_bulk
        return []

path, did, dataset, rse = Path(sys.argv[1]), Did.parse(sys.argv[2]), Did.parse(sys.argv[3]), sys.argv[4]
client, instance = LateClient(), Instance("sandbox", "sandbox", "http://localhost", "http://localhost", "userpass")
errors = UploadErrors(instance, rse, did.scope, print)
target = UploadDataset(client, dataset, rse, None, True, errors, print)
print(Sender(client, instance, rse, target, None, errors).send(path, did, print))
"""


class Listener:
    """Acts when the files are known, before the first is sent."""

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self._act = act

    def report(self, event: Event) -> None:
        if isinstance(event, ApplyStarted):
            self._act()


@pytest.fixture
def refusing_rses(sandbox: Sandbox) -> Iterator[None]:
    """An RSE without protocols, and one that is closed for writing; removed, since others ask for all RSEs."""
    with sandbox.admin() as client:
        client.add_rse(EMPTY)
        client.add_rse(CLOSED)
        client.update_rse(CLOSED, {"availability_write": False})
    yield
    for name in (EMPTY, CLOSED):
        forget_rses(sandbox, name)


@pytest.fixture
def send(config: Config, sandbox: Sandbox, tmp_path: Path) -> Callable[..., tuple[UploadReport, list[str]]]:
    """Uploads files, and returns the report and the words for the log."""

    def run(
        *paths: Path,
        rse: str = RSE,
        scope: str = SCOPE,
        dataset: Did | None = None,
        act: Callable[[], object] = lambda: None,
    ) -> object:
        words: list[str] = []
        environ = {**os.environ, **sandbox.env(), "HOME": str(tmp_path)}
        target = UploadTarget(rse, scope, dataset)
        report = upload(paths, target, config, reporter=Listener(act), detail=words.append, environ=environ)
        return report, words

    return run  # type: ignore[return-value]


def test_each_file_has_its_own_reason_and_the_others_are_sent(
    send: Callable[..., tuple[UploadReport, list[str]]], tmp_path: Path
) -> None:
    own = uuid.uuid4().hex[:8]
    names = ("empty", "ok", "gone", "my file", "größe", "twice")
    files = {name: tmp_path / f"{own}.{name}" for name in names}
    for name, path in files.items():
        path.write_bytes(b"" if name == "empty" else name.encode())
    assert send(files["twice"])[0].exit_code == 0
    files["twice"].write_bytes(b"other")
    report, words = send(*files.values(), act=files["gone"].unlink)
    found = {result.file.path.suffix[1:]: (result.state, result.error) for result in report.files}
    assert {name for name, (state, _) in found.items() if state == "uploaded"} == {"empty", "ok"}
    reasons = {name: error.message for name, (_, error) in found.items() if error}
    assert reasons == {
        "gone": f"'{own}.gone' was removed before it was sent.",
        "my file": f"sandbox does not allow the name '{own}.my file'.",
        "größe": f"sandbox does not allow the name '{own}.größe'.",
        "twice": f"sandbox already has {SCOPE}:{own}.twice, and its content differs from {own}.twice.",
    }
    assert any("does not match" in each for each in words)


@pytest.mark.usefixtures("refusing_rses")
def test_a_place_that_refuses_is_named(
    send: Callable[..., tuple[UploadReport, list[str]]], sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / f"{uuid.uuid4().hex[:8]}.dat"
    path.write_bytes(b"data")
    with sandbox.admin() as client:
        if OTHER not in client.list_scopes():
            client.add_scope("root", OTHER)
    asked = [
        send(path, scope=OTHER)[0].error,
        send(path, rse="SANDBOX_POSIX")[0].error,
        send(path, rse=EMPTY)[0].files[0].error,
        send(path, rse=CLOSED)[0].error,
    ]
    assert [(error.code, error.subject, error.message) for error in asked if error] == [
        ("consent-needed", OTHER, f"Your account lacks permission to write to the scope {OTHER} of sandbox."),
        ("consent-needed", "SANDBOX_POSIX", "Your account lacks permission to add files at SANDBOX_POSIX of sandbox."),
        ("unavailable", EMPTY, f"{EMPTY} has no protocol for uploads from here."),
        ("unavailable", CLOSED, f"{CLOSED} is not available for uploads now."),
    ]


def test_an_upload_without_a_good_file_makes_no_dataset(
    send: Callable[..., tuple[UploadReport, list[str]]], sandbox: Sandbox, tmp_path: Path
) -> None:
    own = uuid.uuid4().hex[:8]
    dataset, spaced, gone, taken = (Did(SCOPE, f"{own}.{name}") for name in ("set", "sp ace", "gone", "taken"))
    paths = [tmp_path / did.name for did in (spaced, gone, taken)]
    for path in paths:
        path.write_bytes(b"data")
    with sandbox.client() as client:
        client.add_dataset(taken.scope, taken.name)
    report, _ = send(*paths, dataset=dataset, act=paths[1].unlink)
    reasons = {result.file.did: result.error.message for result in report.files if result.error}
    assert reasons == {
        spaced: f"sandbox does not allow the name '{spaced.name}'.",
        gone: f"'{gone.name}' was removed before it was sent.",
        taken: f"{taken} is a DATASET in sandbox, not a file.",
    }
    with sandbox.admin() as client:
        assert not list(client.list_dids(SCOPE, [{"name": dataset.name}], did_type="all"))
        assert not any(place.exists() for place in replica_paths(client, RSE, [spaced]).values())


def test_a_dataset_that_refuses_is_named_and_nothing_is_sent(
    send: Callable[..., tuple[UploadReport, list[str]]], sandbox: Sandbox, tmp_path: Path
) -> None:
    own = uuid.uuid4().hex[:8]
    path = tmp_path / f"{own}.dat"
    path.write_bytes(b"data")
    new, theirs, nowhere = Did(OTHER, f"{own}.new"), Did(OTHER, f"{own}.theirs"), Did("nobodys", "set")
    with sandbox.admin() as client:
        if OTHER not in client.list_scopes():
            client.add_scope("root", OTHER)
        client.add_dataset(theirs.scope, theirs.name)
    asked = [send(path, dataset=dataset)[0].error for dataset in (new, theirs, nowhere)]
    assert [(error.code, error.subject, error.message) for error in asked if error] == [
        ("consent-needed", str(new), f"Your account lacks permission to create the dataset {new} in sandbox."),
        (
            "consent-needed",
            str(theirs),
            f"Your account lacks permission to add files to the dataset {theirs} in sandbox.",
        ),
        ("usage", "nobodys", "The scope 'nobodys' does not exist in sandbox."),
    ]
    with sandbox.client() as client:
        assert not list(client.list_dids(SCOPE, [{"name": path.name}], did_type="all"))
        assert not list(client.list_did_rules(theirs.scope, theirs.name))


def test_a_file_that_another_upload_registers_meanwhile_is_present(
    send: Callable[..., tuple[UploadReport, list[str]]], sandbox: Sandbox, tmp_path: Path
) -> None:
    own = uuid.uuid4().hex[:8]
    path, did, dataset = tmp_path / f"{own}.dat", Did(SCOPE, f"{own}.dat"), Did(SCOPE, f"{own}.set")
    path.write_bytes(b"data")
    assert send(path)[0].exit_code == 0
    words = [sys.executable, "-c", LATE, str(path), str(did), str(dataset), RSE]
    environ = {**os.environ, **sandbox.env(), "HOME": str(tmp_path)}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["present"], done.stderr
    with sandbox.client() as client:
        assert [row["name"] for row in client.list_content(dataset.scope, dataset.name)] == [did.name]


def test_a_quota_that_is_used_up_is_named(
    send: Callable[..., tuple[UploadReport, list[str]]], sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / f"{uuid.uuid4().hex[:8]}.dat"
    path.write_bytes(b"data")
    with sandbox.admin() as client:
        client.add_rse(SMALL)
        client.add_protocol(SMALL, {**PROTOCOL, "prefix": f"{tmp_path}/rse/"})
        client.set_local_account_limit("sandbox", SMALL, 1)
    error = send(path, rse=SMALL)[0].error
    forget_rses(sandbox, SMALL)
    assert error is not None
    assert (error.code, error.message) == ("over-budget", f"The upload exceeds your quota at {SMALL} of sandbox.")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Checksum not validated", "the bytes that arrived differ from the file"),
        ("Filesize mismatch. Source: 1 Destination: 2", "the bytes that arrived differ from the file"),
        ("[Errno 28] No space left on device", "the storage is full"),
        ("HTTP 507", "the storage is full"),
        ("[Errno 13] Permission denied: '/rse/x'", "the storage refuses writing"),
        ("HTTPSConnectionPool(host='x'): Max retries exceeded", "the storage does not answer"),
        ("[Errno 36] File name too long", "its name is too long for the storage"),
        ("X509_USER_PROXY is not set", "the storage wants another login"),
        ("KeyError: 'prefix'", "the storage did not accept it"),
        ("", "the storage did not accept it"),
    ],
)
def test_the_words_of_a_library_become_a_reason(words: str, reason: str) -> None:
    assert transfer_reason(words).startswith(reason)


def test_unreadable_files_and_ended_logins_are_told_apart(tmp_path: Path) -> None:
    from rucio.common.exception import CannotAuthenticate

    words: list[str] = []
    errors = UploadErrors(
        Instance("rucio", "rucio", "https://rucio.example", "https://rucio.example", "userpass"),
        RSE,
        SCOPE,
        words.append,
    )
    path = tmp_path / "a.dat"

    def caught(error: Exception) -> NbrucioError:
        with pytest.raises(NbrucioError) as found, errors.translated(path):
            raise error
        return found.value

    unreadable = caught(PermissionError(13, "Permission denied", str(path)))
    assert isinstance(unreadable, UnreadableFile)
    assert unreadable.message == "'a.dat' cannot be read: permission denied."
    ended = caught(CannotAuthenticate("no valid token"))
    assert isinstance(ended, CredentialsRejected)
    assert (ended.message, ended.next_command) == (
        "The login to rucio ended during the upload.",
        "nbrucio login rucio",
    )
    assert words == ["CannotAuthenticate: no valid token"]
