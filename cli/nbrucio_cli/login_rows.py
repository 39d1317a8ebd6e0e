"""The lines that `login` and `whoami` print for one instance."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbrucio.core.text import human_moment, human_seconds
from nbrucio.errors import runnable_command
from nbrucio_cli.rows import table_lines

if TYPE_CHECKING:
    from nbrucio.operations.whoami import LoginRow

_STATES = {
    "active": "logged in",
    "ended": "not logged in",
    "unreachable": "not reachable",
    "unchecked": "not checked, because nbrucio works offline",
    "failed": "not usable",
}
_KINDS = {
    "password": "the password in your configuration",
    "saved-token": "a token of nbrucio login",
    "token": "the token in",
    "proxy": "the proxy",
    "certificate": "the certificate",
    "ssh-key": "the ssh key",
    "kerberos": "Kerberos",
}


def login_lines(row: LoginRow) -> Iterator[str]:
    """The state of one login, and its details where there are any."""
    default = " (default)" if row.default else ""
    account = f" as {row.account}" if row.account and row.state == "active" else ""
    yield f"{row.name}{default}: {_STATES[row.state]}{account}"
    if row.facts is None or row.state not in ("active", "unchecked"):
        return
    facts = row.facts
    place = facts.file or facts.variable
    details = [
        ("by", f"{_KINDS[facts.kind]} {place}" if place else _KINDS[facts.kind]),
        ("identity", facts.identity),
        ("until", None if facts.ends_at is None else _until(facts.ends_at)),
        ("renewed by", runnable_command(facts.renewed_by)),
    ]
    yield from table_lines((name, text) for name, text in details if text)


def _until(ends_at: float) -> str:
    left = ends_at - time.time()
    return human_moment(ends_at) + (f", in {human_seconds(left)}" if left > 0 else "")
