"""Propose to declare DIDs that a notebook's code names for other tools, or in its loops, dicts and classes."""

from __future__ import annotations

from shlex import quote
from typing import NamedTuple

from nbrucio.core.scope_rule import ScopeRule
from nbrucio.core.text import plural, printable
from nbrucio.errors import BadDid, runnable_command
from nbrucio.kernel.quoting import quoted_path
from nbrucio.notebook.code_proposals import Proposal, proposals
from nbrucio.notebook.declared import Declared

#: Notes about one notebook; further ones are counted.
MAX_NOTES = 50


class Note(NamedTuple):
    """Something that a person may want to do.

    Attributes:
        message: what was found, and in which cell.
        next_command: what to type; None for nothing.
        did: the DID that is proposed; None in other notes.
    """

    message: str
    next_command: str | None = None
    did: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return this as a JSON-ready mapping."""
        return {
            "message": self.message,
            "next_command": self.next_command and runnable_command(self.next_command),
            "did": self.did,
        }


def notes_on(declared: Declared, rule: ScopeRule = ScopeRule()) -> tuple[Note, ...]:  # noqa: B008 - immutable
    """Return a note for each DID in the code that is not declared, and for each cell that cannot be read.

    Args:
        rule: how users of the notebook's instance write DIDs.
    """
    notebook = declared.notebook
    if not any(word in notebook.raw for word in (b"rucio", b"servicex", b"AOD")):
        return ()
    cells = notebook.code_cells()
    found = proposals(cells, notebook.language() or "python")
    present = {str(requirement.did) for requirement in declared.declaration.requirements}
    notes = [_proposed(declared, one, rule) for one in found.found]
    notes = [note for note in notes if note.did not in present]
    for number in found.unread:
        first = printable(next((line for line in cells[number].splitlines() if line.strip()), ""), 40)
        words = f"Code cell {number + 1}, which begins with {first}, cannot be read: the data that it uses is unknown."
        notes.append(Note(words))
    if len(notes) > MAX_NOTES:
        notes[MAX_NOTES:] = [Note(f"The code has {plural(len(notes) - MAX_NOTES, 'more note')} like these.")]
    return tuple(notes)


def _proposed(declared: Declared, one: Proposal, rule: ScopeRule) -> Note:
    try:
        did = str(rule.did(one.text))
    except BadDid:  # without a scope, and nothing says which
        did = f"SCOPE:{one.text}"
    message = f"Code cell {one.cell + 1} names {did} ({one.use})."
    return Note(message, f"nbrucio add {quoted_path(declared.path)} {quote(did)}", did)
