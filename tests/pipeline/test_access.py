"""One notebook, every kind of access, on a real server: what is used in place, what is copied, what is streamed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.events import Event, Noticed, SilentReporter
from nbrucio.core.files import Replica
from nbrucio.core.plan import Access
from nbrucio.core.report import NotebookReport
from nbrucio.kernel.files import Files
from nbrucio.kernel.lookup import Data
from nbrucio.kernel.manifest import Entry
from nbrucio.operations.verify import verify
from nbrucio.pipeline.estimate import estimate
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files, replica_paths
from nbrucio.state.replica_places import ReplicaPlaces
from tests.support.access_log import new_requests
from tests.support.damage import flip_silently


def notebook(tmp_path: Path, *requirements: dict[str, object], name: str = "nb.ipynb") -> Path:
    content = {"cells": [], "metadata": {"nbrucio": {"requirements": requirements}}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / name
    path.write_text(json.dumps(content))
    return path


def accesses(report: NotebookReport) -> dict[str, set[str]]:
    return {r.resolved.requirement.handle: {file.access.value for file in r.files} for r in report.requirements}


def test_four_requirements_are_had_in_four_ways(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    here = {"did": "sandbox:growing.1.root", "handle": "stored"}
    assert sync([notebook(tmp_path, here)], config).exit_code == 0
    path = notebook(
        tmp_path,
        here,
        {"did": "sandbox:mounted", "handle": "mounted"},
        {"did": "sandbox:growing.2.root", "handle": "brought"},
        {"did": "sandbox:dimuon", "handle": "streamed", "access": "stream", "select": {"first": 1}},
    )
    plan = estimate([path], config)
    with new_requests(sandbox.storage_log) as requests:
        report = sync([path], config)
    assert report.exit_code == 0
    assert accesses(report.notebooks[0]) == {
        "stored": {"store"},
        "mounted": {"mount"},
        "brought": {"download"},
        "streamed": {"stream"},
    }
    assert plan.downloads.size_bytes == sum(r.size_bytes for r in requests if r.method == "GET") > 0
    data = Data(path, {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")})
    assert [len(data[handle]) for handle in data] == [1, 2, 1, 1]
    assert data["streamed"].folder is None


def test_streamed_data_opens_with_what_the_data_itself_supplies(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    import uproot

    path = notebook(tmp_path, {"did": "sandbox:dimuon.1.root", "handle": "muons", "access": "stream"})
    sync([path], config)
    muons = Data(path, {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")})["muons"]
    assert muons[0].startswith("https://127.0.0.1:")
    with new_requests(sandbox.storage_log) as requests, uproot.open(muons[0], **muons.storage_options) as file:
        assert file["Events"]["mu1_pt"].array(entry_stop=10, library="np").shape == (10,)
    assert 0 < sum(r.size_bytes for r in requests) < muons.bytes  # type: ignore[operator]
    assert not list((tmp_path / "store").glob("objects/*"))


def test_local_data_needs_no_options(config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, {"did": "sandbox:mounted", "handle": "here"})
    sync([path], config)
    assert Data(path, {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")})["here"].storage_options == {}


def _streamed(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **environ: str) -> Files:
    """A streamed file as the kernel gets it, after a sync in this environment."""
    with monkeypatch.context() as own:
        for name, value in environ.items():
            own.setenv(name, value)
        wanted = {
            "did": "sandbox:dimuon.1.root",
            "handle": "muons",
            "access": "stream",
            "instance": "sandbox.localhost",
        }
        path = notebook(tmp_path, wanted)
        sync([path], config)
    return Data(path, {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")})["muons"]


def _manifests(tmp_path: Path) -> str:
    return "".join(file.read_text() for file in (tmp_path / "runtime").iterdir() if file.is_file())


def _authorization(muons: Files, monkeypatch: pytest.MonkeyPatch, **environ: str) -> str | None:
    """What a kernel with this environment sends to the storage."""
    with monkeypatch.context() as own:
        for name, value in environ.items():
            own.setenv(name, value)
        header: str | None = muons.storage_options.get("headers", {}).get("Authorization")
        return header


@pytest.fixture
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BEARER_TOKEN", "BEARER_TOKEN_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_no_token")
def test_a_kernel_sends_the_token_that_the_manifest_names(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    muons = _streamed(config, tmp_path, monkeypatch, BEARER_TOKEN="a-secret")
    assert muons.token == {"variable": "BEARER_TOKEN"}
    assert "a-secret" not in _manifests(tmp_path)
    assert _authorization(muons, monkeypatch, BEARER_TOKEN="renewed\n") == "Bearer renewed"
    assert _authorization(muons, monkeypatch) is None
    (tmp_path / "token").write_text("a-secret\n")
    muons = _streamed(config, tmp_path, monkeypatch, BEARER_TOKEN_FILE=str(tmp_path / "token"))
    assert muons.token == {"file": str(tmp_path / "token")}
    assert "a-secret" not in _manifests(tmp_path)
    assert _authorization(muons, monkeypatch, BEARER_TOKEN="another") == "Bearer a-secret"


@pytest.mark.usefixtures("_no_token")
def test_a_kernel_sends_no_token_of_another_instance(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = config.instance()._replace(name="other", identity="other.example", host="https://other.example")
    two = config._replace(instances=(*config.instances, other), default=other)
    muons = _streamed(two, tmp_path, monkeypatch, BEARER_TOKEN="the-default-ones")
    assert muons.token is None
    assert _authorization(muons, monkeypatch, BEARER_TOKEN="the-default-ones") is None


@pytest.mark.usefixtures("_no_token")
def test_a_kernel_sends_the_token_that_is_configured_for_the_storage(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = config.instance()._replace(storage_token_env="MY_STORAGE")
    muons = _streamed(
        config._replace(instances=(own,), default=own), tmp_path, monkeypatch, MY_STORAGE="mine", BEARER_TOKEN="other"
    )
    assert _authorization(muons, monkeypatch, MY_STORAGE="mine", BEARER_TOKEN="other") == "Bearer mine"


def test_a_kernel_sends_no_token_where_a_file_is_opened_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARER_TOKEN", "a-secret")
    token = {"variable": "BEARER_TOKEN"}
    for scheme, sent in (("https", True), ("http", False)):
        files = [{"did": "s:n", "pfn": f"{one}://storage.example/f"} for one in ("https", scheme)]
        muons = Files(Entry("muons", "s:d", "ready", files, None, None, False, token=token), "nb.ipynb")
        assert ("headers" in muons.storage_options) is sent


def test_mounted_data_is_found_again_without_asking(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path = notebook(
        tmp_path,
        {"did": "sandbox:mounted", "handle": "mounted"},
        {"did": "sandbox:dimuon.1.root", "handle": "streamed", "access": "stream"},
    )
    sync([path], config)
    with new_requests(sandbox.access_log) as requests:
        offline = status([path], config).notebooks[0]
        again = sync([notebook(tmp_path, {"did": "sandbox:mounted", "handle": "mounted"})], config)
    assert (requests, again.exit_code) == ([], 0)
    assert accesses(offline) == {"mounted": {"mount"}, "streamed": {"stream"}}


def test_a_mounted_file_that_went_away_is_not_believed_in(sandbox: Sandbox, config: Config, tmp_path: Path) -> None:
    path, paths = mounted(sandbox, tmp_path, "gone")
    assert sync([path], config).exit_code == 0
    paths[0].unlink()
    report = status([path], config).notebooks[0].requirements[0]
    assert [file.access for file in report.files] == [Access.MISSING, Access.MOUNT]


def mounted(sandbox: Sandbox, tmp_path: Path, name: str) -> tuple[Path, list[Path]]:
    """A notebook that declares two files at the mounted RSE, and where they are."""
    files = [NewFile(Did("sandbox", f"access.{name}/{number}"), f"{name} {number}".encode()) for number in range(2)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_MOUNT"])
        did = add_dataset(client, "sandbox", f"access.{name}", [file.did for file in files], closed=True)
        paths = replica_paths(client, "SANDBOX_MOUNT", [file.did for file in files])
    return notebook(tmp_path, {"did": str(did), "handle": "here"}), [paths[file.did] for file in files]


@pytest.mark.parametrize("level", ["file", "folder"])
def test_a_link_on_a_mount_is_followed_below_the_instances_folders_only(
    sandbox: Sandbox, config: Config, tmp_path: Path, level: str
) -> None:
    path, paths = mounted(sandbox, tmp_path, f"link-{level}")
    inside, outside = sandbox.root / "storage" / "rses" / f"pool-{level}", tmp_path / "outside"
    for place, target in ((inside, paths[0]), (outside, paths[1])):
        place.mkdir()
        moved = target if level == "file" else target.parent
        moved.rename(place / moved.name)
        moved.symlink_to(place / moved.name)
    notices = Notices()
    report = sync([path], config, reporter=notices)
    first, second = report.notebooks[0].requirements[0].files
    assert (first.access, first.where) == (Access.MOUNT, str(paths[0]))
    assert second.access is Access.MISSING
    assert second.error is not None
    assert "file_roots" in (second.error.hint or "")
    (notice,) = notices.messages
    assert str(paths[1]) in notice
    assert str(outside) in notice
    assert "file_roots" in notice
    with_root = config.instance()._replace(file_roots=(*config.instance().file_roots, outside))
    allowed = config._replace(instances=(with_root,), default=with_root)
    assert accesses(sync([path], allowed).notebooks[0]) == {"here": {"mount"}}


class Notices(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def report(self, event: Event) -> None:
        if isinstance(event, Noticed):
            self.messages.append(event.message)


def test_verify_finds_what_a_mount_has_wrong_and_touches_nothing(
    sandbox: Sandbox, config: Config, tmp_path: Path
) -> None:
    path, paths = mounted(sandbox, tmp_path, "wrong")
    sync([path], config)
    assert (verify([path], config).files, verify([path], config).wrong) == (2, ())
    paths[0].write_bytes(b"wronG 0")  # the same size: only its checksum tells
    (error,) = verify([path], config).wrong
    assert (error.exit_code, paths[0].read_bytes()) == (9, b"wronG 0")
    assert "is damaged on the mounted RSE" in error.message


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"short"), lambda path: path.mkdir()])
def test_verify_finds_what_lies_on_a_mount_in_the_place_of_a_file(
    sandbox: Sandbox, config: Config, tmp_path: Path, damage: Callable[[Path], object], request: pytest.FixtureRequest
) -> None:
    path, paths = mounted(sandbox, tmp_path, f"place{request.node.callspec.id[-1]}")
    sync([path], config)
    paths[0].unlink()
    assert verify([path], config).wrong == (), "what is gone is missing"
    damage(paths[0])
    found = verify([path], config)
    assert ([error.exit_code for error in found.wrong], found.files) == ([9], 2)


def test_verify_removes_what_is_damaged_in_the_store(config: Config, tmp_path: Path) -> None:
    path = notebook(tmp_path, {"did": "sandbox:growing", "handle": "here"})
    stored = [file.path for file in sync([path], config).notebooks[0].requirements[0].files]
    flip_silently(stored[0])
    found = verify([path], config)
    assert ([error.exit_code for error in found.wrong], found.files) == ([9], 2)
    again = sync([path], config)
    assert (again.exit_code, again.downloaded_files) == (0, 1)


def test_offline_uses_what_is_here_and_lists_the_rest(config: Config, tmp_path: Path) -> None:
    sync([notebook(tmp_path, {"did": "sandbox:growing.1.root", "handle": "here"}, name="other.ipynb")], config)
    path = notebook(tmp_path, {"did": "sandbox:growing", "handle": "all"})
    locked = estimate([path], config)
    assert locked.downloads.files == 1
    from nbrucio.operations.edit import lock

    lock(path, config)
    report = sync([path], config, options=Options(offline=True))
    assert report.exit_code == 8
    (error,) = report.errors()
    assert error.message == "sandbox:growing.2.root is not cached, and nbrucio is offline."
    assert len(report.notebooks[0].requirements[0].here) == 1


def test_damaged_places_cost_a_question_and_no_more(tmp_path: Path) -> None:
    places = ReplicaPlaces(tmp_path)
    assert places.read("x", "sha256:0") == {}
    places.add("x", "sha256:0", {Did("a", "b"): [Replica("RSE", "https://x")]})
    (file,) = (tmp_path / "places").iterdir()
    file.write_bytes(b"nocolon\tRSE\tpfn\n\xff\n")
    assert places.read("x", "sha256:0") == {}
