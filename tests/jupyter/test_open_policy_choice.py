"""What the user chose for the opening of notebooks: never more than the operator allows, known from the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jupyter.conftest import Start
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, declaring


def test_a_user_may_choose_less_than_is_allowed_and_take_it_back(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon="sandbox:dimuon"))
    allowed = {"level": "fetch", "budget_bytes": 2_000_000_000}
    status, now = server.ask("nbrucio/opening", {"level": "off", "budget_bytes": 9_000_000_000_000})
    assert (status, now) == (200, {"level": "off", "budget_bytes": 2_000_000_000, "allowed": allowed})
    server.open("a.ipynb")
    assert server.state("a.ipynb") is None
    assert server.ask("nbrucio/opening", {})[1] == {**allowed, "allowed": allowed}
    server.open("a.ipynb")
    assert server.state("a.ipynb") is not None


@pytest.mark.parametrize("body", [{"level": "all"}, {"budget_bytes": -1}, {"budget_bytes": True}])
def test_a_wrong_choice_changes_nothing(server: Server, body: dict[str, object]) -> None:
    before = server.ask("nbrucio/opening")
    assert server.ask("nbrucio/opening", body)[0] == 400
    assert server.ask("nbrucio/opening") == before


def test_what_was_chosen_before_holds_from_the_start_within_what_is_allowed(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "settings" / "nbrucio" / "plugin.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text('{\n  // as Lab writes it\n  "onOpen": "fetch",\n  "openBudget": 5\n}\n')
    with start("--NbrucioApp.on_open=look", JUPYTERLAB_SETTINGS_DIR=str(tmp_path / "settings")) as server:
        assert server.ask("nbrucio/opening")[1] == {
            "level": "look",
            "budget_bytes": 5_000_000,
            "allowed": {"level": "look", "budget_bytes": 2_000_000_000},
        }
