"""Print a plan on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from nbrucio.core.download_origins import DownloadOrigin, sources
from nbrucio.core.estimate import Estimate, total
from nbrucio.core.files import total_bytes
from nbrucio.core.plan import Access, Amount, RequirementPlan
from nbrucio.core.rse_choice import RseChoice
from nbrucio.core.text import human_bytes, human_seconds, plural, unverified_words
from nbrucio_cli.common import named, print_json, tell_error, tell_errors
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


def show(estimate: Estimate, choice: RseChoice, *, as_json: bool) -> int:
    """Print an estimate; return the exit code that the sync would have."""
    found = sources(estimate.plan, choice) if estimate.plan.refusal is None else []
    if as_json:
        print_json({**estimate.as_json(), "sources": [source.as_json() for source in found]})
    else:
        shown = [notebook for notebook in estimate.notebooks if notebook.requirements or not notebook.faults]
        for notebook in shown:
            click.echo(str(notebook.path))
            print_table(_row(requirement) for requirement in notebook.requirements)
        if shown:
            click.echo("\n".join([*_summary(estimate), *_sources(found)]))
    errors = (error for each in estimate.notebooks for error in named(each.errors(), each.path))
    tell_errors(errors, notebooks=[each.path for each in estimate.notebooks])
    if estimate.plan.refusal is not None:
        tell_error(estimate.plan.refusal)
    return estimate.exit_code


def _sources(found: Sequence[DownloadOrigin]) -> Iterator[str]:
    if found:
        shown = [f"{source.rse} ({plural(source.files, 'file')}; {source.reason})" for source in found[:_MAX_SOURCES]]
        more = f" and {len(found) - _MAX_SOURCES:,} more RSEs" if len(found) > _MAX_SOURCES else ""
        yield f"From: {', '.join(shown)}{more}."


def _row(plan: RequirementPlan) -> tuple[str, ...]:
    requirement, amounts = plan.resolved.requirement, plan.amounts()
    if plan.resolved.error is not None:
        return requirement.handle, str(requirement.did), plan.resolved.drift or "not resolved", ""
    size = human_bytes(total_bytes(amount.size_bytes for amount in amounts.values()))
    drift = f"; {plan.resolved.drift}" if plan.resolved.drift else ""
    return (
        requirement.handle,
        str(requirement.did),
        f"{plural(len(plan.files), 'file')}, {size}{unverified_words(plan.unverified_files)}",
        _ways(amounts) + drift,
    )


def _ways(amounts: Mapping[Access, Amount]) -> str:
    ways = [(amounts[access], words) for access, words in _WORDS.items() if access in amounts]
    return ", ".join(f"{amount.files:,} {words} ({human_bytes(amount.size_bytes)})" for amount, words in ways)


def _summary(estimate: Estimate) -> list[str]:
    amounts = total(estimate.plan.requirements)
    files = sum(amount.files for amount in amounts.values())
    size = human_bytes(total_bytes(amount.size_bytes for amount in amounts.values()))
    lines = [f"Total: {plural(files, 'file')}, {size}" + (f": {_ways(amounts)}" if files else "")]
    if not estimate.downloads.files:
        unless = ", unless a file turns out to be damaged" if Access.REREAD in amounts else ""
        return [*lines, f"Nothing would be downloaded{unless}."]
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
