"""Rules of a site in the administrator's [policy]: no downloads, short rules, some RSEs, a limit for a session."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from nbrucio_cli.estimates import show

from nbrucio.config import Config, Policy, load
from nbrucio.core.did import Did
from nbrucio.core.download_limit import LimitOrigin
from nbrucio.core.events import SilentReporter
from nbrucio.errors import UsageError
from nbrucio.operations.stage import list_rules, remove_rules, stage
from nbrucio.operations.upload.upload import UploadTarget, upload
from nbrucio.pipeline.cached_status import cached_status
from nbrucio.pipeline.estimate import estimate
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.session_downloads import SessionDownloads
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.support.jupyter_server import declaring

DAY_S = 24 * 3600


@pytest.fixture
def allowed(sandbox: Sandbox, tmp_path: Path) -> Callable[..., Config]:
    """The sandbox's configuration with a policy, and an empty store."""
    config = load(sandbox.env())._replace(store_path=tmp_path / "store")
    return lambda **rules: config._replace(policy=Policy(**rules))


def _notebook(folder: Path, **handles: str) -> Path:
    path = folder / "nb.ipynb"
    path.write_text(json.dumps(declaring(**handles)))
    return path


def test_a_site_without_downloads_uses_mounted_files_and_offers_a_rule(
    allowed: Callable[..., Config], tmp_path: Path
) -> None:
    path = _notebook(tmp_path, mounted="sandbox:mounted", growing="sandbox:growing")
    report = sync([path], allowed(downloads=False)).notebooks[0]
    assert [one.state for one in report.requirements] == ["ready", "missing"]
    error = next(report.errors())
    assert error.message.endswith("is not on a mounted RSE, and this site downloads nothing from its instance.")
    assert error.next_command == f"nbrucio stage {path} growing"
    assert not list((tmp_path / "store").glob("objects/*/*/*.root"))


def test_a_mount_that_is_not_there_is_named_in_place_of_a_rule(allowed: Callable[..., Config], tmp_path: Path) -> None:
    config = allowed(downloads=False)
    instance = config.instance()
    lost = instance._replace(mounts=tuple(mount._replace(path=tmp_path / "gone") for mount in instance.mounts))
    config = config._replace(instances=(lost,), default=lost)
    path = _notebook(tmp_path, mounted="sandbox:mounted")
    error = next(iter(sync([path], config).errors()))
    assert error.message.endswith(f"and {lost.mounts[0].rse} ({tmp_path}/gone) is not mounted here.")
    assert error.next_command is None


def test_rules_of_staged_data_last_no_longer_than_the_site_allows(
    allowed: Callable[..., Config], sandbox: Sandbox, tmp_path: Path
) -> None:
    with sandbox.admin() as client:
        add_files(client, [NewFile(Did("sandbox", "site.rules/0"), b"x")], ["SANDBOX_POSIX"])
        did = add_dataset(client, "sandbox", "site.rules", [Did("sandbox", "site.rules/0")], closed=True)
    path, config = _notebook(tmp_path, growing=str(did)), allowed(max_stage_lifetime_s=2 * DAY_S)
    with pytest.raises(UsageError, match=r"may last 2 days here \(max_stage_lifetime in \[policy\]\), not 3 days"):
        stage([path], config, handles=["growing"], lifetime_s=3 * DAY_S)
    assert [one.rule for one in list_rules([path], config, handles=["growing"]).rules] == [None]
    (made,) = stage([path], config, handles=["growing"]).rules  # the usual 14 days are shortened
    try:
        assert made.rule is not None
        assert made.rule.expires is not None
        assert made.rule.expires - datetime.now(timezone.utc) < timedelta(days=2, hours=1)
    finally:
        remove_rules([path], config, handles=["growing"])


def test_uploads_go_to_the_sites_rses_only(allowed: Callable[..., Config], tmp_path: Path) -> None:
    file = tmp_path / "result.root"
    file.write_bytes(b"result")
    target = UploadTarget(rse="SANDBOX_POSIX", scope="sandbox", dataset=Did("sandbox", "site.rules"))
    for rses, hint in (((), "Allowed: no RSE."), (("SITE_A", "SITE_B"), "Allowed: SITE_A, SITE_B.")):
        with pytest.raises(UsageError, match=r"Uploads to 'SANDBOX_POSIX' are not allowed here") as caught:
            upload([file], target, allowed(upload_rses=rses), reporter=SilentReporter())
        assert caught.value.hint == hint


