"""How servers are told apart, and how that is written."""

from __future__ import annotations

import pytest

from nbrucio.core.address import address_of, canonical, former_identity, read_address


@pytest.mark.parametrize(
    ("url", "vo", "identity"),
    [
        ("https://cms-rucio.cern.ch", "def", "cms-rucio.cern.ch"),
        ("https://CMS-Rucio.cern.ch:443/", "def", "cms-rucio.cern.ch"),
        ("https://cms-rucio.cern.ch./", "def", "cms-rucio.cern.ch"),
        ("https://h.example:8443", "def", "h.example:8443"),
        ("https://h.example/Rucio/", "def", "h.example/Rucio"),
        ("https://h.example", "atl", "h.example#atl"),
        ("https://h.example:8443/prefix", "atl", "h.example:8443/prefix#atl"),
        ("http://h.example", "def", "h.example:80"),
        ("http://h.example:443", "def", "h.example"),
        ("https://[2001:DB8:0::1]", "def", "[2001:db8::1]"),
        ("https://[::1]:8443", "def", "[::1]:8443"),
    ],
)
def test_port_prefix_and_vo_are_written_where_they_are_not_the_usual_ones(url: str, vo: str, identity: str) -> None:
    assert address_of(url, vo).identity() == identity
    assert canonical(identity) == identity


@pytest.mark.parametrize(
    ("written", "identity"),
    [
        (" H.example:443/#def ", "h.example"),
        ("https://h.example:8443/", "h.example:8443"),
        ("http://h.example/p#atl", "h.example:80/p#atl"),
        ("h.example/P#ATL", "h.example/P#ATL"),
        ("My Laboratory", "my laboratory"),
        ("h.example:port", "h.example:port"),
        ("[::1", "[::1"),
        ("ftp://h.example", "ftp://h.example"),
        ("", ""),
    ],
)
def test_what_people_write_is_spelled_in_one_way(written: str, identity: str) -> None:
    assert canonical(written) == identity


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ("h", True),
        ("h:8443", True),
        ("h/p", True),
        ("h#atl", True),
        ("h:8443/p#atl", True),
        ("https://h:8443", True),
        ("h:443", False),
        ("https://h", False),
        ("h/q", False),
        ("h/p/q", False),
        ("h#def", False),
        ("g", False),
    ],
)
def test_a_part_of_an_identity_fits_whatever_else_is_so(written: str, fits: bool) -> None:
    address = read_address(written)
    assert address is not None
    assert address.fits(address_of("https://h:8443/p", "atl")) is fits


@pytest.mark.parametrize("text", ["user:word@h", "h/p?x=1", "a b", "", "#atl", "//"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


def test_the_former_name_was_the_bare_host() -> None:
    assert former_identity("h.example:8443/p#atl") == "h.example"
    assert former_identity("h.example#atl") == "h.example"
    assert former_identity("[::1]:8443") == "::1"
    assert former_identity("h.example") is None
    assert former_identity("my laboratory") is None
