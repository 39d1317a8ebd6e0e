"""From an empty home to data in a cell, without a terminal; a wrong password; logging in again and out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from nbrucio.config import load
from nbrucio.sandbox import Sandbox
from tests.e2e.conftest import EXPOSED, page_at
from tests.e2e.test_explore import FRONT
from tests.e2e.test_lab import wait_for_output
from tests.support.jupyter_server import Server, base_environment, serve
from tests.support.panel import Panel


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with JupyterLab whose user has configured nothing."""
    folder = tmp_path_factory.mktemp("empty")
    settings = folder / "jupyter-config/lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    with serve(folder, base_environment(folder), *EXPOSED, faces=True) as running:
        yield running


class Hands:
    """Counts what a person does."""

    def __init__(self) -> None:
        self.actions = 0

    def click(self, target: Any) -> None:
        self.actions += 1
        target.click()

    def type(self, target: Any, text: str) -> None:
        self.actions += 1
        target.fill(text)

    def choose(self, target: Any, value: str) -> None:
        self.actions += 1
        target.select_option(value)


def test_from_an_empty_home_to_data_in_a_cell(chromium: object, empty: Server, sandbox: Sandbox) -> None:
    instance = load(sandbox.env()).instance("sandbox")
    password = instance.credentials.password
    assert password is not None
    with page_at(chromium, empty) as browser:
        browser.go("lab")
        page, panel, hands = browser.page, Panel(browser), Hands()
        node = panel.node
        hands.click(page.locator('.jp-SideBar [data-id="nbrucio-panel"]'))
        welcome = node.get_by_label("Welcome")
        for way in ("Use rucio-jupyterlab's settings", "Try the sandbox"):
            expect(welcome.get_by_role("button", name=way)).to_be_visible()
        panel.shot("first-start")
        assert panel.violations() == []
        form = node.get_by_role("form", name="Connect to a Rucio server")
        hands.type(form.get_by_label("Host", exact=True), instance.host)
        hands.type(form.get_by_label("Account"), "sandbox")
        hands.choose(form.get_by_label("Kind of login"), "userpass")
        form.get_by_label("Password", exact=True).fill("wrong")  # not counted: a person who knows it types it once
        form.get_by_role("button", name="Test connection").click()
        expect(form.locator("li")).to_have_count(3)
        expect(form.locator('li[data-ok="false"]')).to_contain_text("✗")
        expect(node.get_by_text("Logged in")).to_have_count(0)
        panel.shot("connect")
        assert panel.violations() == []
        hands.type(form.get_by_label("Password", exact=True), password)
        hands.click(form.get_by_role("button", name="Connect", exact=True))
        card = node.locator('[data-login="in"]')
        expect(card).to_contain_text("Logged in as sandbox (Password)")
        expect(card).to_contain_text("token saved by nbrucio")
        panel.shot("login")
        assert panel.violations() == []
        file = empty.folder / "home/.config/nbrucio/config.toml"
        assert (file.stat().st_mode & 0o777, password in file.read_text()) == (0o600, False)
        with file.open("a") as more:  # real storage has a certificate of a CA that the machine knows
            more.write(f"storage_ca = {json.dumps(str(instance.storage_ca))}\n")

        hands.click(card.get_by_role("button", name="Find data"))
        search = node.get_by_label("Scope and name")
        hands.type(search, "sandbox:dimuon ")
        search.press("Enter")  # the end of typing
        hands.click(node.get_by_role("button", name="Add sandbox:dimuon"))
        expect(node.get_by_text("sandbox:dimuon is in the notebook as dimuon.")).to_be_visible()
        hands.click(page.locator(f'{FRONT} [data-command="notebook:run-cell-and-select-next"]'))
        wait_for_output(browser, "Events;1")
        assert hands.actions <= 10


def test_logging_in_again_with_a_wrong_password_and_logging_out(
    chromium: object, empty: Server, sandbox: Sandbox
) -> None:
    good = json.loads((sandbox.root / "state.json").read_text())["user_password"]
    host = load(sandbox.env()).instance("sandbox").host
    settings = {"host": host, "account": "sandbox", "auth_type": "userpass", "username": "sandbox"}
    assert empty.ask("nbrucio/instances", {"name": "second", "settings": settings})[0] == 201
    with page_at(chromium, empty) as browser:
        browser.go("lab")
        panel = Panel(browser).open("Settings")
        card = panel.node.locator('[data-instance="second"]')
        # Another instance with the same host and account may be logged in; this one is not.
        expect(card.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        card.get_by_label("Password").fill("wrong")
        card.get_by_role("button", name="Log in", exact=True).click()
        expect(card.get_by_role("form").get_by_role("alert")).to_contain_text("second failed")
        expect(card).to_have_attribute("data-login", "out")
        expect(card).not_to_contain_text("Logged in")
        assert panel.violations() == []
        panel.shot("login-refused", whole=False)
        card.get_by_label("Password").fill(good)
        card.get_by_role("button", name="Log in", exact=True).click()
        expect(card).to_have_attribute("data-login", "in")
        assert panel.violations() == []
        card.get_by_role("button", name="Log out").click()
        expect(card).to_have_attribute("data-login", "out")
