"""Search conditions: everything that can be said, and the place of what cannot be understood."""

from __future__ import annotations

import pytest

from nbrucio.catalogue.filters import conditions_of, filters_of, unsized_filters
from nbrucio.errors import BadCondition

DAY = "must be a day or time in UTC such as 2026-01-31 or '2026-01-31 13:00:00'"
MANY = "alternatives; at most 32 are allowed in one search"


def filters(*texts: str) -> list[dict[str, str]]:
    found = filters_of("*", conditions_of(texts))
    return [{key: value for key, value in one.items() if key != "name"} for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("project=dimuon", [{"project": "dimuon"}]),
        ("project == dimuon", [{"project": "dimuon"}]),
        ("project!='this and that'", [{"project.ne": "this and that"}]),
        ('project="it\'s"', [{"project": "it's"}]),
        ("a=1 AND b=2 Or c=3", [{"a": "1", "b": "2"}, {"c": "3"}]),
        ("a=1 and (b=2 or c=3)", [{"a": "1", "b": "2"}, {"a": "1", "c": "3"}]),
        ("((a=1))", [{"a": "1"}]),
        ("bytes > 1 GB", [{"bytes.gt": "1000000000"}]),
        ("bytes>=1.5MB and bytes < '2 MiB'", [{"bytes.gte": "1500000", "bytes.lt": "2097152"}]),
        ("created_at >= 2026-01-31", [{"created_at.gte": "2026-01-31T00:00:00"}]),
        ("created_at < 2026-01-31 13:00 and length=03", [{"created_at.lt": "2026-01-31T13:00:00", "length": "3"}]),
        ("hidden = TRUE", [{"hidden": "True"}]),
        ("datatype = data-AOD.*", [{"datatype": "data-AOD.*"}]),
        # The server would read these as a number and a list, and compare a text with them.
        ("version = 12", [{"version": "'12'"}]),
        ("mine = '[1]' and other = 7", [{"mine": "'[1]'", "other": "7"}]),
    ],
)
def test_conditions_become_filters_of_rucio(text: str, expected: list[dict[str, str]]) -> None:
    assert filters(text) == expected


def test_several_conditions_must_all_be_met() -> None:
    assert filters("a=1 or b=2", "c=3") == [{"a": "1", "c": "3"}, {"b": "2", "c": "3"}]


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        ("project = demo and«»", "A condition is missing after 'and'."),
        ("project = demo or «and» length = 1", "A condition is missing before 'and'."),
        ("«and» project = demo", "A condition is missing before 'and'."),
        ("«»", "The condition is empty."),
        ('project = «"demo and length > 1»', 'The quote " is not closed.'),
        ("project = demo«'s»", "The quote ' is not closed."),
        ("project = demo «&&» length > 1", "'&&' does not join conditions."),
        ("project = demo «&» length > 1", "'&' does not join conditions."),
        ("project = demo «||» length > 1", "'||' does not join conditions."),
        ("project = demo«,» length > 1", "',' does not join conditions."),
        ("project = demo«;»", "';' does not join conditions."),
        ("project = demo and «,» length > 1", "',' does not join conditions."),
        ("length «=>» 3", "'=>' is not a comparison."),
        ("length «<>» 3", "'<>' is not a comparison."),
        ("length «===» 3", "'===' is not a comparison."),
        ("project «~» demo", "'~' is not a comparison."),
        ("project «like» demo", "A comparison is missing after 'project'."),
        ("nonsense«»", "A comparison is missing after 'nonsense'."),
        ("not «project» = demo", "A comparison is missing after 'not'."),
        ("project =«»", "A value is missing after '='."),
        ("project = «and» length > 1", "A value is missing after '='."),
        ("«=» demo", "A metadata key is missing before '='."),
        ("«'project'» = demo", "'project' is not a metadata key."),
        ("«1» < length < 5", "'1' is not a metadata key."),
        ("length > 1 «<» 5", "'<' follows a whole condition."),
        ("project = demo «length» > 1", "'length' follows a whole condition."),
        ("project = my «project»", "'project' follows a whole condition."),
        ("«(»project = demo", "This '(' is not closed."),
        ("project = demo«)»", "This ')' has no '('."),
        ("(project = demo) «(»length > 1)", "'(' follows a whole condition."),
        ("project = demo and «)»", "A condition is missing before ')'."),
        ("(«)»", "A condition is missing before ')'."),
        ("«dataset.name» = x", "'dataset.name' is not a metadata key."),
        ("«name» = muons", "'name' is not a metadata key."),
        ("«is_open» = 1", "Rucio cannot search by 'is_open'."),
        ("length = «many»", "The value of 'length' must be a whole number such as 3."),
        ("length > «1.5»", "The value of 'length' must be a whole number such as 3."),
        ("bytes > «much»", "The value of 'bytes' must be a size such as '50 GB'."),
        ("created_at > «yesterday»", f"The value of 'created_at' {DAY}."),
        ("«created_after» > 2026-01-31", "'created_after' takes = only."),
        ("hidden = «maybe»", "The value of 'hidden' must be true or false."),
        ("guid = «abc»", "The value of 'guid' must have 32 hex digits."),
        ("project > «dim*»", "Rucio compares patterns by = and != only."),
        ("project = «[1]»", "A value with brackets needs quotes."),
        ("project = a and «project» = b", "The condition on 'project' is there a second time."),
        ("«" + " or ".join(f"a={n}" for n in range(33)) + "»", f"These conditions have 33 {MANY}."),
        ("(" * 20 + "«(»" + "a=1" + ")" * 21, "The parentheses are nested too deeply."),
    ],
)
def test_a_wrong_condition_has_its_place(marked: str, message: str) -> None:
    before, rest = marked.split("«")
    wrong, after = rest.split("»")
    with pytest.raises(BadCondition) as caught:
        filters(before + wrong + after)
    error = caught.value
    assert (error.message, error.position) == (message, (len(before), len(before) + len(wrong)))
    assert error.hint
    assert error.subject == before + wrong + after


def test_hints_name_what_is_meant() -> None:
    for text, meant in (("a=1 && b=2", "and"), ("a=1, b=2", "and"), ("a=1; b=2", "or"), ("a =< 2", "<=")):
        with pytest.raises(BadCondition) as caught:
            filters(text)
        assert (caught.value.hint or "").startswith(f"Write '{meant}' instead")


def test_sizes_are_replaced_where_rucio_has_none() -> None:
    conditions = conditions_of(["project=x and bytes>1 or length=2 or campaign=y"])
    assert unsized_filters("a*", conditions) == [
        {"name": "a*", "project": "x", "bytes": "None"},
        {"name": "a*", "bytes": "None"},
    ]
    assert unsized_filters("*", conditions_of(["project=x"])) == []
