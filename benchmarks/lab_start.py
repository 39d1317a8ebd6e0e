"""How much later JupyterLab is there for its extension: ``python -m benchmarks.lab_start``.

One server, one browser; the page is loaded in turns with the extension and with it disabled, each time from the
browser's cache, as people come back to a Lab. Printed are the medians, over the loads, of the processor time that the
page's main thread takes until the Lab's shell is restored, which other programs on the machine hardly disturb, and of
the time on the clock.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.jupyter_server import TOKEN, base_environment, serve

ROUNDS = 15
RESTORED = "async () => { await window.jupyterapp.restored; return performance.now(); }"


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp())
    switch = folder / "jupyter-config/labconfig/page_config.json"
    switch.parent.mkdir(parents=True)
    times: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    try:
        with (
            serve(folder, base_environment(folder), "--LabApp.expose_app_in_browser=True", faces=True) as server,
            sync_playwright() as playwright,
        ):
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = chromium.new_page()
            debugger = page.context.new_cdp_session(page)
            debugger.send("Performance.enable", {"timeDomain": "threadTicks"})
            for number in range(2 * (ROUNDS + 1)):
                with_it = number % 2 == 0
                switch.write_text(json.dumps({"disabledExtensions": {"nbrucio": not with_it}}))
                page.goto(f"{server.url}lab?token={TOKEN}&reset")
                page.wait_for_function("() => window.jupyterapp")
                clock_ms = page.evaluate(RESTORED)
                metrics = {one["name"]: one["value"] for one in debugger.send("Performance.getMetrics")["metrics"]}
                there = page.evaluate("() => window.jupyterapp.hasPlugin('nbrucio:plugin')")
                assert there == with_it, "the switch did not work"
                if number > 1:  # the first two fill the cache
                    times[with_it].append((1000 * metrics["ThreadTime"], clock_ms))
            chromium.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for kind, name in enumerate(("processor", "clock")):
        without, with_it = (statistics.median(one[kind] for one in times[key]) for key in (False, True))
        print(f"{name:>10}: {without:6.0f} ms without, {with_it:6.0f} ms with nbrucio: {with_it - without:+.0f} ms")
    print(f"medians of {ROUNDS} loads each")


if __name__ == "__main__":
    main()
