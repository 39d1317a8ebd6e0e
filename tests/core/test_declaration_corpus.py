"""The schema and the reader of declarations agree on every document: on which parts are valid, and which are not."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from nbrucio.core.declaration import Declaration, DeclarationFault
from nbrucio.core.parameter import variant_name
from nbrucio.errors import BadDeclaration, ParameterNeeded
from nbrucio.notebook.schema_errors import declaration_faults

LOCK = {
    "did": "s:n",
    "select": {"match": "*.root"},
    "type": "DATASET",
    "files": 2,
    "bytes": 3,
    "open": False,
    "digest": "sha256:" + "0" * 64,
    "locked": "2026-11-23T10:00:00Z",
    "pinned": ["s:a\t1\t0a0b0c0d", "s:b\t-\t" + "0" * 32, "s:c d\t2\t-"],
    "sha256": {"s:a": "0" * 64},
}
REQUIREMENTS: list[Any] = [
    {
        "did": "cms:/SingleMuon/Run2018A/NANOAOD#v1",
        "handle": "muons",
        "instance": "cms-rucio.cern.ch",
        "select": {"match": "*.root", "first": 2, "max_bytes": 9},
        "access": "stream",
        "bind": True,
        "doi": "10.1/x",
    },
    {"did": {"parameter": "era", "choices": {"2017": "s:b", "2018": "s:c"}, "default": "2017"}, "handle": "c"},
    {"did": {"parameter": "dataset", "default": "s:n"}, "handle": "free"},
    {"did": {"parameter": "needed"}, "handle": "later", "access": "any"},
]
VARIANTS = {"variants": {"dev": {"muons": {"first": 1}, "c": {}}}, "variant": {"parameter": "size", "default": "dev"}}
WHOLE = {
    "version": 1,
    "requirements": REQUIREMENTS,
    "lock": {"c": LOCK, "muons@dev": {**LOCK, "open": True}},
    **VARIANTS,
}
#: Small ones, since jsonschema takes a millisecond for the whole.
PARTS: list[Any] = [{"version": 1, "requirements": [each]} for each in REQUIREMENTS]
PARTS += [{"lock": {"c": LOCK}}, VARIANTS]
VALUES: list[Any] = [
    None, True, False, 0, 1, 2, -1, 1.0, 2.0, 1.5, float("inf"), 10**30, "", "any", [], {}, [[]],
    {"first": 1}, {"frist": 1}, {"parameter": "p"}, {"a": "b"}, ["s:a\t1\t-"] * 64, ["s:a\t1\t-"] * 65,
    {f"s:{number}": "0" * 64 for number in range(64)}, {f"s:{number}": "0" * 64 for number in range(65)},
]  # fmt: skip
#: Words of the format, and texts that are almost a DID, a handle, a digest, a line of a list.
TEXTS = [
    "store", "mount", "download", "rule", "DATASET", "FILE", "DATASET", "CONTAINER",
    "1", "x y", "s:n", "s:n\n", "s: n", "s:n ", "s:n\u2028x", "s:\x85x", "s:a\x00", "-s:n", "s", ":", "s:",
    "é:n", "s:é😀", "s" * 255 + ":n", "s" * 256 + ":n", "s:" + "n" * 500, "s:" + "n" * 501, "s:\ud800", "a:b:c/d#e",
    "class", "_a", "a\n", "a²", "℘", "a·", "\U0001d431", "é", "1a", "a-b", "a" * 100, "a" * 101, "\u200bx",
    "sha256:" + "a" * 64, "sha256:" + "a" * 64 + "\n", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "f" * 64, "F" * 64,
    "s:a\t1\t-", "s:a\t-\t-\n", "s:a\t1\t0A0B0C0D", "s:a\t+1\t-", "s:a\t1_0\t-", "s:a\t\uff11\t-", "s:a \t1\t-",
    "a\t1\t-", "s:a\t1\t" + "0" * 31, "s:a\t1", "s:a\t1\t-\t-", "s:\ta\t1\t-",
    "s:a\t" + "9" * 20 + "\t-", "s:a\t" + "9" * 21 + "\t-",
]  # fmt: skip
KEYS = ("acess", "selct", "requirement", "paramter", "first", "did", "", "default")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of ``value``."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return ``value`` with ``new`` at ``path``; ``...`` removes what is there."""
    if not path:
        return new
    copied = copy.copy(value)
    if len(path) == 1 and new is ...:
        del copied[path[0]]
    else:
        copied[path[0]] = changed(copied[path[0]], path[1:], new)
    return copied


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """Return the part of ``value`` at ``path``."""
    for key in path:
        value = value[key]
    return value


def corpus() -> Iterator[Any]:
    """Every change of one part of a declaration, and random changes of several parts."""
    for whole in PARTS:
        for path in places(whole):
            here = at(whole, path)
            odd = [*VALUES, *(TEXTS if isinstance(here, str) else []), *([...] if path else [])]
            yield from (changed(whole, path, new) for new in odd)
            if isinstance(here, dict):
                yield from (changed(whole, path, {**here, key: new}) for key in KEYS for new in (1, "s:n"))
    chosen, rng = list(places(WHOLE))[1:], random.Random(20)
    for _ in range(100):
        value: Any = WHOLE
        for path in rng.sample(chosen, 4):
            with suppress(KeyError, IndexError, TypeError):  # an earlier change replaced this part
                value = changed(value, path, rng.choice([..., *VALUES, *TEXTS]))
        yield value


def refused_by_reader(value: Any) -> set[tuple[Any, ...]]:
    """Return the parts that the reader refuses, without those of which a schema cannot know."""
    try:
        declaration = Declaration.parse(value)
    except BadDeclaration:
        return {()}
    found: set[tuple[Any, ...]] = {("lock", key) for key in declaration.bad_lock}
    for number, entry in enumerate(declaration.entries):
        if isinstance(entry, DeclarationFault) and not _is_beyond_schemas(entry.error):
            found.add(("requirements", number))
    return found | _refused_variants(declaration)


def _is_beyond_schemas(error: BadDeclaration) -> bool:
    words = ("another requirement", "not one of its choices", "which is not declared")
    return isinstance(error, ParameterNeeded) or any(each in error.message for each in words)


def _refused_variants(declaration: Declaration) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = set()
    try:
        variant_name(declaration.extra.get("variant"), {})
    except BadDeclaration:
        found.add(("variant",))
    try:
        names = list(declaration.variants)
    except BadDeclaration:
        return found | {("variants",)}
    for name in names:
        try:
            declaration.in_variant(name)
        except BadDeclaration as error:
            if not _is_beyond_schemas(error):
                found.add(("variants", name))
    return found


def refused_by_schema(value: Any) -> set[tuple[Any, ...]]:
    """Return the same parts by the schema."""
    found: set[tuple[Any, ...]] = set()
    for each in declaration_faults(value):
        if each.allowed:
            continue
        whole = len(each.parts) == 0 or each.parts in (("version",), ("requirements",), ("lock",))
        found.add(() if whole else each.parts[: 1 if each.parts[0] == "variant" else 2])
    return {()} if () in found else found


def test_schema_and_reader_agree_on_every_document() -> None:
    documents = [value for value in corpus() if value is not None]
    assert len(documents) > 3000
    differ = [(value, refused_by_reader(value), refused_by_schema(value)) for value in documents]
    assert [each for each in differ if each[1] != each[2]] == []


def test_the_whole_declaration_of_the_corpus_is_valid() -> None:
    assert declaration_faults(WHOLE) == ()
    assert refused_by_reader(WHOLE) == set()
