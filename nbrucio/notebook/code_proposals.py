"""Finds the DIDs that a notebook's code names for other tools: rucio, its clients, ServiceX, coffea. Runs no code.

A save never declares them, since the code may do anything with them: they are proposed to a person. So are those that
the code takes out of loops, dicts and classes before it gives them to nbrucio.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from nbrucio.kernel.names import Names
from nbrucio.kernel.uses import UsesReader
from nbrucio.notebook.cell_syntax import SHELLS
from nbrucio.notebook.code_scan import Effort, cell_size, is_python, parsed

#: A dataset of CMS: primary dataset, processing and data tier; perhaps a block.
_CMS = re.compile(
    r"/[\w.-]+/[\w.]+-[\w.-]+/(?:NANOAOD|MINIAOD|AOD|GEN-SIM|GEN|SIM|RECO|RAW|USER|LHE|DIGI|ALCARECO)[A-Z0-9-]*(?:#[\w-]+)?\Z"
)
_SCOPED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:[^\s/:][^\s:]*\Z|[A-Za-z0-9][A-Za-z0-9._-]*:/[^\s/:][^\s:]*\Z")
#: Functions and classes whose first argument, or argument ``did`` or ``dataset``, is a DID.
_ONE_ARGUMENT = frozenset(
    [
        "RucioDID",
        "Rucio",
        "RucioDatasetIdentifier",
        "ServiceXSourceXAOD",
        "ServiceXSourceUpROOT",
        "ServiceXSourceCMSRun1AOD",
        "ServiceXDataset",
        "get_dataset_files_replicas",
        "query_dataset",
    ]
)
#: Methods of Rucio's clients that take a scope and a name.
_TWO_ARGUMENTS = frozenset(
    [
        "get_did",
        "list_files",
        "list_content",
        "list_content_history",
        "get_metadata",
        "list_did_rules",
        "list_dataset_replicas",
        "list_dataset_replicas_bulk",
        "list_parent_dids",
        "add_did_to_followed",
        "get_did_meta",
    ]
)
_DOWNLOADS = frozenset({"download", "get"})
_SEPARATORS = re.compile(r"&&|\|\||[;|\n]")
_FIELD = re.compile(r"\{(\w+)\}|\$\{?(\w+)\}?")
_MAX_EXPANDED = 50


class Proposal(NamedTuple):
    """A DID that code names.

    Attributes:
        text: as written; perhaps without a scope.
        cell: index of the code cell.
        use: what the code gives it to.
    """

    text: str
    cell: int
    use: str


class Proposals(NamedTuple):
    """The result of `proposals`: each DID once, and the indices of cells that mention rucio and could not be read."""

    found: tuple[Proposal, ...] = ()
    unread: tuple[int, ...] = ()


def proposals(sources: Sequence[str], language: str = "python", effort: Effort | None = None) -> Proposals:
    """Return the DIDs that the code cells with these sources name for other tools, in the order of the cells."""
    limits = effort or Effort()
    if not is_python(language):
        return Proposals()
    names = Names(work=limits.values)
    found: dict[str, Proposal] = {}
    unread: list[int] = []
    left = limits.read
    for number, source in enumerate(sources):
        size = cell_size(source)
        left -= size
        tree = parsed(source) if size <= limits.cell and left >= 0 else None
        try:
            reader = _Reader(names)
            if tree is not None:
                reader.visit(tree)
        except RecursionError:
            tree = None
        if tree is None:
            if "rucio" in source:
                unread.append(number)
            continue
        for text, use in reader.proposed():
            found.setdefault(text, Proposal(text, number, use))
    return Proposals(tuple(found.values()), tuple(unread))


# ruff: noqa: N802 - the names of the methods are ast's
class _Reader(UsesReader):
    def __init__(self, names: Names) -> None:
        super().__init__(names)
        self._proposed: dict[str, str] = {}

    def proposed(self) -> Iterator[tuple[str, str]]:
        yield from self._proposed.items()
        for text in dict.fromkeys(self.derived):
            if _is_did(text):
                yield text, "nbrucio.data, in a loop, a dict or a class"

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _CMS.match(node.value):
            self._propose([node.value], "a dataset of CMS")

    def visit_Dict(self, node: ast.Dict) -> None:
        pairs = zip(node.keys, node.values, strict=True)
        values = {key.value: value for key, value in pairs if isinstance(key, ast.Constant)}
        if "scope" in values and "name" in values:
            self._propose_pairs(values["scope"], values["name"], "a request to Rucio")
        elif "did" in values:
            self._propose(self._texts(values["did"]), "a request to Rucio")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = str(getattr(node.func, "attr", None) or getattr(node.func, "id", ""))
        words = {word.arg: word.value for word in node.keywords if word.arg}
        if name in _ONE_ARGUMENT:
            argument = next((words[key] for key in ("did", "dataset") if key in words), None)
            argument = argument if argument is not None or not node.args else node.args[0]
            self._propose(self._texts(argument), name)
        if "scope" in words and "name" in words:
            self._propose_pairs(words["scope"], words["name"], name)
        elif name in _TWO_ARGUMENTS and len(node.args) >= 2:
            self._propose_pairs(node.args[0], node.args[1], name)
        if node.args:
            self._read_command(node.args[0])
        super().visit_Call(node)

    def _visit_magic(self, name: str, line: str, body: str | None) -> None:
        if name in SHELLS:
            self._read_shell(line if body is None else body)
        else:
            super()._visit_magic(name, line, body)

    def _read_command(self, argument: ast.expr) -> None:
        """Read the first argument of a call: ``"rucio download a:b"``, or the same as a list of words."""
        if isinstance(argument, ast.List):
            words = [text for element in argument.elts for text in self._texts(element)[:1] or [""]]
            self._read_words(words)
        elif isinstance(argument, (ast.Constant, ast.JoinedStr)):
            for text in self._texts(argument):
                if "rucio" in text:
                    self._read_shell(text)

    def _read_shell(self, text: str) -> None:
        for command in _SEPARATORS.split(text.replace("\\\n", " ")):
            if "rucio" not in command:
                continue
            try:
                self._read_words(shlex.split(command, comments=True))
            except ValueError:  # an open quote
                self._read_words(command.split())

    def _read_words(self, words: Sequence[str]) -> None:
        start = next((n for n, word in enumerate(words) if word.rpartition("/")[2] == "rucio"), None)
        if start is None:
            return
        arguments = words[start + 1 :]
        downloads = bool(_DOWNLOADS & set(arguments))
        for before, word in zip(["rucio", *arguments], arguments, strict=False):
            if word.startswith("-"):
                continue
            # The value of an option is no DID; a name without scope is one only where data is downloaded.
            scopeless = downloads and not before.startswith("-") and ("." in word or "/" in word)
            for text in self._expanded(word):
                if _is_did(text) or (scopeless and ":" not in text and not text.startswith(".")):
                    self._propose([text], "rucio download" if downloads else "rucio", checked=True)

    def _expanded(self, word: str) -> Iterator[str]:
        """Yield what IPython makes of a word with ``{name}`` or ``$name``; nothing when a name is unknown."""
        fields = list(_FIELD.finditer(word))
        choices = [self._texts(ast.Name(match[1] or match[2], ast.Load())) for match in fields]
        for chosen, _ in zip(product(*choices), range(_MAX_EXPANDED), strict=False):
            values = iter(chosen)
            yield _FIELD.sub(lambda _, values=values: next(values), word)  # type: ignore[misc]

    def _propose(self, texts: Iterable[str], use: str, *, checked: bool = False) -> None:
        for text in texts:
            if checked or _is_did(text) or _CMS.match(text):
                self._proposed.setdefault(text, use)

    def _propose_pairs(self, scope: ast.expr, name: ast.expr, use: str) -> None:
        pairs = zip(product(self._texts(scope), self._texts(name)), range(_MAX_EXPANDED), strict=False)
        self._propose([f"{one}:{other}" for (one, other), _ in pairs], use)

    def _texts(self, node: ast.expr | None) -> list[str]:
        value = self.names.evaluated(node)[0] if node is not None else None
        return [text for text in value.scalars() if isinstance(text, str)] if value is not None else []


def _is_did(text: str) -> bool:
    return bool(_SCOPED.match(text)) and "*" not in text
