"""The keys in stores, as a hint which files may be there."""

from __future__ import annotations

from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.store import Store
from nbrucio.store.layout import StoreLayout

DIDS = [Did("s", name) for name in ("own", "shared", "former", "nowhere")]


def test_a_file_may_be_in_the_store_or_below_it_and_by_its_former_name(tmp_path: Path) -> None:
    own, below = tmp_path / "own", tmp_path / "below"
    for root, instance, did in ((own, "x:1", DIDS[0]), (below, "x:1", DIDS[1]), (own, "x", DIDS[2])):
        Path(StoreLayout(str(root)).place(instance, did).folder).mkdir(parents=True)
    shelf = Path(StoreLayout(str(own)).place("x:1", DIDS[0]).shelf)
    (shelf / "not a key").mkdir()
    (shelf / "é.json").touch()
    present = Store(own, below=[below]).present()
    assert [present.may_have("x:1", did) for did in DIDS] == [True, True, True, False]
    assert not present.may_have("y:1", DIDS[0])
    assert not Store(tmp_path / "absent").present().may_have("x:1", DIDS[0])
