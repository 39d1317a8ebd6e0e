"""The result of the doctor."""

from __future__ import annotations

import enum
from typing import NamedTuple

from nbrucio.errors import NbrucioError, envelope, exit_code_for, runnable_command, runnable_text


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

    @property
    def hint_here(self) -> str | None:
        """The hint with its commands as they run in this session."""
        return self.hint and runnable_text(self.hint)

    @property
    def command_here(self) -> str | None:
        """The next command as it runs in this session; None if its program is not installed."""
        return self.next_command and runnable_command(self.next_command)

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {
            "subject": self.subject,
            "state": self.state.value,
            "text": self.text,
            "hint": self.hint_here,
            "next_command": self.command_here,
            "code": self.error.code if self.error else None,
        }


class Diagnosis(NamedTuple):
    """All findings, by area in the order of the checks."""

    areas: dict[str, tuple[Finding, ...]]

    def errors(self) -> list[NbrucioError]:
        """Return the errors of all findings; warnings have none."""
        findings = (finding for area in self.areas.values() for finding in area)
        return [finding.error for finding in findings if finding.error is not None]

    @property
    def exit_code(self) -> int:
        """The exit code of the most serious error; 0 without one, also with warnings."""
        return exit_code_for(self.errors())

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        areas = {name: [finding.as_json() for finding in area] for name, area in self.areas.items()}
        return {**envelope(self.errors()), "areas": areas}
