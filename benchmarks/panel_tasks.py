"""The cost of a notebook with many requirements for the browser: ``python -m benchmarks.panel_tasks``.

A notebook with 10,000 requirements opens beside the sandbox, then the panel; another has 10,002, which are more than a
declaration may have. Printed are the processor time of the longest task of the page's main thread, which other programs
on the machine hardly disturb, and the nodes of the panel.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import TOKEN, Server, base_environment, declaring, serve

MANY = (10_000, 10_002)
TRACED = "devtools.timeline,disabled-by-default-devtools.timeline"
NODES = "() => document.querySelectorAll('#nbrucio-panel *').length"
DID = "sandbox:dimuon"


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp())
    sandbox = Sandbox(folder / "sandbox")
    sandbox.start()
    try:
        environment = base_environment(folder) | dict(sandbox.env())
        with serve(folder, environment, faces=True) as server, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            for count in MANY:
                _measure(chromium.new_context().new_page(), server, count)
            chromium.close()
    finally:
        sandbox.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measure(page: Page, server: Server, count: int) -> None:
    content = declaring("1", **{f"of_{number}": DID for number in range(count)})
    (server.root / f"{count}.ipynb").write_text(json.dumps(content))
    page.goto(f"{server.url}lab?token={TOKEN}&reset")
    page.locator(".jp-Launcher").wait_for()

    def open_notebook() -> None:
        page.goto(f"{server.url}lab/tree/{count}.ipynb?token={TOKEN}&reset")
        page.locator(".nbrucio-chip").get_by_text(f"of {count:,} ready").wait_for(timeout=120_000)
        page.wait_for_timeout(5_000)

    def open_panel() -> None:
        page.locator('.jp-SideBar [data-id="nbrucio-panel"]').click()
        page.locator("#nbrucio-panel .nbrucio-row").first.wait_for()
        page.wait_for_timeout(1_000)

    opened = _longest_task_ms(page, open_notebook)
    hidden = page.evaluate(NODES)
    shown = _longest_task_ms(page, open_panel)
    print(
        f"{count:,} requirements: longest task {opened:.0f} ms while the notebook opens, {shown:.0f} ms while the "
        f"panel does; {hidden} nodes hidden, {page.evaluate(NODES)} shown"
    )


def _longest_task_ms(page: Page, act: Callable[[], None]) -> float:
    """The processor time of the longest task of the main thread during ``act``."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    complete: list[object] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda end: complete.append(end))
    session.send("Tracing.start", {"categories": TRACED, "transferMode": "ReportEvents"})
    act()
    session.send("Tracing.end")
    while not complete:
        page.wait_for_timeout(100)
    main = {(one["pid"], one["tid"]) for one in events if one["name"] == "FireAnimationFrame"}
    tasks = (one for one in events if one["name"] == "RunTask" and (one["pid"], one["tid"]) in main)
    return max(float(one.get("tdur", 0)) for one in tasks) / 1000


if __name__ == "__main__":
    main()
