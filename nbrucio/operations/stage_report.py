"""The result of staging, for the command line and programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbrucio.catalogue.rules import Rule
from nbrucio.errors import NbrucioError, envelope, exit_code_for


@dataclass(frozen=True)
class Staged:
    """One rule of a requirement.

    Attributes:
        notebook, handle: the requirement. Requirements for the same data share their rule.
        instance: the short name of the Rucio server; empty if it is unknown.
        rule: its present state; None without a rule.
        act: ``made``, ``reused``, ``renewed``, ``removed``, or ``found`` for no change.
        error: why there is no rule, or why the replication does not progress.
    """

    notebook: Path
    handle: str
    instance: str
    rule: Rule | None
    act: str
    error: NbrucioError | None = None

    def as_json(self) -> dict[str, object]:
        """Return this rule as a JSON-ready mapping."""
        return {
            "notebook": str(self.notebook),
            "handle": self.handle,
            "act": self.act,
            "rule": self.rule.as_json() if self.rule else None,
            "error": self.error.as_json() if self.error else None,
        }


@dataclass(frozen=True)
class StageReport:
    """Result of `nbrucio.operations.stage.stage`.

    Attributes:
        rules: in the order of the notebooks and their requirements.
        faults: the errors of notebooks that could not be read.
    """

    rules: tuple[Staged, ...]
    faults: tuple[NbrucioError, ...] = ()

    def errors(self) -> Iterator[NbrucioError]:
        """Yield the errors of notebooks, and the reasons why rules do not progress."""
        yield from self.faults
        yield from (each.error for each in self.rules if each.error is not None)

    @property
    def exit_code(self) -> int:
        """0 without errors, else the code of the most serious one."""
        return exit_code_for(self.errors())

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return {**envelope(self.errors()), "rules": [each.as_json() for each in self.rules]}
