"""The YAML header of a text notebook, changed by lines, so that the rest stays unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbrucio.disk.libraries import missing_library
from nbrucio.errors import BadNotebook, MissingDependency
from nbrucio.notebook.base import KEY

#: Comment mark of each kind of script; Markdown has none.
COMMENTS = {".py": "#", ".r": "#", ".jl": "#", ".cpp": "//", ".md": "", ".markdown": "", ".rmd": "", ".qmd": ""}
_MAX_HEADER_LINES = 50_000
#: Databricks knows its notebooks by their first line. See its documentation, "Export and import notebooks".
_SCRIPT_START = re.compile(r"#!.*|#.*coding[:=].*|# Databricks notebook source\s*")
_KEY_LINE = re.compile(r"\{|[^\s#].*?:(\s|$)")
#: A line ``jupyter:`` with the notebook's metadata, unlike Quarto's, which names a kernel: ``jupyter: python3``.
_WRAPPER = re.compile(r"jupyter:\s*(\{|#|$)")


@dataclass(frozen=True)
class Header:
    """The header of a text.

    Attributes:
        path: path of the text.
        lines: all lines of the text, with their ends.
        first, last: the header's YAML is ``lines[first:last]``.
        prefix: prefix of each of its lines (``# ``).
        wrapped: whether the notebook's metadata is under ``jupyter``.
    """

    path: Path
    lines: list[str]
    first: int
    last: int
    prefix: str
    wrapped: bool

    @classmethod
    def find(cls, text: str, path: Path) -> Header | None:
        """Return the header of ``text``; None without one."""
        comment = COMMENTS[path.suffix.lower()]
        lines, mark = text.splitlines(keepends=True), f"{comment} ---".strip()
        at = next((n for n, line in enumerate(lines) if line.strip() and not _SCRIPT_START.match(line)), len(lines))
        if at == len(lines) or lines[at].rstrip() != mark:
            return None
        marks = {mark} if comment else {mark, "..."}  # pandoc ends a header with either
        ends = (n for n in range(at + 1, min(len(lines), _MAX_HEADER_LINES)) if lines[n].rstrip() in marks)
        end = next(ends, None)
        if end is None:
            return None
        found = cls(path, lines, at + 1, end, f"{comment} " if comment else "", wrapped=True)
        if comment:
            return found if found._is_metadata(comment) else None
        wrapped = any(_WRAPPER.match(line) for line in found.yaml)
        return found if wrapped else cls(path, lines, at + 1, end, found.prefix, wrapped=False)

    @classmethod
    def new(cls, text: str, path: Path) -> Header:
        """Return an empty header for a text without one."""
        comment = COMMENTS[path.suffix.lower()]
        lines = text.splitlines(keepends=True)
        newline = "\r\n" if lines[:1] and lines[0].endswith("\r\n") else "\n"
        mark = f"{comment} ---".strip() + newline
        at = next((n for n, line in enumerate(lines) if not _SCRIPT_START.match(line)), len(lines)) if comment else 0
        blank = [] if at < len(lines) and not lines[at].strip() else [newline]
        wrapped = bool(comment) or "```{code-cell" not in text
        start = [f"{comment} jupyter:".strip() + newline] if wrapped else []
        lines[at:at] = [mark, *start, mark, *blank]
        return cls(path, lines, at + 1, at + 1 + len(start), f"{comment} " if comment else "", wrapped)

    @property
    def yaml(self) -> list[str]:
        """The header's lines without comment marks."""
        bare = self.prefix.rstrip()
        return [line.removeprefix(self.prefix if line.startswith(self.prefix) else bare) for line in self._own]

    @property
    def _own(self) -> list[str]:
        return self.lines[self.first : self.last]

    def _is_metadata(self, comment: str) -> bool:
        """Whether the lines are comments with a key among them, unlike a banner or the code between two of them."""
        return all(line.startswith(comment) for line in self._own) and (
            not self._own or any(_KEY_LINE.match(line) for line in self.yaml)
        )

    def declares(self) -> bool:
        """Whether the header has our key."""
        return any(re.match(rf" *{KEY} *:", line) for line in self.yaml)

    def metadata(self) -> dict[str, object]:
        """Return the notebook's metadata in the header."""
        value = _load_yaml("".join(self.yaml), self.path)
        inner = value.get("jupyter") if self.wrapped and isinstance(value, dict) else value
        return inner if isinstance(inner, dict) else {}

    def with_value(self, value: object) -> str:
        """Return the whole text with our key set to ``value``; None removes it."""
        start, end, indent = self._place()
        block = "" if value is None else _dump_yaml({KEY: value})
        newline = "\r\n" if self.lines[self.first - 1].endswith("\r\n") else "\n"
        new = [f"{self.prefix}{' ' * indent}{line}".rstrip() + newline for line in block.splitlines()]
        return "".join([*self.lines[: self.first + start], *new, *self.lines[self.first + end :]])

    def _place(self) -> tuple[int, int, int]:
        """Return first line, last line and indentation of our key; without the key, its place."""
        yaml = self.yaml
        start, end, indent = 0, len(yaml), 0
        if self.wrapped:
            start, end = _block(yaml, "jupyter", 0, len(yaml), 0) or (0, 0)
            if not end:
                raise self._cannot("has no line 'jupyter:'", f"Add the line '{self.prefix}jupyter:' at its end.")
            if not re.match(r"jupyter:\s*(#|$)", yaml[start]):
                raise self._cannot("has its metadata on one line", "Write each key under 'jupyter:' on its own line.")
            start += 1
            indent = next((len(line) - len(line.lstrip()) for line in yaml[start:end] if line.strip()), 2)
        found = _block(yaml, KEY, start, end, indent)
        if found is None and KEY in self.metadata():
            raise self._cannot(f"has '{KEY}' on a line with other keys", "Write each key on its own line.")
        return (*(found or (end, end)), indent)

    def _cannot(self, what: str, hint: str) -> BadNotebook:
        return BadNotebook(
            f"The header of {self.path} {what}, so it was not written.",
            subject=str(self.path),
            hint=hint,
        )


def _block(yaml: list[str], key: str, start: int, end: int, indent: int) -> tuple[int, int] | None:
    """Return the lines of ``key`` in ``yaml[start:end]``, where keys are indented by ``indent``; None without it.

    Comments and blank lines after it are not part of it.
    """
    head = re.compile(rf" {{{indent}}}['\"]?{key}['\"]? *:( |$)")
    first = next((n for n in range(start, end) if head.match(yaml[n].rstrip("\r\n"))), None)
    if first is None:
        return None
    last = first + 1
    for number in range(first + 1, end):
        line = yaml[number]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip())
        # A list may be indented no further than its key.
        if depth < indent or (depth == indent and not line.lstrip().startswith("- ")):
            break
        last = number + 1
    return first, last


