"""``nbrucio upload``: files from here to a real RSE, so that a notebook elsewhere can sync them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import replica_paths
from tests.cli.conftest import Cli, Result

POSIX, HTTPS = "SANDBOX_SCRATCHDISK", "SANDBOX_HTTPS_SCRATCHDISK"
SCOPE = "user.sandbox"


@pytest.fixture
def folder(cli: Cli) -> Path:
    """A folder of three files with names of this test's own, one in a folder below, and what is not to be sent."""
    own = uuid.uuid4().hex[:8]
    results = cli.folder / "results"
    (results / "deep").mkdir(parents=True)
    (results / f"{own}.one.dat").write_bytes(b"one" * 1000)
    (results / f"{own}.two.dat").write_bytes(b"")
    (results / "deep" / f"{own}.three.dat").write_bytes(b"three")
    (results / ".hidden").write_text("secret")
    (results / "link").symlink_to("/etc/passwd")
    return results


def send(cli: Cli, *words: object, rse: str = POSIX, **env: str) -> Result:
    return cli("upload", *words, "--rse", rse, "--scope", SCOPE, **env)


@pytest.mark.parametrize("rse", [POSIX, HTTPS])
def test_a_folder_becomes_a_dataset_that_a_notebook_syncs(
    connected: Cli, folder: Path, notebook: Callable[..., Path], sandbox: Sandbox, rse: str
) -> None:
    dataset = f"results.{uuid.uuid4().hex[:8]}"
    sent = send(connected, folder, "--dataset", dataset, "--lifetime", "2d", "--json", rse=rse)
    assert sent.exit_code == 0, sent.out + sent.err
    assert [file["state"] for file in sent.facts["files"]] == ["uploaded"] * 3
    assert ".hidden" not in sent.out
    assert "link" not in sent.out
    path = notebook({"did": f"{SCOPE}:{dataset}", "handle": "results"})
    synced = connected("sync", path)
    assert synced.exit_code == 0, synced.err
    brought = {Path(line).name: Path(line) for line in connected("paths", path, "results").out.split()}
    for file in folder.rglob("*.dat"):
        name = ".".join(file.relative_to(folder).parts)
        assert brought[name].read_bytes() == file.read_bytes()
    with sandbox.client() as client:
        (rule,) = client.list_did_rules(SCOPE, dataset)
    assert rule["rse_expression"] == rse
    assert abs(rule["expires_at"] - rule["created_at"] - timedelta(days=2)) < timedelta(minutes=1)


def test_a_second_run_skips_what_is_there_and_a_new_file_joins(connected: Cli, folder: Path) -> None:
    dataset = f"again.{uuid.uuid4().hex[:8]}"
    assert send(connected, folder, "--dataset", dataset).exit_code == 0
    (folder / f"{dataset}.dat").write_bytes(b"new")
    again = send(connected, folder, "--dataset", dataset)
    assert again.exit_code == 0
    assert "4 of 4 files at SANDBOX_SCRATCHDISK, 3 of them already there" in again.out
    shown = connected("show", f"{SCOPE}:{dataset}", "--json").facts
    assert len(shown["files"]) == 4


def test_bytes_of_a_killed_run_that_nobody_registered_are_replaced(
    connected: Cli, folder: Path, sandbox: Sandbox
) -> None:
    file = next(folder.glob("*.one.dat"))
    with sandbox.admin() as client:
        (place,) = replica_paths(client, POSIX, [Did(SCOPE, file.name)]).values()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"half")
    place.with_name(place.name + ".rucio.upload").write_bytes(b"a quarter")
    assert send(connected, file).exit_code == 0
    assert place.read_bytes() == file.read_bytes()
    assert not place.with_name(place.name + ".rucio.upload").exists()


