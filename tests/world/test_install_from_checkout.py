"""An installation from a checkout has the panel, also without node on the machine; an editable one needs no node."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PANEL = Path("share/jupyter/labextensions/nbrucio")
Install = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean clone, without a built panel."""
    folder = tmp_path / "checkout"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    assert not (folder / "nbrucio/labextension").exists()
    return folder


@pytest.fixture
def without_node(tmp_path: Path) -> str:
    """A PATH with all programs of the system except node."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in ("/usr/bin", "/bin"):
        for program in Path(folder).iterdir():
            link = programs / program.name
            if program.name not in {"node", "nodejs", "npm", "npx"} and not link.exists():
                link.symlink_to(program)
    return str(programs)


@pytest.fixture
def install(tmp_path: Path, without_node: str) -> Install:
    """Runs pip in a fresh environment, without node on the path."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [tmp_path / "env/bin/pip", "install", "--no-deps", *map(str, words)]
        return subprocess.run(
            command, env=os.environ | {"PATH": without_node}, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("source", ["{}", "git+file://{}"])
def test_pip_install_of_a_checkout_builds_the_panel(
    checkout: Path, install: Install, tmp_path: Path, source: str
) -> None:
    done = install(source.format(checkout))
    assert done.returncode == 0, done.stdout + done.stderr
    panel = tmp_path / "env" / PANEL
    assert (panel / "install.json").is_file()
    assert list(panel.glob("static/remoteEntry.*.js"))


def test_an_editable_install_neither_builds_the_panel_nor_gets_node(checkout: Path, install: Install) -> None:
    done = install("--verbose", "--editable", checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nodejs" not in done.stdout
    assert not (checkout / "nbrucio/labextension").exists()


def test_a_panel_that_cannot_be_built_fails_the_installation_with_the_way_out(checkout: Path, install: Install) -> None:
    (checkout / "frontend/package.json").write_text("{")
    done = install(checkout)
    assert done.returncode != 0
    assert "hint: Run `make frontend` in the checkout, then install again." in done.stdout + done.stderr
