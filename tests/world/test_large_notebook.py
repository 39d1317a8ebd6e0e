"""A notebook of 50 MB, of which nothing outside our key changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.notebook.ipynb import create_empty, load, save, with_value
from nbrucio.operations.adding import Wish, add
from nbrucio.operations.edit import remove

pytestmark = pytest.mark.world


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["minified", "one line"])
def test_a_large_notebook_keeps_every_byte_outside_our_key(tmp_path: Path, separators: tuple[str, str]) -> None:
    path = tmp_path / "nb.ipynb"
    create_empty(path)
    content = json.loads(path.read_text())
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgo" * 9_000}}
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [image] * 5, "source": "x"}
    content["cells"] = [{**cell, "id": f"c{number}"} for number in range(105)]
    raw = ("\ufeff" + json.dumps(content, separators=separators)).encode()
    assert len(raw) > 50_000_000
    path.write_bytes(raw)
    config = Config((), None, tmp_path / "store")
    save(load(path), {"version": 1, "requirements": []})
    add(path, [Did("s", "n")], config, wish=Wish("data", offline=True))
    remove(path, ["data"])
    assert with_value(load(path), None) == raw
