"""The result of the doctor."""

from __future__ import annotations

import enum
from typing import NamedTuple

from nbrucio.errors import NbrucioError, exit_code_for


class Verdict(enum.Enum):
    """The state of one thing; the values are those of the JSON."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNCHECKED = "unchecked"


class Finding(NamedTuple):
    """One thing that was checked.

    Attributes:
        subject: what it is about: an instance, file, folder or notebook.
        state: its state; unchecked if it could not be examined.
        text: one sentence.
        hint, next_command: what mends it.
        error: the error that a command would have; None unless `state` is an error.
    """

    subject: str
    state: Verdict
    text: str
    hint: str | None = None
    next_command: str | None = None
    error: NbrucioError | None = None

    @classmethod
    def of(cls, subject: str, error: NbrucioError) -> Finding:
        """Return the finding for an error."""
        return cls(subject, Verdict.ERROR, error.message, error.hint, error.next_command, error)

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {
            "subject": self.subject,
            "state": self.state.value,
            "text": self.text,
            "hint": self.hint,
            "next_command": self.next_command,
            "code": self.error.code if self.error else None,
        }


class Diagnosis(NamedTuple):
    """All findings, by area in the order of the checks."""

    areas: dict[str, tuple[Finding, ...]]

    @property
    def exit_code(self) -> int:
        """The exit code of the most serious error; 0 without one, also with warnings."""
        findings = (finding for area in self.areas.values() for finding in area)
        return exit_code_for(finding.error for finding in findings if finding.error is not None)

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        areas = {name: [finding.as_json() for finding in area] for name, area in self.areas.items()}
        return {"version": 1, "exit_code": self.exit_code, "areas": areas}
