"""Check a value with one of the shipped JSON Schemas: where it is wrong, why, and what was probably meant.

jsonschema is loaded by the first check: it takes 0.1 s, which no status or sync of locked data spends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import nbrucio_schemas

from nbrucio.core.text import printable
from nbrucio.errors import NbrucioError

if TYPE_CHECKING:
    from jsonschema import FormatChecker, ValidationError

#: A value can have any number of faults; so many are reported.
MAX_FAULTS = 100
_MAX_SHOWN_CHARS = 40
#: Marks an object that allowed unknown keys before its schema was closed.
_CLOSED = "x-closed"
#: By the name of a ``format`` in a schema: a function that raises `NbrucioError` for a text of another form.
Formats = Mapping[str, Callable[[str], object]]
NO_FORMATS: Formats = MappingProxyType({})

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


class SchemaFault(NamedTuple):
    """One place of a value that does not fit its schema.

    Attributes:
        parts: keys and list positions from the value to the wrong place.
        path: the same as text, for example ``nbrucio.requirements[0].acess``.
        message: one sentence that begins with ``path``. It has no value of the checked one, which may be secret,
            except those that a format's own error quotes.
        hint: the key or value that was probably meant, or the known ones; None without a suggestion.
        unknown_key: whether the only fault is that the schema does not list this key.
        allowed: whether it is an unknown key that the shipped schema allows, and only a closed one does not,
            while no required key seems to be meant by it.
    """

    parts: tuple[str | int, ...]
    path: str
    message: str
    hint: str | None = None
    unknown_key: bool = False
    allowed: bool = False


def schema_faults(
    value: object,
    schema: str | Mapping[str, Any],
    *,
    root: str = "",
    closed: bool = True,
    formats: Formats = NO_FORMATS,
) -> tuple[SchemaFault, ...]:
    """Return the faults of ``value``, at most `MAX_FAULTS`; empty if it fits.

    Args:
        value: what ``json.loads`` or a reader of TOML or YAML returns.
        schema: the name of the schema, for `nbrucio_schemas.load`; or a schema, which is used as it is.
        root: the name of ``value`` in paths; empty for paths that begin with a key.
        closed: also report keys that an object of the schema does not list, where it lists any.
        formats: by name, the forms of texts that a pattern cannot describe.

    Raises:
        ImportError: jsonschema is not installed.
    """
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, check in formats.items():
        checker.checks(name, raises=NbrucioError)(_text_only(check))
    loaded = _loaded(schema, closed) if isinstance(schema, str) else schema
    validator = _validator()(loaded, format_checker=checker)
    return _first(validator.iter_errors(value), root, checker)


def faults_of(errors: Iterable[ValidationError]) -> tuple[SchemaFault, ...]:
    """Return the faults of the ``errors`` that jsonschema finds with another schema; at most `MAX_FAULTS`.

    Raises:
        ImportError: jsonschema is not installed.
    """
    from jsonschema import FormatChecker

    return _first(errors, "", FormatChecker(formats=()))


def _first(errors: Iterable[ValidationError], root: str, checker: FormatChecker) -> tuple[SchemaFault, ...]:
    try:
        return tuple(islice(_Faults(root, checker).of(errors), MAX_FAULTS))
    except RecursionError:
        return (SchemaFault((), root, f"{root or 'The value'} is nested too deeply."),)


@cache
def _validator() -> Any:  # noqa: ANN401 - a class that jsonschema makes
    """Return jsonschema's validator, which looks at unlisted keys in their order. Its own takes that of a set, which is
    another one in each process.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    usual = Draft202012Validator.VALIDATORS["additionalProperties"]

    def in_order(validator: Any, inner: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:  # noqa: ANN401
        if not isinstance(inner, dict) or not isinstance(instance, dict):
            yield from usual(validator, inner, instance, schema)
            return
        for key, value in instance.items():
            if not _is_listed(str(key), schema):
                yield from validator.descend(value, inner, path=key)

    return extend(Draft202012Validator, {"additionalProperties": in_order})


def _is_listed(key: str, schema: Mapping[str, Any]) -> bool:
    """Return whether an object's schema says something about the values under ``key``."""
    patterns = schema.get("patternProperties", ())
    return key in schema.get("properties", ()) or any(re.search(pattern, key) for pattern in patterns)


def _text_only(check: Callable[[str], object]) -> Callable[[object], bool]:
    def accepts(instance: object) -> bool:
        if isinstance(instance, str):
            check(instance)
        return True  # another type is the fault of ``type``

    return accepts


@cache
def _loaded(name: str, closed: bool) -> Mapping[str, Any]:
    schema = nbrucio_schemas.load(name)
    if closed:
        _close(schema)
    return schema


def _close(schema: object) -> None:
    """Limit every object in ``schema`` that lists its keys, and says nothing about others, to these keys."""
    if isinstance(schema, dict):
        for inner in schema.values():
            _close(inner)
        kinds = schema.get("type")
        is_object = kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
        if is_object and "properties" in schema and "additionalProperties" not in schema:
            schema |= {"additionalProperties": False, _CLOSED: True}
    elif isinstance(schema, list):
        for inner in schema:
            _close(inner)


class _Faults:
    """Makes faults from the errors of jsonschema, each once."""

    def __init__(self, root: str, checker: FormatChecker) -> None:
        self._root = root
        self._checker = checker
        self._told: set[tuple[object, ...]] = set()

    def of(self, errors: Iterable[ValidationError]) -> Iterator[SchemaFault]:
        for error in errors:
            for fault in self._from(error):
                key = (*fault.parts, fault.message)
                if key not in self._told:
                    self._told.add(key)
                    yield fault

    def _from(self, error: ValidationError) -> Iterator[SchemaFault]:
        parts = tuple(error.absolute_path)
        if error.validator in ("oneOf", "anyOf") and error.context:
            yield from self._from_branches(error, parts)
        elif error.validator == "additionalProperties":
            yield from self._unknown(error, parts)
        elif error.validator == "required":
            yield from self._missing(error, parts)
        elif error.validator == "format":
            yield self._of_format(error, parts)
        elif self._conforms(error):
            reason, hint = _reason(error)
            yield self._fault(parts, reason, hint)

    def _from_branches(self, error: ValidationError, parts: tuple[str | int, ...]) -> Iterator[SchemaFault]:
        """Yield the faults of the alternatives that are meant for a value of this type, or name all types."""
        branches: dict[object, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.relative_schema_path[0], []).append(inner)
        meant = [each for each in branches.values() if not any(_is_other_kind(inner) for inner in each)]
        if meant:
            for inner in min(meant, key=len):
                yield from self._from(inner)
            return
        wanted = [inner.validator_value for each in branches.values() for inner in each if inner.validator == "type"]
        yield self._fault(parts, _type_words(wanted) if wanted else "has a form that is not known here")

    def _unknown(self, error: ValidationError, parts: tuple[str | int, ...]) -> Iterator[SchemaFault]:
        known = error.schema.get("properties", {})
        for key in error.instance:
            if not _is_listed(str(key), error.schema):
                listed = f"The known keys here are {', '.join(known)}." if known else "No keys are known here."
                hint = suggestion(str(key), known) or listed
                fault = self._fault((*parts, key), "is not a known key", hint)
                absent = (name for name in error.schema.get("required", ()) if name not in error.instance)
                allowed = _CLOSED in error.schema and not any(_resembles(key, name) for name in absent)
                yield fault._replace(unknown_key=True, allowed=allowed)

    def _missing(self, error: ValidationError, parts: tuple[str | int, ...]) -> Iterator[SchemaFault]:
        known = error.schema.get("properties", {})
        closed = error.schema.get("additionalProperties") is False
        others = [key for key in error.instance if key not in known] if closed else []
        for name in error.validator_value:
            # A misspelt key has one fault: the unknown key, with the suggestion.
            if name not in error.instance and not any(_resembles(key, name) for key in others):
                yield self._fault(parts, f"lacks the key '{name}'")

    def _of_format(self, error: ValidationError, parts: tuple[str | int, ...]) -> SchemaFault:
        cause = error.cause
        assert isinstance(cause, NbrucioError)
        path = self._path(parts)
        message = f"{path}: {cause.message}" if path else cause.message
        return SchemaFault(parts, path, message, cause.hint)

    def _conforms(self, error: ValidationError) -> bool:
        """Whether a refused text has its format; if not, the format's own error says more than its pattern."""
        name = error.schema.get("format")
        return name not in self._checker.checkers or self._checker.conforms(error.instance, name)

    def _fault(self, parts: tuple[str | int, ...], reason: str, hint: str | None = None) -> SchemaFault:
        path = self._path(parts)
        return SchemaFault(parts, path, f"{path or 'The value'} {reason}.", hint)

    def _path(self, parts: tuple[str | int, ...]) -> str:
        return self._root + "".join(map(_part, parts)) if self._root else "".join(map(_part, parts)).removeprefix(".")


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """Return ``Did you mean 'access'?`` for a misspelt ``word``; None if no known word is close to it."""
    close = get_close_matches(word[:_MAX_SHOWN_CHARS].lower(), list(known), 1)
    return f"Did you mean '{close[0]}'?" if close else None


def _resembles(key: object, name: str) -> bool:
    return suggestion(str(key), [name]) is not None


def _part(part: object) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    key = str(part)
    plain = key.isidentifier() and key.isascii() and len(key) <= _MAX_SHOWN_CHARS
    return f".{key}" if plain else f"[{printable(key, _MAX_SHOWN_CHARS)}]"


def _is_other_kind(error: ValidationError) -> bool:
    """Whether ``error`` says that an alternative is for values of another type or with another constant."""
    if error.validator == "enum":
        return len(error.validator_value) == 1
    if error.validator == "enum":
        return len(error.validator_value) == 1
    return error.validator == "const" or (error.validator == "type" and not error.relative_path)


def _reason(error: ValidationError) -> tuple[str, str | None]:
    """Return what is wrong, as the end of a sentence, and a suggestion."""
    wanted, instance = error.validator_value, error.instance
    if error.validator == "enum":
        words = [word for word in wanted if isinstance(word, str)]
        hint = suggestion(instance, words) if isinstance(instance, str) else None
        return f"must be one of {', '.join(words)}", hint
    if error.validator in ("maxItems", "maxProperties", "maxLength"):
        noun = {"maxItems": "entries", "maxProperties": "keys", "maxLength": "characters"}[error.validator]
        return f"has {len(instance):,} {noun}, and at most {wanted:,} are allowed", None
    phrase: Callable[[Any, Mapping[str, Any]], str] = _WORDS.get(str(error.validator), _other)
    return phrase(wanted, error.schema), None


def _other(_: object, schema: Mapping[str, Any]) -> str:
    title = schema.get("title")
    return f"must be {title}" if title else "has another form than its schema"


_WORDS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "type": lambda wanted, _: _type_words([wanted]),
    "const": lambda wanted, _: f"must be {str(wanted).lower() if isinstance(wanted, bool) else wanted}",
    "minimum": lambda wanted, _: f"must be at least {wanted:,}",
    "maximum": lambda wanted, _: f"must be at most {wanted:,}",
    "minLength": lambda wanted, _: "must not be empty" if wanted == 1 else f"needs at least {wanted:,} characters",
    "minItems": lambda wanted, _: "must not be empty" if wanted == 1 else f"needs at least {wanted:,} entries",
    "minProperties": lambda *_: "must not be empty",
    "uniqueItems": lambda *_: "has an entry twice",
}


def _type_words(wanted: Iterable[str | list[str]]) -> str:
    flat = [name for each in wanted for name in ([each] if isinstance(each, str) else each)]
    words = list(dict.fromkeys(_TYPES[name] for name in flat if name != "null" or len(flat) == 1))
    return f"must be {' or '.join(words)}"
