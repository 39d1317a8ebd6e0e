"""D9: whatever a session does, nbrucio writes nothing of its own below the home, which is on EOS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.jupyter_server import declaring
from tests.swan.session import Session

pytestmark = [pytest.mark.world, pytest.mark.parametrize("swan_python", ["pinned"], indirect=True)]

#: Files of other programs: those that JupyterLab starts, and its settings.
OTHERS = (".npm/", ".local/lab/")
CELL = "import nbrucio\nprint(len(nbrucio.data['growing']), 'files')"


def _files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir()}


def test_d9_a_session_leaves_only_notebooks_below_its_home(session: Session) -> None:
    notebook = session.project / "a.ipynb"
    notebook.write_text(json.dumps(declaring(CELL, growing="sandbox:growing")))
    before = _files(session.home)
    with session.running() as server:
        server.open("a.ipynb")
        assert server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb"})[0] == 202
        assert server.settled("a.ipynb")["requirements"] == {"growing": "ready"}
        with server.kernel("a.ipynb") as kernel:
            assert kernel.run(CELL).text == "2 files\n"
        assert server.ask("nbrucio/whoami")[0] == 200
    written = _files(session.home) - before
    assert [name for name in written if not name.startswith(OTHERS)] == []
    assert list((session.folder / "tmp").rglob("grants.json"))