def test_staged_data_goes_to_the_sites_rses_only(allowed: Callable[..., Config], tmp_path: Path) -> None:
    path = _notebook(tmp_path, growing="sandbox:growing")
    config = allowed(stage_rses=("SITE_A",), limit=LimitOrigin(reason="Our disk is full."))
    before = list_rules([path], config, handles=["growing"])
    with pytest.raises(UsageError, match=r"are not allowed here \(stage_rses in \[policy\]\)") as caught:
        stage([path], config, handles=["growing"])
    assert caught.value.hint == "Allowed: SITE_A. This site's reason: Our disk is full."
    assert list_rules([path], config, handles=["growing"]) == before


def test_a_session_downloads_what_the_site_allows_and_no_more(
    allowed: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    one, two = _notebook(tmp_path, growing="sandbox:growing"), tmp_path / "b.ipynb"
    two.write_text(json.dumps(declaring("", dimuon="sandbox:dimuon")))
    size = estimate([one], allowed()).downloads.size_bytes
    assert size
    config = allowed(max_session_bytes=size + 1, limit=LimitOrigin(session_by_site=True, reason="Disks are small."))
    assert estimate([one], config).session_left_bytes == size + 1
    assert sync([one], config).exit_code == 0
    planned = estimate([two], config)
    assert (planned.session_left_bytes, planned.reason, planned.exit_code) == (1, "Disks are small.", 6)
    report = sync([two], config)
    assert (report.exit_code, report.downloaded_bytes) == (6, 0)
    (error,) = {error.message: error for error in report.errors()}.values()
    assert "this site allows" in error.message
    assert "in one session, of which 1 B are left." in error.message
    assert str(error.hint).endswith("This site's reason: Disks are small.")
    assert sync([one], config).exit_code == 0  # what is cached costs nothing
    assert cached_status([one], config, synced=True) is not None
    assert sync([two], allowed()).exit_code == 0


def test_lines_of_another_day_and_damaged_ones_do_not_count(tmp_path: Path) -> None:
    downloads = SessionDownloads({"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")})
    assert downloads.used_bytes() == 0
    downloads.add(5)
    downloads.add(-2)
    file = tmp_path / "runtime" / "downloaded"
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("a") as lines:
        lines.write("1000 99\nnonsense\n77")
    assert downloads.used_bytes() == 3
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    downloads.add(7)
    assert (downloads.used_bytes(), (tmp_path / "elsewhere").exists()) == (0, False)


@pytest.mark.parametrize(("access", "words"), [("mount", "is not on a mounted RSE"), ("store", "is not cached")])
def test_a_default_access_holds_for_requirements_without_their_own(
    allowed: Callable[..., Config], tmp_path: Path, access: str, words: str
) -> None:
    path = _notebook(tmp_path, growing="sandbox:growing")
    config = allowed(default_access=access)
    error = next(iter(sync([path], config).errors()))
    assert words in error.message
    assert error.message.startswith("default_access allows only")
    assert error.hint == "Set 'access' of 'growing' to choose another one."
    content = json.loads(path.read_text())
    content["metadata"]["nbrucio"]["requirements"][0]["access"] = "download"
    path.write_text(json.dumps(content))
    assert sync([path], config).exit_code == 0


@pytest.mark.parametrize("limit", [None, 1])
def test_a_plan_gives_the_sites_reason_once(
    allowed: Callable[..., Config],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    limit: int | None,
) -> None:
    path = _notebook(tmp_path, growing="sandbox:growing")
    config = allowed(max_download_bytes=limit, limit=LimitOrigin(by_site=True, reason="Disks are small."))
    show(estimate([path], config), as_json=False)
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("Disks are small.") == 1
    assert ("This site's reason for its limits: Disks are small.\n" in printed.out) is (limit is None)
