"""Uploads and settings in the panel, with a real RSE behind them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from playwright.sync_api import expect

from nbrucio.sandbox import Sandbox
from tests.e2e.conftest import Browser
from tests.e2e.test_explore import widen
from tests.e2e.test_lab import DIMUON, granted, open_notebook
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import notebook
from tests.support.panel import Panel

RSE, SCOPE = "SANDBOX_SCRATCHDISK", "user.sandbox"


def choose(browser: Browser, name: str) -> None:
    """ "Upload to Rucio…" in the context menu of a file or folder of this test."""
    page = browser.page
    browser.go(f"lab/tree/{browser.server.prefix}")
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('nbrucio:upload')")
    page.evaluate("() => window.jupyterapp.restored")
    page.evaluate(
        "path => window.jupyterapp.commands.execute('filebrowser:open-path', {path})", browser.server.prefix.rstrip("/")
    )
    page.evaluate("() => window.jupyterapp.commands.execute('filebrowser:activate')")
    item = page.locator(f'.jp-DirListing-item[title*="Name: {name}"]')
    item.click()
    item.click(button="right")
    page.get_by_role("menuitem", name="Upload to Rucio…").click()


def job(panel: Panel, name: str) -> Any:
    return panel.node.locator(".nbrucio-job").filter(has_text=name).first


def test_a_folder_of_the_file_browser_is_sent_and_its_job_is_followed(browser: Browser, sandbox: Sandbox) -> None:
    name = f"results{uuid.uuid4().hex[:6]}"
    folder = browser.server.root / name
    folder.mkdir()
    for number in range(3):
        (folder / f"{name}.{number}.dat").write_bytes(bytes(500_000 * (number + 1)))
    choose(browser, name)
    panel = Panel(browser)
    form = panel.node.get_by_role("form", name="Upload to Rucio")
    expect(form.get_by_label("To upload")).to_have_text(browser.server.prefix + name)
    expect(form.get_by_label("Scope")).to_have_value(SCOPE)
    panel.press("Upload")
    expect(form.get_by_label("To RSE")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("To RSE").fill(RSE)
    form.get_by_label("Dataset").fill(name)
    form.get_by_label("Keep for").fill("2w")
    widen(panel)
    panel.shot("upload-form", whole=False)
    assert panel.violations() == []
    panel.press("Upload")
    expect(job(panel, name)).to_have_attribute("data-state", "done", timeout=60_000)
    expect(job(panel, name)).to_contain_text("3 of 3 files · 3.0 MB of 3.0 MB")
    job(panel, name).get_by_role("button", name="Log").click()
    expect(panel.node.get_by_label("Log", exact=True)).to_contain_text("3 uploaded, 0 there before")
    panel.shot("upload", whole=False)
    assert panel.violations() == []
    with sandbox.client() as client:
        assert len(list(client.list_content(SCOPE, name))) == 3
    panel.node.get_by_text("Replication rules that nbrucio made").click()
    expect(panel.node.locator(".nbrucio-our-rules")).to_contain_text(f"{SCOPE}:{name}")


def test_a_failed_upload_says_why_outlives_a_reload_and_is_sent_again(browser: Browser) -> None:
    name = f"{uuid.uuid4().hex[:6]}.dat"
    (browser.server.root / name).write_bytes(b"data")
    choose(browser, name)
    panel = Panel(browser)
    panel.node.get_by_label("To RSE").fill("SANDBOX_POSIX")
    panel.press("Upload")
    expect(job(panel, name)).to_have_attribute("data-state", "failed", timeout=60_000)
    expect(job(panel, name)).to_contain_text("Your account lacks permission to add files at SANDBOX_POSIX")
    browser.page.reload()
    browser.page.locator(".jp-SideBar").first.wait_for()
    panel.open("Upload")
    expect(job(panel, name)).to_have_attribute("data-state", "failed")
    job(panel, name).get_by_role("button", name="Retry").click()
    expect(job(panel, name)).to_have_attribute("data-state", "failed", timeout=60_000)
    job(panel, name).get_by_role("button", name="Remove from list").click()
    expect(job(panel, name)).to_have_count(0)


def test_settings_tell_logins_store_and_consent_and_change_what_opening_does(browser: Browser) -> None:
    server = browser.server
    granted(server)
    put(server, "a.ipynb", notebook("1"))
    open_notebook(browser)
    panel = Panel(browser).open("Settings")
    expect(panel.node.get_by_text("Logged in as sandbox (Password)")).to_be_visible()
    expect(panel.node.get_by_role("row", name="Folder")).to_contain_text(str(server.folder / "store"))
    expect(panel.node.get_by_role("row", name="Contents")).to_contain_text("0 B in 0 files")
    widen(panel)
    panel.shot("settings", whole=False)
    assert panel.violations() == []
    panel.node.get_by_role("button", name=f"Withdraw consent to {DIMUON}").click()
    expect(panel.node.get_by_text("None.")).to_be_visible()
    assert server.ask("nbrucio/grants")[1] == {"grants": []}
    panel.node.get_by_role("combobox", name="When a notebook opens").select_option(label="Show ready data")
    expect(panel.node.get_by_label("At most (MB)")).to_be_hidden()
    assert server.ask("nbrucio/opening")[1]["level"] == "read"
    file = next(server.folder.rglob("plugin.jupyterlab-settings"))
    assert '"onOpen": "read"' in file.read_text()
    # Lab's own settings editor changes the same.
    set_ = "value => window.jupyterapp.serviceManager.settings.save('nbrucio:plugin', value)"
    browser.page.evaluate(set_, json.dumps({"onOpen": "fetch"}))
    server.ask("nbrucio/opening", {})
