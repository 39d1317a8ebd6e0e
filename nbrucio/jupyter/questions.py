"""Questions for consent that cells of a notebook wait for, see `nbrucio.kernel.consent`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nbrucio.disk.atomic import write_file
from nbrucio.disk.read import SMALL_BYTES, read_json
from nbrucio.errors import NbrucioError, UsageError
from nbrucio.pipeline.manifest_files import path_for

ANSWERS = ("shown", "declined")


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


def answer(notebook: Path, identity: object, said: object) -> dict[str, object]:
    """Give the kernel of ``notebook`` an answer to its question.

    Raises:
        UsageError: the answer is unknown, or nobody waits for this question any more.
        NbrucioError: the answer cannot be written.
    """
    if said not in ANSWERS:
        raise UsageError(f"'answer' must be one of {', '.join(ANSWERS)}.")
    question = pending(notebook)["question"]
    if not isinstance(question, dict) or question["id"] != identity:
        raise UsageError("No cell waits for an answer to this question any more.", hint="Run the cell again.")
    try:
        write_file(path_for(notebook).with_suffix(".answer"), json.dumps({"id": identity, "answer": said}).encode())
    except OSError as error:
        raise NbrucioError(f"The answer could not be written: {error.strerror}.") from error
    return {"question": question}
