"""A notebook's files as text that coffea, uproot, RDataFrame, spreadsheets and scripts read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence

from nbrucio.core.report import FileReport, RequirementReport
from nbrucio.errors import UsageError
from nbrucio.kernel import samples

#: Formats that name the tree to read.
WITH_TREE = ("coffea", "uproot", "rdataframe")
#: Formats that list files, with the tree if there is one.
FLAT = ("json", "csv")
_COLUMNS = ("handle", "did", "file", "place", "access", "bytes", "checksum")


def filesets_text(requirements: Sequence[RequirementReport], form: str, tree: str | None) -> str:
    """Return all files of ``requirements``, which must be available, in the format ``form``.

    Args:
        tree: the name of the tree to read; needed by the formats `WITH_TREE`, and a column in the others.

    Raises:
        UsageError: the name of the tree is missing or empty.
    """
    if not tree and (tree is not None or form in WITH_TREE):
        raise UsageError(
            f"The format {form} needs the name of the tree to read.",
            subject="--tree",
            hint="Add it, for example --tree Events.",
        )
    if form == "csv":
        return _csv(requirements, tree)
    return json.dumps(_JSON[form](requirements, tree or ""), indent=2)


def _coffea(requirements: Iterable[RequirementReport], tree: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for requirement in requirements:
        declared = requirement.resolved.requirement
        found.update(samples.coffea(declared.handle, str(declared.did), map(_place, requirement.files), tree))
    return found


def _uproot(requirements: Iterable[RequirementReport], tree: str) -> dict[str, str]:
    return samples.uproot((_place(file) for requirement in requirements for file in requirement.files), tree)


def _rdataframe(requirements: Iterable[RequirementReport], tree: str) -> dict[str, object]:
    return samples.rdataframe(_coffea(requirements, tree))


def _rows(requirements: Iterable[RequirementReport], tree: str | None) -> list[dict[str, object]]:
    """Return one row a file; sizes in bytes, None where they are unknown."""
    rows = []
    for requirement in requirements:
        declared = requirement.resolved.requirement
        for file in requirement.files:
            entry = file.entry
            values = (
                declared.handle,
                str(declared.did),
                str(entry.did),
                _place(file),
                file.access.value,
                entry.size_bytes,
                entry.checksum,
            )
            row: dict[str, object] = dict(zip(_COLUMNS, values, strict=True))
            rows.append({**row, "tree": tree} if tree else row)
    return rows


_JSON: dict[str, Callable[[Sequence[RequirementReport], str], object]] = {
    "coffea": _coffea,
    "uproot": _uproot,
    "rdataframe": _rdataframe,
    "json": _rows,
}


def _csv(requirements: Iterable[RequirementReport], tree: str | None) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_COLUMNS, "tree"] if tree else _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(requirements, tree))
    return text.getvalue().rstrip("\n")


def _place(file: FileReport) -> str:
    place = file.where or file.pfn
    assert place is not None, "only files that are available have a place"
    return place
