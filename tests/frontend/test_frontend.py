"""The JupyterLab extension without a browser: its own tests, and what of it a wheel holds."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "nbrucio/labextension"
#: The bundle may weigh so much; browsers load it at each start of the Lab.
MAX_BYTES = 300_000


@pytest.mark.parametrize("script", ["test", "lint"])
def test_the_checks_of_the_extension_pass(script: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    npm = shutil.which("npm", path=path)
    assert npm, "`make frontend` installs what this needs."
    done = subprocess.run(
        [npm, "run", script],
        cwd=ROOT / "frontend",
        env=os.environ | {"PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_of_the_panel_are_made_from_the_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    types = runpy.run_path(str(ROOT / "tools/panel_types.py"))["types"]()
    assert (ROOT / "frontend/src/schema.ts").read_text("utf-8") == types, "run `make types`"


def test_the_bundle_is_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (BUILT / "static").glob("*.js")}
    assert sizes, "`make frontend` builds it."
    assert sum(sizes.values()) < MAX_BYTES, sizes


def test_a_wheel_brings_the_extension_and_needs_no_node(tmp_path: Path) -> None:
    # From the sdist, as PyPI's users get it when they build it themselves; there is no node on the path.
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    for target, source in (("sdist", ROOT), ("wheel", tmp_path / "source")):
        if target == "wheel":
            (archive,) = tmp_path.glob("*.tar.gz")
            shutil.unpack_archive(archive, tmp_path)
            archive.with_suffix("").with_suffix("").rename(source)
        command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(tmp_path)]
        subprocess.run(command, cwd=source, env=bare, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
    shared = [name.partition(".data/data/share/jupyter/labextensions/nbrucio/")[2] for name in names]
    assert {"package.json", "install.json", "schemas/nbrucio/plugin.json"} <= set(shared)
    assert [name for name in shared if name.startswith("static/remoteEntry.")]
    assert [name for name in names if "labextension/" in name] == []


def test_the_lock_file_names_no_registry() -> None:
    text = (ROOT / "frontend/package-lock.json").read_text()
    assert "resolved" not in text
