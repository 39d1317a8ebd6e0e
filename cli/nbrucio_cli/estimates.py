"""Print a plan on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from nbrucio.core.download_limit import unless_given
from nbrucio.core.download_origins import DownloadOrigin
from nbrucio.core.estimate import Estimate
from nbrucio.core.files import total_bytes
from nbrucio.core.plan import Access, Amount, RequirementPlan
from nbrucio.core.sums_estimate import SummedRequirement
from nbrucio.core.text import human_bytes, human_seconds, plural, unverified_words
from nbrucio.kernel.errors import printable
from nbrucio_cli.common import print_json, tell_error, tell_errors
from nbrucio_cli.tables import print_table

#: RSEs that are listed; a large dataset may be at hundreds.
_MAX_SOURCES = 5
_WORDS = {
    Access.STORE: "cached",
    Access.REREAD: "to read again",
    Access.MOUNT: "mounted",
    Access.DOWNLOAD: "to download",
    Access.STREAM: "streamed",
    Access.MISSING: "missing",
}


def show(estimate: Estimate, *, as_json: bool) -> int:
    """Print an estimate; return the exit code that the sync would have."""
    if as_json:
        print_json(estimate.as_json())
    else:
        shown = [notebook for notebook in estimate.notebooks if notebook.requirements or not notebook.faults]
        for notebook in shown:
            click.echo(printable(str(notebook.path)))
            print_table(_row(requirement) for requirement in notebook.requirements)
        if shown:
            click.echo(
                "\n".join(
                    [
                        *_summary(estimate),
                        *_session(estimate),
                        *_sources(estimate.sources),
                        *_sums(estimate),
                        *_reason(estimate),
                    ]
                )
            )
    errors = (error for each in estimate.notebooks for error in each.errors())
    tell_errors(errors, notebooks=[each.path for each in estimate.notebooks])
    if estimate.plan.refusal is not None:
        tell_error(estimate.plan.refusal)
    return estimate.exit_code


def _sources(found: Sequence[DownloadOrigin]) -> Iterator[str]:
    if found:
        shown = [f"{source.rse} ({plural(source.files, 'file')}; {source.reason})" for source in found[:_MAX_SOURCES]]
        more = f" and {len(found) - _MAX_SOURCES:,} more RSEs" if len(found) > _MAX_SOURCES else ""
        yield f"From: {', '.join(shown)}{more}."


def _sums(estimate: Estimate) -> Iterator[str]:
    """Yield what Rucio's sums say of each requirement that is estimated by them."""
    plans = [plan for notebook in estimate.notebooks for plan in notebook.requirements if plan.sums is not None]
    for plan in plans:
        handle, sums = plan.resolved.requirement.handle, plan.sums
        assert sums is not None
        parts = [f"{one.rse} ({plural(one.files, 'file')})" for one in sums.rses[:_MAX_SOURCES]]
        more = f" and {len(sums.rses) - _MAX_SOURCES:,} more RSEs" if len(sums.rses) > _MAX_SOURCES else ""
        yield f"Replicas of {handle} by Rucio's sums: {', '.join(parts) or 'unknown'}{more}."
        if sums.unsure_files:
            yield f"Unsure: for {plural(sums.unsure_files, 'file')} of {handle} the sums do not show a replica."
    if plans:
        yield "`nbrucio plan --exact` asks for the replicas of each file."


def _row(plan: RequirementPlan | SummedRequirement) -> tuple[str, ...]:
    requirement, amounts = plan.resolved.requirement, plan.amounts()
    if plan.resolved.error is not None:
        return requirement.handle, str(requirement.did), plan.resolved.drift or "not resolved", ""
    size = human_bytes(total_bytes(amount.size_bytes for amount in amounts.values()))
    files = sum(amount.files for amount in amounts.values())
    drift = f"; {plan.resolved.drift}" if plan.resolved.drift else ""
    return (
        requirement.handle,
        str(requirement.did),
        f"{plural(files, 'file')}, {size}{unverified_words(plan.unverified_files)}",
        _ways(amounts) + ("; by Rucio's sums" if plan.sums else "") + drift,
    )


def _ways(amounts: Mapping[Access, Amount]) -> str:
    ways = [(amounts[access], words) for access, words in _WORDS.items() if access in amounts]
    return ", ".join(f"{amount.files:,} {words} ({human_bytes(amount.size_bytes)})" for amount, words in ways)


def _summary(estimate: Estimate) -> list[str]:
    amounts = estimate.by_access
    files = sum(amount.files for amount in amounts.values())
    size = human_bytes(total_bytes(amount.size_bytes for amount in amounts.values()))
    unknown = any(
        notebook.faults or any(plan.resolved.error is not None for plan in notebook.requirements)
        for notebook in estimate.notebooks
    )
    part = " of the resolved data" if unknown else ""
    lines = [f"Total{part}: {plural(files, 'file')}, {size}" + (f": {_ways(amounts)}" if files else "")]
    if not estimate.downloads.files:
        unless = ", unless a file turns out to be damaged" if Access.REREAD in amounts else ""
        return [*lines, f"Nothing{part} would be downloaded{unless}."]
    if estimate.downloads.size_bytes is None:
        lines.append("Time and space: unknown, because Rucio has no size for some of the files.")
        now = "unknown" if estimate.free_bytes is None else f"{human_bytes(estimate.free_bytes)} now"
        return [*lines, f"Free in the cache: {now}."]
    if estimate.seconds is None or estimate.bytes_per_s is None:
        lines.append("Time: unknown (first download on this machine).")
    else:
        rate = human_bytes(estimate.bytes_per_s)
        lines.append(f"Time: about {human_seconds(estimate.seconds)} at {rate}/s, the rate of the last sync.")
    if estimate.free_bytes is None:
        return [*lines, "Free in the cache: unknown."]
    free, after = human_bytes(estimate.free_bytes), human_bytes(estimate.free_after_bytes)
    return [*lines, f"Free in the cache: {free} now, {after} after the sync."]


def _session(estimate: Estimate) -> Iterator[str]:
    if estimate.session_left_bytes is not None:
        yield f"Left to download in this session: {human_bytes(estimate.session_left_bytes)}."


def _reason(estimate: Estimate) -> Iterator[str]:
    reason = unless_given(estimate.reason, estimate.errors())
    if reason is not None:
        yield f"This site's reason for its limits: {reason}"
