"""Whether the data of notebooks can be obtained, and whether the logins last as long as its download."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.estimate import Estimate
from nbrucio.core.text import human_bytes, human_seconds, plural
from nbrucio.errors import NbrucioError
from nbrucio.operations.doctor.servers import renewal
from nbrucio.operations.doctor.values import Finding, Verdict
from nbrucio.operations.whoami import LoginRow
from nbrucio.pipeline.estimate import estimate
from nbrucio.pipeline.preflight import ending, least_seconds

#: Errors of single files to show; a dataset whose RSE is switched off has thousands.
_SHOWN = 5


def estimated(paths: Sequence[Path], config: Config) -> Estimate | NbrucioError:
    """Return the estimate of a sync of the notebooks, or the error of making it."""
    try:
        return estimate(paths, config)
    except NbrucioError as error:
        return error


def data(
    paths: Sequence[Path], found: Estimate | NbrucioError, config: Config, rows: Sequence[LoginRow]
) -> Iterator[Finding]:
    """Yield a finding for each notebook, and for each login that ends before the download does."""
    if isinstance(found, NbrucioError):
        yield Finding.of(", ".join(map(str, paths)), found)
        return
    for notebook in found.notebooks:
        errors = list(notebook.errors())
        yield from (Finding.of(str(notebook.path), error) for error in errors[:_SHOWN])
        if len(errors) > _SHOWN:
            more = f"{len(errors) - _SHOWN:,} more files cannot be obtained."
            command = "nbrucio plan NOTEBOOK"
            yield Finding(str(notebook.path), Verdict.ERROR, more, next_command=command, error=errors[_SHOWN])
        sums = [plan.sums for plan in notebook.requirements if plan.sums is not None]
        unsure = sum(one.unsure_files for one in sums)
        if unsure:
            text = f"Rucio's sums do not show a replica of {plural(unsure, 'file')}."
            command = "nbrucio plan --exact NOTEBOOK"
            yield Finding(str(notebook.path), Verdict.UNCHECKED, text, next_command=command)
        elif not errors:
            how = ", by Rucio's sums of replicas" if sums else ""
            yield Finding(str(notebook.path), Verdict.OK, f"All of its data can be obtained{how}.")
    if found.plan.refusal is not None:
        yield Finding.of("download", found.plan.refusal)
    elif found.downloads.files:
        yield _download(found)
        yield from _ending(found, rows)
        yield from _storage_ending(found, config)


def _download(found: Estimate) -> Finding:
    size = human_bytes(found.downloads.size_bytes)
    took = "" if found.seconds is None else f", about {human_seconds(found.seconds)} at the rate of the last download"
    return Finding("download", Verdict.OK, f"{plural(found.downloads.files, 'file')} to download, {size}{took}.")


def _ending(found: Estimate, rows: Sequence[LoginRow]) -> Iterator[Finding]:
    """Yield the logins that end before the download does."""
    instances = {plan.resolved.instance for notebook in found.notebooks for plan in notebook.requirements}
    needed_s = least_seconds(found.downloads.size_bytes or 0) if found.seconds is None else found.seconds
    for row in rows:
        facts = row.facts
        if row.instance is None or row.instance.identity not in instances or facts is None or facts.ends_at is None:
            continue
        left_s = facts.ends_at - time.time()
        if left_s < needed_s:
            text = f"The login at {row.name} ends in {human_seconds(max(0.0, left_s))}, before the download does."
            yield Finding(row.name, Verdict.WARNING, text, *renewal(row))


def _storage_ending(found: Estimate, config: Config) -> Iterator[Finding]:
    """Yield the credentials for storage that end before the download does."""
    for sentence in ending(found.download_bytes, config, found.bytes_per_s, os.environ):
        yield Finding("download", Verdict.WARNING, sentence)
