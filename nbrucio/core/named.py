"""The suggestions of errors with the names of what they are about."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator

from nbrucio.errors import NbrucioError
from nbrucio.kernel.quoting import quoted_path


def named(errors: Iterable[NbrucioError], notebook: object) -> Iterator[NbrucioError]:
    """Return ``errors`` with the name of ``notebook`` in their suggestions."""
    return _filled(errors, "NOTEBOOK", quoted_path(notebook))


def of_handle(errors: Iterable[NbrucioError], handle: str) -> Iterator[NbrucioError]:
    """Return ``errors`` with this ``handle`` in their suggestions."""
    return _filled(errors, "HANDLE", handle)


def _filled(errors: Iterable[NbrucioError], place: str, word: str) -> Iterator[NbrucioError]:
    for error in errors:
        if place not in f"{error.hint} {error.next_command}":
            yield error  # a copy of each error of a million files takes seconds
            continue
        shown = copy.copy(error)
        shown.hint, shown.next_command = (
            text and re.sub(rf"\b{place}\b", lambda _: word, text) for text in (error.hint, error.next_command)
        )
        yield shown