def test_other_content_under_a_known_name_is_refused_and_the_rest_goes(connected: Cli, folder: Path) -> None:
    file = next(folder.glob("*.one.dat"))
    assert send(connected, file).exit_code == 0
    file.write_bytes(b"ONE" * 1000)
    refused = send(connected, *folder.glob("*.dat"), "--json")
    assert refused.exit_code == 9
    assert {f["did"]: f["state"] for f in refused.facts["files"]}[f"{SCOPE}:{file.name}"] == "failed"
    assert sorted(f["state"] for f in refused.facts["files"]) == ["failed", "uploaded"]
    assert "give the file another name" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--rse", "NOWHERE", "--scope", SCOPE), 2, "The RSE 'NOWHERE' does not exist in"),
        (("--rse", POSIX, "--scope", "nobodys"), 2, "Yours: sandbox, user.sandbox"),
        (("--rse", POSIX, "--scope", SCOPE, "--lifetime", "soon"), 2, "Write for example 12h, 30d or 2w"),
        (("--rse", POSIX, "--scope", "sandbox", "--dataset", "muons"), 2, "sandbox:muons is a CONTAINER"),
        (("--rse", POSIX, "--scope", "sandbox", "--dataset", "dimuon"), 2, "is closed"),
        (("--rse", "SANDBOX_POSIX", "--scope", SCOPE), 5, "lacks permission to add files at SANDBOX_POSIX"),
    ],
)
def test_a_wrong_target_is_told_in_words(
    connected: Cli, folder: Path, words: tuple[str, ...], code: int, said: str, sandbox: Sandbox
) -> None:
    refused = connected("upload", folder, *words)
    assert refused.exit_code == code, refused.err
    assert said in refused.err
    with sandbox.client() as client:
        (name,) = (path.name for path in folder.glob("*.one.dat"))
        assert not list(client.list_dids(SCOPE, [{"name": name}], did_type="file"))


def test_a_dataset_with_the_name_of_its_file_is_refused_and_the_name_stays_free(connected: Cli, folder: Path) -> None:
    file = next(folder.glob("*.one.dat"))
    refused = send(connected, file, "--dataset", file.name)
    assert refused.exit_code == 2
    assert f"{SCOPE}:{file.name} cannot be both the dataset and a file in it" in refused.err
    assert send(connected, file).exit_code == 0


def test_nothing_is_left_at_a_storage_whose_registration_was_refused(
    connected: Cli, folder: Path, sandbox: Sandbox
) -> None:
    file = next(folder.glob("*.one.dat"))
    assert send(connected, file, rse="SANDBOX_POSIX").exit_code == 5
    with sandbox.admin() as client:
        (place,) = replica_paths(client, "SANDBOX_POSIX", [Did(SCOPE, file.name)]).values()
    assert not place.exists()


def test_a_path_that_is_not_there_and_two_of_one_name_send_nothing(connected: Cli, folder: Path) -> None:
    assert send(connected, folder / "no").exit_code == 2
    (folder / "a").mkdir()
    (folder / "a" / "b.dat").write_bytes(b"1")
    (folder / "a.b.dat").write_bytes(b"2")
    twins = send(connected, folder)
    assert twins.exit_code == 2
    assert "would both be" in twins.err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("two\nlines.dat", "its name contains an invisible or control character"),
        ("x" * 243, "its name has more than 242 bytes"),
        ("ä" * 122, "its name has more than 242 bytes"),
    ],
)
def test_a_name_that_cannot_be_uploaded_is_told_with_its_path_before_anything_is_sent(
    connected: Cli, folder: Path, name: str, reason: str
) -> None:
    path = folder / name
    path.write_bytes(b"data")
    refused = send(connected, folder)
    assert refused.exit_code == 2
    assert reason in refused.err
    assert str(path).replace("\n", "\\n") in refused.err
    assert "hint: Rename the file" in refused.err
    path.rename(folder / uuid.uuid4().hex)
    assert send(connected, folder).exit_code == 0


@pytest.mark.parametrize("rse", [POSIX, HTTPS])
def test_the_longest_name_is_uploaded(connected: Cli, folder: Path, rse: str) -> None:
    path = folder / uuid.uuid4().hex.ljust(242, "x")
    path.write_bytes(b"data")
    sent = send(connected, path, rse=rse)
    assert sent.exit_code == 0, sent.err


def test_a_device_is_not_told_to_be_missing(connected: Cli) -> None:
    refused = send(connected, "/dev/null")
    assert refused.exit_code == 2
    assert "'/dev/null' is not a regular file" in refused.err


def test_offline_and_wrong_credentials_end_with_their_codes(connected: Cli, folder: Path, cli: Cli) -> None:
    assert send(connected, folder, NBRUCIO_SAFE="1").exit_code == 8
    config = cli.folder / "wrong.toml"
    text = Path(connected.env["NBRUCIO_CONFIG"]).read_text()
    config.write_text(re.sub("^password = .*$", 'password = "wrong"', text, flags=re.MULTILINE))
    config.chmod(0o600)
    assert send(connected, folder, NBRUCIO_CONFIG=str(config), XDG_CACHE_HOME=str(cli.folder)).exit_code == 7


def test_no_login_is_left_behind(connected: Cli, folder: Path) -> None:
    assert send(connected, folder).exit_code == 0
    assert list(Path(connected.env["HOME"]).rglob("rucio.cfg")) == []
