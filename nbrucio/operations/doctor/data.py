"""Whether the data of notebooks can be obtained, and whether the logins last as long as its download."""

from __future__ import annotations

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

#: Errors of single files to show; a dataset whose RSE is switched off has thousands.
_SHOWN = 5


def data(paths: Sequence[Path], config: Config, rows: Sequence[LoginRow]) -> Iterator[Finding]:
    """Yield a finding for each notebook, and for each login that ends before the download does."""
    try:
        found = estimate(paths, config)
    except NbrucioError as error:
        yield Finding.of(", ".join(map(str, paths)), error)
        return
    for notebook in found.notebooks:
        errors = list(notebook.errors())
        yield from (Finding.of(str(notebook.path), error) for error in errors[:_SHOWN])
        if len(errors) > _SHOWN:
            more = f"{len(errors) - _SHOWN:,} more files cannot be obtained."
            command = "nbrucio plan NOTEBOOK"
            yield Finding(str(notebook.path), Verdict.ERROR, more, next_command=command, error=errors[_SHOWN])
        if not errors:
            yield Finding(str(notebook.path), Verdict.OK, "All of its data can be obtained.")
    if found.plan.refusal is not None:
        yield Finding.of("download", found.plan.refusal)
    elif found.downloads.files:
        yield _download(found)
        yield from _ending(found, rows)


def _download(found: Estimate) -> Finding:
    size = human_bytes(found.downloads.size_bytes)
    took = "" if found.seconds is None else f", about {human_seconds(found.seconds)} at the rate of the last download"
    return Finding("download", Verdict.OK, f"{plural(found.downloads.files, 'file')} to download, {size}{took}.")


def _ending(found: Estimate, rows: Sequence[LoginRow]) -> Iterator[Finding]:
    """Yield the logins that end before the download does, if its time is known."""
    instances = {plan.resolved.instance for plan in found.plan.requirements}
    for row in rows:
        facts = row.facts
        if row.instance is None or row.instance.identity not in instances or facts is None or facts.ends_at is None:
            continue
        left_s = facts.ends_at - time.time()
        if found.seconds is not None and left_s < found.seconds:
            text = f"The login at {row.name} ends in {human_seconds(max(0.0, left_s))}, before the download does."
            yield Finding(row.name, Verdict.WARNING, text, *renewal(row))
