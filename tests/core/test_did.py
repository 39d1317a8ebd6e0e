"""DIDs: every text either parses or is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import BadDid
from tests.support.strategies import dids


def parse_or_refuse(text: str) -> Did | BadDid:
    try:
        return Did.parse(text)
    except BadDid as error:
        return error


@given(dids())
def test_a_did_writes_the_text_that_parses_back_to_it(did: Did) -> None:
    assert Did.parse(str(did)) == did


@given(st.text(max_size=300))
def test_any_text_is_a_did_or_refused(text: str) -> None:
    parsed = parse_or_refuse(text)
    if isinstance(parsed, BadDid):
        assert parsed.exit_code == 2
        assert parsed.message.endswith(".")
        assert parsed.message.isprintable()
    else:
        assert str(parsed) == text


def test_only_the_first_colon_divides() -> None:
    assert Did.parse("cms:/SingleMuon/Run2018A/NANOAOD#v1:2") == Did("cms", "/SingleMuon/Run2018A/NANOAOD#v1:2")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("dimuon", "the scope is missing"),
        (":dimuon", "a scope consists of letters"),
        ("..:dimuon", "a scope consists of letters"),
        ("a/b:dimuon", "a scope consists of letters"),
        ("sandbox:", "its name is empty"),
        ("sandbox:a\0b", "control character"),
        ("sandbox:a\nb", "control character"),
        ("sandbox:\u2028", "control character"),
        ("sandbox:a\u200b", "invisible or control character"),
        ("sandbox:a\u202ebatad", "invisible or control character"),
        ("sandbox: a", "begins or ends with a space"),
        ("sandbox:" + "a" * 501, "more than 500 characters"),
        ("s" * 256 + ":a", "more than 255 characters"),
    ],
)
def test_a_bad_did_says_which_part_is_wrong(text: str, why: str) -> None:
    with pytest.raises(BadDid, match=why):
        Did.parse(text)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/../b", "//", "a" * 250, "payload.part", "%2e%2e", "~root"])
def test_names_that_look_like_paths_are_only_names(name: str) -> None:
    assert Did.parse(f"sandbox:{name}").name == name


def test_hostile_text_is_shown_harmless() -> None:
    assert printable("\x1b[31m<b>\0") == "'\\x1b[31m<b>\\x00'"
    assert len(printable("x" * 10_000)) == 122
