"""DIDs as people write them."""

from __future__ import annotations

import pytest
from rucio.common.utils import ScopeExtractionAlgorithms

from nbrucio.core.scope_rule import ScopeRule
from nbrucio.errors import BadDid

NAMES = ("data12_8TeV.00200.physics.DAOD", "user.jdoe.sample.v1", "group.phys-higgs.x.y", "mc16.root", "user.jdoe.set/")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_without_scope_gets_the_one_of_rucio_clients(name: str) -> None:
    assert tuple(ScopeRule().did(name)) == ScopeExtractionAlgorithms.extract_scope_default(name, None)


@pytest.mark.parametrize("name", ["/belle/user/jdoe/f.root", "/vo/f.root"])
def test_a_path_gets_the_scope_of_dirac(name: str) -> None:
    assert tuple(ScopeRule("dirac").did(name)) == ScopeExtractionAlgorithms.extract_scope_dirac(name, None)


def test_an_instance_may_have_one_scope_for_all_names() -> None:
    name = "/DYJetsToLL_M-50/RunIISummer20UL18-v2/NANOAODSIM"
    assert str(ScopeRule(scope="cms").did(name)) == f"cms:{name}"
    assert str(ScopeRule(scope="cms").did("user.jdoe:/a/b/USER")) == "user.jdoe:/a/b/USER"


def test_a_url_of_rucio_is_the_did_in_it() -> None:
    assert str(ScopeRule().did(" rucio://sandbox:dimuon ")) == "sandbox:dimuon"
    assert ScopeRule().split("Rucio://user.*:dim*") == ("user.*", "dim*")


@pytest.mark.parametrize("text", ["", "noscope", "rucio://", "/A/B/NANOAODSIM", ":x", "x:"])
def test_a_text_without_scope_is_no_did(text: str) -> None:
    with pytest.raises(BadDid):
        ScopeRule().did(text)
