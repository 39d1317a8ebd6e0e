"""D1: the wheel is all that an image needs, and holds nothing else."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

#: Every file of the wheel: code, its data, what Jupyter reads, and the metadata.
RULES = (
    r"(nbrucio|nbrucio_cli|nbrucio_schemas)/([a-z_]+/)*([a-z_]+\.py|py\.typed)",
    r"nbrucio_cli/help\.txt",
    r"nbrucio_schemas/[a-z-]+-\d+\.schema\.json",
    r"nbrucio/jupyter/(events[a-z-]*\.yaml|openapi\.json)",
    r"nbrucio/sandbox/notebooks/dimuon\.ipynb",
    r"nbrucio-[\d.]+\.data/data/etc/jupyter/jupyter_server_config\.d/nbrucio\.json",
    r"nbrucio-[\d.]+\.data/data/share/jupyter/labextensions/nbrucio/(package|install)\.json",
    # The .orig is jupyterlab's: its server reads the version of the settings from it.
    r"nbrucio-[\d.]+\.data/data/share/jupyter/labextensions/nbrucio/schemas/nbrucio/(plugin\.json|package\.json\.orig)",
    r"nbrucio-[\d.]+\.data/data/share/jupyter/labextensions/nbrucio/static/[A-Za-z0-9-]+\.([0-9a-f]+\.)?js(on)?",
    r"nbrucio-[\d.]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)",
)


def test_the_wheel_holds_nothing_stray(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
    assert [name for name in names if not any(re.fullmatch(rule, name) for rule in RULES)] == []
    unused = [rule for rule in RULES if not any(re.fullmatch(rule, name) for name in names)]
    assert unused == []
