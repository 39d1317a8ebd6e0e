"""Rules of a site in the administrator's [policy]: no downloads, short rules, uploads to some RSEs. Errors say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nbrucio.config import Config, Policy, load
from nbrucio.core.did import Did
from nbrucio.core.events import SilentReporter
from nbrucio.errors import UsageError
from nbrucio.operations.stage import list_rules, remove_rules, stage
from nbrucio.operations.upload.upload import UploadTarget, upload
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
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
    assert error.next_command == "nbrucio stage NOTEBOOK growing"
    assert not list((tmp_path / "store").glob("objects/*/*/*.root"))


def test_rules_of_staged_data_last_no_longer_than_the_site_allows(
    allowed: Callable[..., Config], tmp_path: Path
) -> None:
    path, config = _notebook(tmp_path, growing="sandbox:growing"), allowed(max_stage_lifetime_s=2 * DAY_S)
    with pytest.raises(UsageError, match=r"may last 2 days here \(max_stage_lifetime in \[policy\]\), not 3 days"):
        stage(path, config, handles=["growing"], lifetime_s=3 * DAY_S)
    assert [one.rule for one in list_rules(path, config, handles=["growing"])] == [None]
    (made,) = stage(path, config, handles=["growing"])  # the usual 14 days are shortened
    try:
        assert made.rule is not None
        assert made.rule.expires is not None
        assert made.rule.expires - datetime.now(timezone.utc) < timedelta(days=2, hours=1)
    finally:
        remove_rules(path, config, handles=["growing"])


def test_uploads_go_to_the_sites_rses_only(allowed: Callable[..., Config], tmp_path: Path) -> None:
    file = tmp_path / "result.root"
    file.write_bytes(b"result")
    target = UploadTarget(rse="SANDBOX_POSIX", scope="sandbox", dataset=Did("sandbox", "site.rules"))
    for rses, hint in (((), "Allowed: no RSE."), (("SITE_A", "SITE_B"), "Allowed: SITE_A, SITE_B.")):
        with pytest.raises(UsageError, match=r"Uploads to 'SANDBOX_POSIX' are not allowed here") as caught:
            upload([file], target, allowed(upload_rses=rses), reporter=SilentReporter())
        assert caught.value.hint == hint
