"""D12: the panel under SWAN's header and beside rucio-jupyterlab's, in Chromium."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import expect

from nbrucio.catalogue.token_cache import saved_token
from nbrucio.config import load
from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox, seed
from tests.catalogue.jwts import jwt
from tests.e2e.conftest import chromium, page_at
from tests.e2e.test_lab import RUN_ALL, open_notebook, save, wait_for_output
from tests.support.jupyter_server import declaring
from tests.support.panel import RECORD, Panel
from tests.swan.session import Session
from tests.swan.test_d11_credentials import replace_token
from tests.world.oidc.conftest import Provider, identity_provider_code, provider
from tests.world.oidc.test_oidc import Login
from tests.world.oidc.test_oidc import environ as oidc_environ

__all__ = ["chromium", "identity_provider_code", "oidc_environ", "provider"]  # fixtures
pytestmark = pytest.mark.world

LAB = ("jupyterlab", "--LabApp.expose_app_in_browser=True")
READ = (
    "import nbrucio",
    "for handle in ('dimuon', 'large'):\n"
    "    paths = nbrucio.data[handle]\n"
    "    print(handle, len(paths), 'files', sum(len(open(path, 'rb').read()) for path in paths), 'bytes')",
)
#: Large enough that a person, or a test, sees the progress.
FILES, FILE_BYTES = 48, 8_000_000


@pytest.fixture(scope="module")
def large(sandbox: Sandbox) -> str:
    """A dataset whose download takes a moment."""
    files = [seed.NewFile(Did("sandbox", f"header/{n:02}.dat"), os.urandom(FILE_BYTES)) for n in range(FILES)]
    with sandbox.admin() as client:
        seed.add_files(client, files, ["SANDBOX_HTTPS"])
        return str(seed.add_dataset(client, "sandbox", "header.set", [file.did for file in files], closed=True))


def _widen(page: Any) -> None:
    """Make the side bar wider, as a person does, so that a picture shows lines as they are."""
    edge = page.locator("#jp-left-stack").bounding_box()
    at = edge["x"] + edge["width"] + 1
    page.mouse.move(at, 400)
    page.mouse.down()
    page.mouse.move(at + 200, 400, steps=5)
    page.mouse.up()


def dialogs(page: Any) -> list[str]:
    return list(page.locator(".jp-Dialog").all_inner_texts())


def _icons(page: Any) -> set[str]:
    return {each.get_attribute("data-id") for each in page.locator(".jp-SideBar [data-id]").all()}


def test_d12_open_progress_data_and_three_saves_under_swans_header(
    session: Session, chromium: object, large: str
) -> None:
    with session.running(*LAB) as server, page_at(chromium, server) as browser:
        content = declaring(*READ, dimuon="sandbox:dimuon", large=large, gone="sandbox:no-such-thing")
        (server.root / "a.ipynb").write_text(json.dumps(content))
        open_notebook(browser)
        page, panel = browser.page, Panel(browser)
        expect(page.locator("#swan-header")).to_be_visible()
        assert {"nbrucio-panel", "rucio-jupyterlab:panel"} <= _icons(page)
        panel.open()
        expect(panel.node.get_by_label("Consent")).to_contain_text("52 files")
        panel.shot("swan-consent")
        page.evaluate(RECORD)
        panel.press("Fetch once")
        page.wait_for_function("() => document.querySelector('.nbrucio-status')?.textContent.includes('/s')")
        panel.shot("swan-progress")
        panel.await_state("large", "ready")
        percents = [percent for percent, _, _ in panel.seen("Progress of the sync")]
        assert percents == sorted(percents)
        assert len(set(percents)) > 2
        expect(panel.row("gone")).to_contain_text("does not exist in")
        panel.row("gone").get_by_role("button", name="Remove").click()
        expect(panel.row("gone")).to_have_count(0)
        page.evaluate(RUN_ALL)
        wait_for_output(browser, f"large {FILES} files {FILES * FILE_BYTES} bytes")
        panel.shot("swan-ready")
        for _ in range(3):
            save(browser)
            assert dialogs(page) == []
        saved = json.loads((server.root / "a.ipynb").read_text())
        declared = saved["metadata"]["nbrucio"]
        assert [one["handle"] for one in declared["requirements"]] == ["dimuon", "large"]
        assert declared["lock"]["large"]["files"] == FILES
        assert "dimuon 4 files" in json.dumps(saved["cells"][1]["outputs"])
        # rucio-jupyterlab's panel opens as before, and ours stays usable.
        page.locator('.jp-SideBar [data-id="rucio-jupyterlab:panel"]').click()
        expect(page.locator('[id="rucio-jupyterlab:panel"]')).to_be_visible()
        panel.open()
        expect(panel.row("large")).to_be_visible()
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path fits into a picture."""
    with TemporaryDirectory(prefix="swan-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def token(provider: Provider, oidc_environ: dict[str, str]) -> str:
    """A token of the identity provider for Rucio, as the hub gets one for its user."""
    login = Login(oidc_environ)
    provider.log_in(login.event["url"])
    assert login.ended()[0] == 0
    saved = saved_token(load(oidc_environ).instance("cern"), oidc_environ)
    assert saved is not None
    return saved


def test_d12_the_panel_shows_the_login_of_the_hubs_token_and_its_end(
    session: Session, short_folder: Path, chromium: object, provider: Provider, token: str
) -> None:
    file = short_folder / "rucio_oauth.token"
    row = {
        "name": "escape",
        "display_name": "ESCAPE",
        "rucio_base_url": provider.url,
        "rucio_ca_cert": str(provider.ca),
        "mode": "replica",
        "oidc_auth": "file",
        "oidc_file_name": str(file),
    }
    session = replace(session, folder=session.folder / "hub", more=(row,))
    replace_token(file, token)
    with session.running(*LAB) as server, page_at(chromium, server) as browser:
        browser.go("lab")
        panel = Panel(browser).open("Settings")
        escape = panel.node.locator('[data-instance="escape"]')
        expect(escape).to_have_attribute("data-login", "in")
        expect(escape).to_contain_text("Logged in as sandbox (Web page or token (OIDC))")
        expect(escape).to_contain_text(str(file))
        expect(escape.get_by_role("row", name="Until")).to_be_visible()
        expect(panel.node.locator('[data-instance="sandbox"]')).to_contain_text("Logged in as sandbox (Password)")
        _widen(browser.page)
        panel.shot("swan-credentials")
        asked = len(provider.requests())
        replace_token(file, jwt(sub="jdoe", exp=time.time() - 60))
        panel.press("Refresh")
        expect(escape).to_have_attribute("data-login", "out")
        expect(escape).to_contain_text("expired")
        assert len(provider.requests()) == asked
        replace_token(file, token)
        panel.press("Refresh")
        expect(escape).to_have_attribute("data-login", "in")
    assert token not in server.log.read_text()


def test_d12_a_session_without_rucio_names_the_start_form(
    swan_python: Path, tmp_path: Path, sandbox: Sandbox, chromium: object
) -> None:
    session = Session(tmp_path / "session", swan_python, sandbox, rucio=False)
    (session.home / ".config" / "nbrucio" / "config.toml").unlink()
    with session.running(*LAB) as server, page_at(chromium, server) as browser:
        (server.root / "a.ipynb").write_text(json.dumps(declaring("1", dimuon="sandbox:dimuon")))
        before = (server.root / "a.ipynb").read_bytes()
        open_notebook(browser)
        expect(browser.page.locator(".jp-toast-message")).to_contain_text("choose Rucio in SWAN's start form")
        panel = Panel(browser).open("Settings")
        expect(panel.node.get_by_label("Welcome")).to_contain_text("choose Rucio in SWAN's start form")
        expect(browser.page.locator(".nbrucio-status")).to_contain_text("needs attention")
        expect(browser.page.locator(".jp-toast-message")).to_have_count(0)  # the open panel is enough
        panel.shot("swan-dormant")
        save(browser)
        assert dialogs(browser.page) == []
        assert (
            json.loads(before)["metadata"]["nbrucio"]
            == json.loads((server.root / "a.ipynb").read_text())["metadata"]["nbrucio"]
        )
    assert "Traceback" not in server.log.read_text()


def test_d12_a_site_can_switch_the_panel_off(session: Session, chromium: object) -> None:
    labconfig = session.local / "config" / "labconfig"
    labconfig.mkdir()
    (labconfig / "page_config.json").write_text(json.dumps({"disabledExtensions": {"nbrucio": True}}))
    with session.running(*LAB) as server, page_at(chromium, server) as browser:
        (server.root / "a.ipynb").write_text(json.dumps(declaring("1 + 41", mounted="sandbox:mounted")))
        open_notebook(browser)
        icons = _icons(browser.page)
        assert ("nbrucio-panel" in icons, "rucio-jupyterlab:panel" in icons) == (False, True)
        browser.page.evaluate(RUN_ALL)
        wait_for_output(browser, "42")
        assert server.settled("a.ipynb")["requirements"] == {"mounted": "ready"}