def _load_yaml(text: str, path: Path) -> Any:  # noqa: ANN401 - YAML
    yaml, declares = _yaml(), re.search(rf"\b{KEY}\b", text) is not None

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined] # PyYAML has no types
        """Loads plain values only. References could inflate a small text; a time stays text."""

        def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - PyYAML's own
            if self.check_event(yaml.events.AliasEvent):
                raise yaml.YAMLError("it contains a reference (*name)")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: ANN401 - PyYAML's own
            keys = [key.value for key, _ in node.value]
            repeated = next((key for key, _ in node.value if keys.count(key.value) > 1), None)
            if declares and repeated is not None:
                problem = f"it has the key {repeated.value!r} twice"
                raise yaml.constructor.ConstructorError(None, None, problem, repeated.start_mark)
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, found) for tag, found in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        reason = " ".join(str(problem or error).split()) + (f" (line {mark.line + 1} of the header)" if mark else "")
        raise BadNotebook(
            f"The header of {path} is not valid YAML: {reason}.", subject=str(path), hint="Correct the header."
        ) from error


def _dump_yaml(value: object) -> str:
    dumped: str = _yaml().safe_dump(value, sort_keys=False, allow_unicode=True, width=1_000_000)
    return dumped


def _yaml() -> Any:  # noqa: ANN401 - a module without types
    try:
        import yaml
    except ImportError as error:
        raise missing("PyYAML", error) from error
    return yaml


def missing(name: str, error: ImportError) -> MissingDependency:
    """Return the error for a missing library of the ``text`` extra."""
    return missing_library(name, f"Text notebooks need {name}: {error}.", pip="'nbrucio[text]'")
