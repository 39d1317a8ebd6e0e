"""Questions for consent that cells of a notebook wait for, see `nbrucio.kernel.consent`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.disk.read import SMALL_BYTES, read_json, reason
from nbrucio.disk.system_errors import kind_of
from nbrucio.errors import BadConfig, UsageError
from nbrucio.pipeline.manifest_files import path_for


def pending(notebook: Path) -> dict[str, object]:
    """Return ``{"question": …}``: the id and the handles of the question that a kernel of ``notebook`` waits for, or
    null."""
    try:
        found = read_json(path_for(notebook).with_suffix(".question"), SMALL_BYTES)
        os.kill(int(found["pid"]), 0)
        identity, handles = str(found["id"]), [str(handle) for handle in found["handles"]]
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return {"question": None}
    return {"question": {"id": identity, "handles": handles}}


def answer(notebook: Path, identity: str, said: str) -> dict[str, object]:
    """Give the kernel of ``notebook`` an answer to its question.

    Args:
        said: ``shown`` or ``declined``.

    Raises:
        UsageError: nobody waits for this question any more.
        NbrucioError: the answer cannot be written.
    """
    question = pending(notebook)["question"]
    if not isinstance(question, dict) or question["id"] != identity:
        raise UsageError("No cell waits for an answer to this question any more.", hint="Run the cell again.")
    try:
        write_file(path_for(notebook).with_suffix(".answer"), json.dumps({"id": identity, "answer": said}).encode())
    except OSError as error:
        hint = "Check this folder and its disk, then answer again."
        words = f"The answer for the cell cannot be written: {reason(error)}."
        raise kind_of(error, BadConfig)(words, subject=str(path_for(notebook).parent), hint=hint) from error
    return {"question": question}
