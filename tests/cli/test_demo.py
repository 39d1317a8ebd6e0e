"""The demo: the main job from start to end, as a newcomer sees it first."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.examples import example
from tests.cli.conftest import Cli, Result

#: Counts pairs in windows of equal width on the peaks and beside them, from what the demo synced.
PEAKS = """
import nbrucio, numpy as np, uproot
events = uproot.concatenate([f"{path}:Events" for path in nbrucio.data["dimuon"]], library="np")
pt1, pt2 = events["mu1_pt"].astype(float), events["mu2_pt"].astype(float)
eta, phi = events["mu1_eta"] - events["mu2_eta"], events["mu1_phi"] - events["mu2_phi"]
mass = np.sqrt(2 * pt1 * pt2 * (np.cosh(eta) - np.cos(phi)))
print(*(np.sum(np.abs(mass - at) < width) for at, width in ((3.09, 0.1), (2.7, 0.1), (91.2, 3), (80, 3))))
"""


@pytest.fixture
def demo(connected: Cli, sandbox: Sandbox) -> Result:
    return connected("demo", "--root", sandbox.root, "--output", "out", PATH="/usr/bin:/bin")


def test_the_demo_ends_with_a_plot_and_what_to_try_next(connected: Cli, sandbox: Sandbox, demo: Result) -> None:
    assert demo.exit_code == 0, demo.err
    executed, plot = connected.folder / "out" / "dimuon.out.ipynb", connected.folder / "out" / "dimuon.png"
    assert plot.read_bytes().startswith(b"\x89PNG")
    outputs = [output for cell in json.loads(executed.read_text())["cells"] for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert demo.out.splitlines()[-10:] == [
        f"Executed notebook: {executed}",
        f"Plot:              {plot}",
        "",
        "Try next:",
        f"  export PATH={Path(sys.executable).parent}:$PATH",
        f'  eval "$(nbrucio sandbox env --root {sandbox.root})"          '
        "# nbrucio and rucio use the sandbox from here on",
        "  nbrucio status out/dimuon.ipynb",
        "  nbrucio search 'sandbox:*'",
        "  nbrucio add out/dimuon.ipynb sandbox:growing --as growing",
        f"  nbrucio sandbox stop --root {sandbox.root}",
    ]


def test_the_synced_events_show_the_j_psi_and_the_z(connected: Cli) -> None:
    shutil.copy(example("dimuon.ipynb"), connected.folder)
    assert connected("sync", "dimuon.ipynb").exit_code == 0
    here = Cli(connected.folder, connected.env | {"NBRUCIO_NOTEBOOK": "dimuon.ipynb"})
    j_psi, beside_it, z, below_it = map(int, here.python(PEAKS).split())
    assert j_psi > 10 * beside_it
    assert z > 10 * below_it
