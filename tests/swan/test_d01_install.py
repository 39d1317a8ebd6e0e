"""D1: the wheel is all that an image needs, and holds nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from nbrucio.version import __version__
from tests.swan.conftest import DEPLOYED, ROOT
from tests.swan.packages import install_nbrucio, pip

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: What SWAN's image has already, through JupyterLab and JupyterHub.
IN_THE_IMAGE = {"certifi", "cryptography", "jsonschema", "nbformat", "platformdirs", "urllib3"}
#: Every file of the wheel: code, its data, what Jupyter reads, and the metadata.
RULES = (
    r"(nbrucio|nbrucio_cli|nbrucio_schemas)/([a-z_]+/)*([a-z_]+\.py|py\.typed)",
    r"nbrucio_cli/help\.txt",
    r"nbrucio_schemas/([a-z-]+-\d+\.schema|openapi)\.json",
    r"nbrucio/jupyter/events[a-z-]*\.yaml",
    r"nbrucio/sandbox/notebooks/dimuon\.ipynb",
    r"nbrucio-[\d.]+\.data/data/etc/jupyter/jupyter_server_config\.d/nbrucio\.json",
    r"nbrucio-[\d.]+\.data/data/share/jupyter/labextensions/nbrucio/(package|install)\.json",
    # The .orig is jupyterlab's: its server reads the version of the settings from it.
    r"nbrucio-[\d.]+\.data/data/share/jupyter/labextensions/nbrucio/schemas/nbrucio/(plugin\.json|package\.json\.orig)",
    r"nbrucio-[\d.]+\.data/data/share/jupyter/labextensions/nbrucio/static/[A-Za-z0-9-]+\.([0-9a-f]+\.)?js(on)?",
    r"nbrucio-[\d.]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)",
)


def test_d1_the_wheel_holds_nothing_stray(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
    assert [name for name in names if not any(re.fullmatch(rule, name) for rule in RULES)] == []
    unused = [rule for rule in RULES if not any(re.fullmatch(rule, name) for name in names)]
    assert unused == []


def test_d1_the_dockerfile_pins_every_library_that_the_image_lacks() -> None:
    lines = (DEPLOYED / "Dockerfile").read_text("utf-8").splitlines()
    # SWAN raises versions by `sed "s/ name==.../"`, so one a line.
    pins = dict(match.group(1, 2) for line in lines if (match := re.match(r" {8}([a-z0-9.-]+)==([\d.]+)( \\)?$", line)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [Requirement(text) for text in project["dependencies"]]
    missing = {one.name for one in needed if one.name not in IN_THE_IMAGE and one.name != "tomli"}
    assert pins["nbrucio"] == __version__
    assert missing <= set(pins)
    assert [one.name for one in needed if one.name in pins and pins[one.name] not in one.specifier] == []


@pytest.mark.world
def test_d1_with_the_pins_nothing_is_missing(swan_python: Path, wheel: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    pip(swan_python, "--dry-run", "--report", str(report), str(wheel))
    assert [one["metadata"]["name"] for one in json.loads(report.read_text())["install"]] == []


@pytest.mark.world
def test_d1_jupyter_finds_the_extensions_and_an_uninstall_leaves_nothing(swan_python: Path, wheel: Path) -> None:
    listed = _run(swan_python, "jupyter", "server", "extension", "list")
    assert re.search(rf"nbrucio {re.escape(__version__)}\s+\S*OK", listed), listed
    listed = _run(swan_python, "jupyter", "labextension", "list")
    assert re.search(rf"nbrucio v{re.escape(__version__)} .*enabled.*OK", listed), listed
    try:
        _run(swan_python, "pip", "uninstall", "--yes", "nbrucio")
        left = [path for path in swan_python.parents[1].rglob("*nbrucio*") if "__pycache__" not in path.parts]
        assert left == []
    finally:
        install_nbrucio(swan_python, wheel, libraries=False)


def _run(python: Path, *words: str) -> str:
    done = subprocess.run([python, "-m", *words], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
