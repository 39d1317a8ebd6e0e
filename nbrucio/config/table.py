"""A TOML table that knows the file of each key. Its errors name file, key and problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from nbrucio.config.lines import toml_line
from nbrucio.config.path_text import expand, unset_variables, unset_words
from nbrucio.core.text import printable
from nbrucio.core.units import parse_lifetime, parse_size
from nbrucio.errors import BadConfig, UsageError

T = TypeVar("T")


class ConfigSource(NamedTuple):
    """The origin of a setting: a file, or the environment.

    Attributes:
        label: the file or variable.
        folder: where relative paths start.
        line: finds the line of a dotted key; None where the origin has no lines.
        name: returns the name of a dotted key there; None where that is the key itself.
    """

    label: str
    folder: Path
    line: Callable[[str], int | None] | None = None
    name: Callable[[str], str] | None = None

    @classmethod
    def of(cls, file: Path, text: str = "") -> ConfigSource:
        """Return the origin ``file`` with the TOML ``text``. Relative paths in a file start at its folder."""
        return cls(str(file), file.parent, partial(toml_line, text))

    def where(self, key: str) -> str:
        """Return the file and line of ``key``, or the variable."""
        line = self.line(key) if self.line is not None else None
        return self.label if line is None else f"{self.label}:{line}"

    def name_of(self, key: str) -> str:
        """Return the name of ``key`` in this file."""
        return key if self.name is None else self.name(key)


class UnknownSetting(NamedTuple):
    """A setting that nothing reads.

    Attributes:
        where: its file and line.
        key: its dotted key.
        close: the known setting whose name is most alike; None without one.
    """

    where: str
    key: str
    close: str | None

    def __str__(self) -> str:
        """Return the warning."""
        return f"{self.where}: the setting {self.key} is unknown and was ignored.{self.suggestion()}"

    def suggestion(self) -> str:
        """Return the question for the setting that was meant; an empty text without one."""
        return f" Did you mean {self.close}?" if self.close else ""


class Table:
    """The settings below ``key``, each with its origin.

    ``source`` is the origin of a table that may have no settings at all; it is named where one is missing.
    ``asked`` and ``rows`` record what was read, so that `unknown` can name the rest. All reading methods raise
    `BadConfig` for a value of the wrong type.
    """

    def __init__(
        self,
        key: str,
        values: Mapping[str, tuple[object, ConfigSource]],
        environ: Mapping[str, str],
        source: ConfigSource | None = None,
    ) -> None:
        self.key = key
        self.values = values
        self.environ = environ
        self.source = source
        self.asked: set[str] = set()
        self.rows: list[Table] = []

    @classmethod
    def of(cls, key: str, value: object, source: ConfigSource, environ: Mapping[str, str]) -> Table:
        """Return the table ``value``, found at ``key`` of ``source``.

        Raises:
            BadConfig: the value is not a table.
        """
        if not isinstance(value, dict):
            raise fault(source, key, "must be a table")
        return cls(key, {str(name): (entry, source) for name, entry in value.items()}, environ)

    def over(self, below: Table) -> Table:
        """Return both tables merged by key; this one takes precedence."""
        return Table(self.key, {**below.values, **self.values}, self.environ, self.source or below.source)

    def table(self, name: str) -> Table:
        """Return the table at ``name``; an empty one if absent."""
        entry = self._entry(name)
        return Table(self.path_of(name), {}, self.environ) if entry is None else self._table(name, *entry)

    def tables(self, name: str) -> tuple[Table, ...]:
        """Return the array of tables at ``name``; an empty tuple if absent."""
        entry = self._entry(name)
        if entry is None:
            return ()
        rows, source = entry
        if not isinstance(rows, list):
            raise fault(source, self.path_of(name), "must be an array of tables ([[…]])")
        tables = [self._table(f"{name}[{index}]", row, source) for index, row in enumerate(rows)]
        self.rows.extend(tables)
        return tuple(tables)

    def text(self, name: str) -> str | None:
        """Return the string at ``name``, without surrounding space; None if absent."""
        return self._read(name, _text)

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """Return the string at ``name``, one of ``allowed``; None if absent."""
        return self._read(name, lambda value: _choice(value, allowed))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the strings at ``name``; an empty tuple if absent."""
        return self._read(name, _texts) or ()

    def variable(self, name: str) -> str | None:
        """Return the name of an environment variable at ``name``; None if absent."""
        return self._read(name, _variable)

    def secret(self, name: str) -> str | None:
        """Return the string at ``name`` unchanged; None if absent."""
        return self._read(name, _secret)

    def path(self, name: str) -> Path | None:
        """Return the absolute path at ``name``, see `expand`; None if absent."""
        text, entry = self.text(name), self.values.get(name)
        return None if text is None or entry is None else expand(text, entry[1].folder, self.environ)

    def complete_path(self, name: str) -> Path | None:
        """Return `path`, in which every variable must be set: users could otherwise share a folder."""
        path, (text, source) = self.path(name), self.values.get(name, ("", None))
        unset = sorted(set(unset_variables(str(text), self.environ)))
        if source is not None and unset:
            raise fault(source, self.path_of(name), unset_words(unset))
        return path

    def paths(self, name: str) -> tuple[Path, ...]:
        """Return the paths at ``name``, each as `path` does; an empty tuple if absent."""
        texts, entry = self.texts(name), self.values.get(name)
        return () if entry is None else tuple(expand(text, entry[1].folder, self.environ) for text in texts)

    def size(self, name: str) -> int | None:
        """Return the size at ``name`` in bytes; None if absent."""
        return self._read(name, _size)

    def count(self, name: str, least: int = 0) -> int | None:
        """Return the integer at ``name``, at least ``least``; None if absent."""
        return self._read(name, lambda value: _count(value, least))

    def seconds(self, name: str) -> float | None:
        """Return the seconds at ``name``, more than 0 and at most 86400; None if absent."""
        return self._read(name, _seconds)

    def lifetime(self, name: str) -> int | None:
        """Return the lifetime at ``name``, such as ``30d``, in seconds; None if absent."""
        return self._read(name, _lifetime)

    def flag(self, name: str) -> bool | None:
        """Return the boolean at ``name``; None if absent."""
        return self._read(name, _flag)

    def unknown(self, known: Iterable[str] = ()) -> tuple[UnknownSetting, ...]:
        """Return the keys that were not read and are not ``known`` either, also in the rows of arrays."""
        names = {*known, *self.asked}
        own = (
            UnknownSetting(source.where(self.path_of(name)), self.path_of(name), _closest(name, names))
            for name, (_, source) in self.values.items()
            if name not in names
        )
        return (*own, *(found for row in self.rows for found in row.unknown()))

    def fault(self, name: str, what: str) -> BadConfig:
        """Return the error for the value at ``name``; for an absent value it names the files of the whole table."""
        if name in self.values:
            return fault(self.values[name][1], self.path_of(name), what)
        key = self.path_of(name)
        sources = [source for _, source in self.values.values()] + ([self.source] if self.source else [])
        labels = sorted({source.where(self.key) for source in sources})
        names = {source.name_of(key) for source in sources}
        source = ConfigSource(" and ".join(labels) or "configuration", Path.cwd())
        return fault(source, names.pop() if len(names) == 1 else key, what)

    def _entry(self, name: str) -> tuple[object, ConfigSource] | None:
        self.asked.add(name)
        return self.values.get(name)

    def _table(self, name: str, value: object, source: ConfigSource) -> Table:
        return Table.of(self.path_of(name), value, source, self.environ)

    def where(self, name: str) -> str:
        """Return the file and line, or the variable, of the value at ``name``; an empty text if absent."""
        entry = self.values.get(name)
        return "" if entry is None else entry[1].where(self.path_of(name))

    def path_of(self, name: str) -> str:
        """Return the dotted key of ``name``."""
        return f"{self.key}.{name}" if self.key else name

    def _read(self, name: str, parse: Callable[[object], T]) -> T | None:
        entry = self._entry(name)
        if entry is None:
            return None
        try:
            return parse(entry[0])
        except ValueError as error:
            raise fault(entry[1], self.path_of(name), str(error)) from error


