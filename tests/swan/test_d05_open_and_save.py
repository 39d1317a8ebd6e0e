"""D5, D6: opening and saving through SWAN's contents manager."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.jupyter_server import Server, declaring, notebook
from tests.swan.session import Session

pytestmark = pytest.mark.world


def _write(server: Server, name: str, **handles: str) -> Path:
    path = server.root / name
    path.write_text(json.dumps(declaring(**handles)))
    return path


def test_d5_a_listing_starts_no_sync_and_an_opening_starts_one(session: Session) -> None:
    with session.running() as server:
        for number in range(8):
            _write(server, f"{number}.ipynb", mounted="sandbox:mounted")
        for _ in range(3):
            assert len(server.ask(f"api/contents/{quote(server.prefix)}")[1]["content"]) == 8
            for number in range(8):
                server.ask(f"api/contents/{server.api(f'{number}.ipynb')}?content=0")
        assert [server.state(f"{number}.ipynb") for number in range(8)] == [None] * 8
        server.open("3.ipynb")
        assert server.settled("3.ipynb")["requirements"] == {"mounted": "ready"}
        assert [server.state(f"{number}.ipynb") for number in (0, 7)] == [None] * 2


def test_d6_a_save_through_swans_contents_manager_declares_data_once(session: Session) -> None:
    code = "import nbrucio\nnbrucio.data('sandbox:mounted')"
    with session.running() as server:
        first = server.save("a.ipynb", notebook(code))
        assert [one["did"] for one in first["metadata"]["nbrucio"]["requirements"]] == ["sandbox:mounted"]
        assert server.save("a.ipynb", notebook(code)) == first
        assert server.save("a.ipynb", first) == first
        status, copy = server.ask(
            f"api/contents/{quote(server.prefix.rstrip('/'))}", {"copy_from": server.prefix + "a.ipynb"}
        )
        assert status == 201, copy
        assert json.loads((server.root / copy["name"]).read_text())["metadata"] == first["metadata"]
        server.rename("a.ipynb", "b.ipynb")
        assert server.save("b.ipynb", first) == first
        text = json.dumps(notebook(code))
        whole = {"type": "file", "format": "text", "content": text}
        assert server.ask(f"api/contents/{server.api('c.ipynb')}", whole, "PUT")[0] in (200, 201)
        assert json.loads((server.root / "c.ipynb").read_text()) == json.loads(text)
        half = len(text) // 2
        for chunk, part in ((1, text[:half]), (-1, text[half:])):
            model = {"type": "file", "format": "text", "content": part, "chunk": chunk}
            assert server.ask(f"api/contents/{server.api('d.ipynb')}", model, "PUT")[0] in (200, 201)
        assert json.loads((server.root / "d.ipynb").read_text()) == json.loads(text)
    assert "saved unchanged" not in server.log.read_text()
