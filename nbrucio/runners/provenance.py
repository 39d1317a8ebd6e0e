"""The record of the data that an executed notebook read, in ``metadata.nbrucio.read``.

For each handle it has the DID, the instance, the content (files, bytes, digest) and the access; and the time and
nbrucio's version. `nbrucio diff` compares such records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from nbrucio.core.filelist import list_lines
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, now
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.version import __version__

#: Key within our key.
READ_KEY = "read"


def record_of(report: NotebookReport) -> dict[str, object]:
    """Return the record of a notebook that was synced with this report."""
    data = {r.resolved.requirement.handle: _requirement(r) for r in report.requirements if r.resolved.lock is not None}
    return {"time": now(), "nbrucio": __version__, "data": data}


def _requirement(report: RequirementReport) -> dict[str, object]:
    resolved, lock = report.resolved, report.resolved.lock
    assert lock is not None
    access = Counter(file.access.value for file in report.files)
    value: dict[str, object] = {
        "did": str(resolved.requirement.did),
        "instance": resolved.instance,
        "type": lock.type.value,
        "files": lock.files,
        "bytes": lock.size_bytes,
        "digest": lock.digest,
        "access": dict(sorted(access.items())),
    }
    if resolved.requirement.select is not None:
        value["select"] = resolved.requirement.select.as_json()
    if len(report.files) <= INLINE_LIST_MAX_FILES:
        value["list"] = list_lines(file.entry for file in report.files)
    return value


def recorded(value: object, report: NotebookReport) -> dict[str, object]:
    """Return a notebook's value of our key with the record of ``report``.

    Args:
        value: the notebook's present value; anything but an object is replaced by the requirements in ``report`` (those
            of rucio-jupyterlab's attachments).
    """
    if isinstance(value, Mapping):
        return {**value, READ_KEY: record_of(report)}
    requirements = [requirement.resolved.requirement.as_json() for requirement in report.requirements]
    return {"version": 1, "requirements": requirements, READ_KEY: record_of(report)}


def stamp(executed: Path, report: NotebookReport) -> None:
    """Write the record into the executed notebook at ``executed``.

    Raises:
        BadNotebook: the notebook cannot be read or written.
        NoSpace: the disk is full.
    """
    from nbrucio.notebook.ipynb import load, save

    notebook = load(executed)
    save(notebook, recorded(notebook.value(), report))