def fault(source: ConfigSource, key: str, what: str) -> BadConfig:
    """Return the error for a setting; ``what`` completes a sentence that begins with the key: "must be a table"."""
    name = source.name_of(key)
    return BadConfig(f"{source.where(key)}: {name} {what}.", subject=name, hint="Correct this setting.")


def _closest(name: str, names: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # most configurations have no typing error

    return next(iter(get_close_matches(name, sorted(names), 1)), None)


def _secret(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if "\0" in value:
        raise ValueError("must not contain a NUL character")
    return value


def _text(value: object) -> str:
    text = _secret(value).strip()
    if not text:
        raise ValueError("must not be empty")
    return text


def _choice(value: object, allowed: Sequence[str]) -> str:
    text = _text(value)
    if text not in allowed:
        raise ValueError(f"must be one of {', '.join(allowed)}")
    return text


def _variable(value: object) -> str:
    text = _text(value)
    if not text.isascii() or not text.isidentifier():  # not shown: it may be the token itself
        raise ValueError("must be the name of an environment variable")
    return text


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of strings")
    return tuple(_text(entry) for entry in value)


def _size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str):
        try:
            return parse_size(value)
        except ValueError as error:
            raise ValueError(f"({printable(value)}) {error}") from error
    raise ValueError("must be a size such as '50 GB'")


def _count(value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"must be a whole number of at least {least}")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 86_400:
        raise ValueError("must be a number of seconds between 0 and 86400")
    return float(value)


def _lifetime(value: object) -> int:
    try:
        return parse_lifetime(_text(value))
    except UsageError as error:
        raise ValueError("is not a lifetime such as 12h, 30d or 2w") from error


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value
