"""How a plan reads on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

import click

from nbrucio.core.estimate import Estimate, total
from nbrucio.core.files import total_bytes
from nbrucio.core.plan import Access, Amount, RequirementPlan
from nbrucio.core.text import human_bytes, human_seconds, plural, unverified_words
from nbrucio_cli.common import print_json, tell_errors
from nbrucio_cli.tables import print_table

_WORDS = {
    Access.STORE: "in the store",
    Access.REREAD: "to be read again",
    Access.MOUNT: "mounted",
    Access.DOWNLOAD: "to download",
    Access.STREAM: "streamed",
    Access.MISSING: "missing",
}


def show(estimate: Estimate, *, as_json: bool) -> int:
    """Print what a sync would do; returns the exit code that it would have."""
    if as_json:
        print_json(estimate.as_json())
    else:
        told = [notebook for notebook in estimate.notebooks if notebook.requirements or not notebook.faults]
        for notebook in told:
            click.echo(str(notebook.path))
            print_table(_row(requirement) for requirement in notebook.requirements)
        if told:
            click.echo("\n".join(_summary(estimate)))
    tell_errors(estimate.errors())
    return estimate.exit_code


def _row(plan: RequirementPlan) -> tuple[str, ...]:
    requirement, amounts = plan.resolved.requirement, plan.amounts()
    if plan.resolved.error is not None:
        return requirement.handle, str(requirement.did), "not resolved", ""
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
        unless = ", unless a file proves damaged when it is read" if Access.REREAD in amounts else ""
        return [*lines, f"Nothing would be downloaded{unless}."]
    if estimate.downloads.size_bytes is None:
        lines.append("Time and space: unknown, since Rucio does not know the size of every file.")
        now = "unknown" if estimate.free_bytes is None else f"{human_bytes(estimate.free_bytes)} now"
        return [*lines, f"Free at the store: {now}."]
    if estimate.seconds is None or estimate.bytes_per_s is None:
        lines.append("How long it takes cannot be told: no sync has measured a rate here.")
    else:
        rate = human_bytes(estimate.bytes_per_s)
        lines.append(f"About {human_seconds(estimate.seconds)} at {rate}/s, the rate of the last sync.")
    if estimate.free_bytes is None:
        return [*lines, "Free at the store: unknown."]
    free, after = human_bytes(estimate.free_bytes), human_bytes(estimate.free_after_bytes)
    return [*lines, f"Free at the store: {free} now, {after} after it."]
