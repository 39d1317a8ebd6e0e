"""Uploads and settings in the panel, with a real RSE behind them."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Route, expect

from nbrucio.sandbox import Sandbox
from tests.e2e.conftest import Browser
from tests.e2e.test_explore import widen
from tests.e2e.test_lab import DIMUON, granted, open_notebook
from tests.e2e.test_panel_lists import NARROW, PLACEHOLDERS
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
    expect(form.get_by_role("alert")).to_have_text("Enter the name of an RSE.")
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
    expect(panel.node.get_by_label("Log", exact=True)).to_contain_text(f"3 uploaded, 0 already at {RSE}")
    panel.shot("upload", whole=False)
    assert panel.violations() == []
    with sandbox.client() as client:
        assert len(list(client.list_content(SCOPE, name))) == 3
    panel.node.get_by_text("Replication rules that nbrucio made").click()
    rules = panel.node.locator(".nbrucio-our-rules")
    expect(rules).to_contain_text(f"{SCOPE}:{name}")
    # Rucio counts them when its daemon has run, which no daemon does here.
    expect(rules).to_contain_text("3 files, not counted by Rucio yet · 3.0 MB · until ")


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
    held: list[Route] = []
    browser.page.route("**/nbrucio/uploads/retry*", lambda route: held.append(route))
    job(panel, name).get_by_role("button", name="Try again:").click()
    # Its buttons would act on the run that has ended.
    expect(job(panel, name)).to_have_attribute("data-state", "waiting")
    expect(job(panel, name).get_by_role("button", name="Remove from list")).to_have_count(0)
    while not held:
        browser.page.wait_for_timeout(50)
    held[0].continue_()
    expect(job(panel, name)).to_have_attribute("data-state", "failed", timeout=60_000)
    job(panel, name).get_by_role("button", name="Remove from list").click()
    expect(job(panel, name)).to_have_count(0)


def test_each_file_says_why_it_was_not_sent_and_a_refused_scope_is_forgotten(
    browser: Browser, sandbox: Sandbox
) -> None:
    own, other = uuid.uuid4().hex[:8], f"user.other{uuid.uuid4().hex[:8]}"
    with sandbox.admin() as client:
        client.add_scope("root", other)
    (browser.server.root / f"{own}.dat").write_bytes(b"data")
    (browser.server.root / f"{own} x.dat").write_bytes(b"data")
    put(browser.server, "a.ipynb", notebook("1"))
    open_notebook(browser)
    panel, page = Panel(browser).open("Upload"), browser.page
    page.add_style_tag(content=NARROW)
    panel.node.get_by_label("Path of a file or folder").fill(f"/{browser.server.prefix}{own} x.dat")
    page.keyboard.press("Enter")
    panel.press("Choose…")
    dialog = page.locator(".jp-Dialog")
    dialog.locator(f'.jp-DirListing-item[title*="Name: {browser.server.root.name}"]').dblclick()
    dialog.locator(f'.jp-DirListing-item[title*="Name: {own}.dat"]').click()
    dialog.locator(".jp-mod-accept").click()
    form = panel.node.get_by_role("form", name="Upload to Rucio")
    chosen = [f"{browser.server.prefix}{own} x.dat", f"{browser.server.prefix}{own}.dat"]
    expect(form.get_by_label("To upload").get_by_role("listitem")).to_have_text(chosen)
    assert panel.violations() == []
    form.get_by_label("To RSE").fill(RSE)
    panel.press("Upload")
    row = job(panel, f"{own} x.dat")
    expect(row).to_have_attribute("data-state", "failed", timeout=60_000)
    expect(row).to_contain_text("1 of 2 files")
    expect(row.get_by_role("alert")).to_contain_text(f"sandbox does not allow the name '{own} x.dat'. Rename the file")
    expect(row).not_to_contain_text("does not match")
    assert panel.violations() == []
    assert page.evaluate(PLACEHOLDERS) == []
    panel.shot("upload-failed", whole=False)

    panel.node.get_by_label("Path of a file or folder").fill(f"{browser.server.prefix}{own}.dat")
    panel.press("Add")
    form.get_by_label("Scope").fill(other)
    panel.press("Upload")
    expect(job(panel, f"{own}.dat")).to_have_attribute("data-state", "failed", timeout=60_000)
    expect(job(panel, f"{own}.dat")).to_contain_text(f"Your account lacks permission to write to the scope {other}")
    panel.node.get_by_label("Path of a file or folder").fill(f"{browser.server.prefix}{own}.dat")
    panel.press("Add")
    expect(form.get_by_label("Scope")).to_have_value(SCOPE)


@contextmanager
def held(sandbox: Sandbox) -> Iterator[None]:
    """Rucio and its storage answer nothing meanwhile, so that an upload cannot end."""
    groups = sandbox.status().pids
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        for group in groups:
            os.killpg(group, signal.SIGCONT)


def test_a_cancelled_upload_is_interrupted_and_completed_by_trying_again(browser: Browser, sandbox: Sandbox) -> None:
    name = f"many{uuid.uuid4().hex[:6]}"
    folder = browser.server.root / name
    folder.mkdir()
    for number in range(3):
        (folder / f"{name}.{number}").write_bytes(b"data")
    put(browser.server, "a.ipynb", notebook("1"))
    open_notebook(browser)
    panel = Panel(browser).open("Upload")
    panel.node.get_by_label("Path of a file or folder").fill(f"{browser.server.prefix}{name}")
    panel.press("Add")
    expect(panel.node.get_by_label("Scope")).to_have_value(SCOPE)  # the last that the form asks Rucio
    panel.node.get_by_label("To RSE").fill(RSE)
    row = job(panel, name)
    with held(sandbox):
        panel.press("Upload")
        with browser.page.expect_response("**/uploads/cancel*") as answer:
            row.get_by_role("button", name="Cancel:").click()
        assert answer.value.ok
    expect(row).to_contain_text("Interrupted", timeout=60_000)
    assert panel.violations() == []
    row.get_by_role("button", name="Try again:").click()
    expect(row).to_have_attribute("data-state", "done", timeout=60_000)
    expect(row).to_contain_text("3 of 3 files")


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
